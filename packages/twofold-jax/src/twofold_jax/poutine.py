"""Another name of ``twofold_jax.handlers``, as programs of the other lineage spell it."""

from .handlers import (
    block,
    condition,
    do,
    enum,
    infer_config,
    lift,
    markov,
    mask,
    reparam,
    replay,
    scale,
    scope,
    seed,
    substitute,
    trace,
    uncondition,
)
from .messages import Trace
from .runtime import Messenger

__all__ = [
    "Messenger",
    "Trace",
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
