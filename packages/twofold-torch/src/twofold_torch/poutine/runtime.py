"""The lineage's place of the handler stack."""

from ..runtime import NonlocalExit, active_handlers, am_i_wrapped, apply_stack, effectful

__all__ = ["NonlocalExit", "active_handlers", "am_i_wrapped", "apply_stack", "effectful"]
