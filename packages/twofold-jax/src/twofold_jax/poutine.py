"""Another name of ``twofold_jax.handlers``, as programs of the other lineage spell it."""

from .handlers import *
from .handlers import __all__ as __all__
from .messages import Trace as Trace
from .runtime import Messenger as Messenger
