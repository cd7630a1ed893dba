"""Another name of ``twofold_jax.handlers``, as programs of the other lineage spell it."""

from . import handlers
from .handlers import *  # noqa: F403 - the same names, listed once

__all__ = []
__all__ += handlers.__all__
