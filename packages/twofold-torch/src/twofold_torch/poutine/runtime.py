"""The lineage's place of the handler stack."""

from ..primitives import effectful
from ..runtime import NonlocalExit, active_handlers, am_i_wrapped, apply_stack

__all__ = ["NonlocalExit", "active_handlers", "am_i_wrapped", "apply_stack", "effectful"]
