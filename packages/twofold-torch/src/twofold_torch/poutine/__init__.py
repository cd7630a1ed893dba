"""The lineage's name of ``handlers``; the same objects."""

from .. import handlers
from ..handlers import *
from . import messenger, runtime, trace_messenger, trace_struct, util

__all__ = ["messenger", "runtime", "trace_messenger", "trace_struct", "util"]
__all__ += handlers.__all__
