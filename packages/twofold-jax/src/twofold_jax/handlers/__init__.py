"""Effect handlers: they change how the statements of a model behave.

Each works as ``handler(model, ...)(*args)`` and as ``with handler(...):``, and may be stacked on others; the innermost
is asked first.
"""

from ..runtime import Messenger
from .enumeration import enum, markov
from .randomness import seed
from .recording import replay, trace
from .reparam import reparam
from .scoping import block, infer_config, scope
from .scoring import mask, scale
from .values import condition, do, lift, substitute, uncondition

__all__ = [
    "Messenger",
    "block",
    "condition",
    "do",
    "enum",
    "infer_config",
    "lift",
    "markov",
    "mask",
    "reparam",
    "replay",
    "scale",
    "scope",
    "seed",
    "substitute",
    "trace",
    "uncondition",
]
