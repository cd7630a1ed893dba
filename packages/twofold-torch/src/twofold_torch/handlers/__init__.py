"""Handlers: they change what the statements of a model do.

``condition(model, data={...})`` is the model with sites observed; ``with condition(data={...}): ...`` is the same for a
block of statements.  The innermost handler is asked first.
"""

from ..plates import plate
from ..primitives import effectful, get_mask
from ..runtime import Messenger, apply_stack
from ..traces import Trace
from .collapsing import collapse
from .enumeration import enum, markov
from .randomness import seed
from .recording import replay, trace
from .reparam import reparam
from .scoping import block, infer_config, scope
from .scoring import mask, scale
from .sequential import NonlocalExit, escape, queue
from .values import condition, do, lift, substitute, uncondition

__all__ = [
    "Messenger",
    "NonlocalExit",
    "Trace",
    "apply_stack",
    "block",
    "collapse",
    "condition",
    "do",
    "effectful",
    "enum",
    "escape",
    "get_mask",
    "infer_config",
    "lift",
    "markov",
    "mask",
    "plate",
    "queue",
    "reparam",
    "replay",
    "scale",
    "scope",
    "seed",
    "substitute",
    "trace",
    "uncondition",
]
