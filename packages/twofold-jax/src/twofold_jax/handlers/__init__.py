"""Effect handlers: they change how the statements of a model behave.

Each works as ``handler(model, ...)(*args)`` and as ``with handler(...):``, and may be stacked on others; the innermost
is asked first.
"""

from ..messages import Trace
from ..plates import plate
from ..primitives import get_mask
from ..runtime import Messenger, apply_stack
from .collapsing import collapse
from .enumeration import enum, markov
from .randomness import seed
from .recording import replay, trace
from .reparam import reparam
from .scoping import block, infer_config, scope
from .scoring import mask, scale
from .values import condition, do, lift, substitute, uncondition

__all__ = [
    "Messenger",
    "Trace",
    "apply_stack",
    "block",
    "collapse",
    "condition",
    "do",
    "enum",
    "get_mask",
    "infer_config",
    "lift",
    "markov",
    "mask",
    "plate",
    "reparam",
    "replay",
    "scale",
    "scope",
    "seed",
    "substitute",
    "trace",
    "uncondition",
]
