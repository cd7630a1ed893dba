"""A probabilistic programming language for JAX: models as functions, inference as handlers around them.

Example:
    >>> import twofold_jax as tj
    >>> from twofold_jax import distributions as dist
    >>> def model(data):
    ...     loc = tj.sample("loc", dist.Normal(0.0, 10.0))
    ...     with tj.plate("data", len(data)):
    ...         return tj.sample("obs", dist.Normal(loc, 1.0), obs=data)
"""

import importlib as _importlib
from typing import Any as _Any

from . import distributions, handlers, poutine, settings
from .errors import (
    DuplicateSiteError,
    FileFormatError,
    HandlerError,
    InferenceError,
    InferenceWarning,
    NonFiniteError,
    PlateError,
    RandomKeyError,
    ShapeError,
    SiteError,
    SiteTypeError,
    StoreError,
    SupportError,
    TwofoldError,
    TwofoldWarning,
    UnknownSiteError,
)
from .handlers import condition, do, markov
from .messages import CondIndepStackFrame, Trace
from .modules import module, random_module
from .plates import plate, plate_stack
from .primitives import deterministic, factor, get_mask, mutable, param, prng_key, sample, subsample
from .runtime import Messenger, apply_stack
from .util import enable_x64, set_host_device_count, set_platform, set_rng_seed
from .validation import enable_validation, validation_enabled

__version__ = "0.1.0"

__all__ = [
    # statements
    "sample",
    "param",
    "plate",
    "plate_stack",
    "deterministic",
    "factor",
    "subsample",
    "module",
    "random_module",
    "get_mask",
    "prng_key",
    "mutable",
    # seeds, switches and checks
    "set_rng_seed",
    "enable_x64",
    "set_platform",
    "set_host_device_count",
    "enable_validation",
    "validation_enabled",
    "settings",
    # handlers
    "handlers",
    "poutine",
    "condition",
    "do",
    "markov",
    "Messenger",
    "apply_stack",
    "CondIndepStackFrame",
    "Trace",
    # laws
    "distributions",
    # errors
    "TwofoldError",
    "SiteError",
    "DuplicateSiteError",
    "UnknownSiteError",
    "ShapeError",
    "SupportError",
    "NonFiniteError",
    "SiteTypeError",
    "RandomKeyError",
    "PlateError",
    "HandlerError",
    "StoreError",
    "FileFormatError",
    "InferenceError",
    "TwofoldWarning",
    "InferenceWarning",
]

_LATER = frozenset({"diagnostics", "infer", "optim"})


def __getattr__(name: str) -> _Any:
    """Import a subpackage at its first use: ``twofold_jax.infer`` works without an import of its own."""
    if name in _LATER:
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
