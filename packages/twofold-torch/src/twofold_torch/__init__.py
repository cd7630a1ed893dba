"""A probabilistic programming language for PyTorch: models as functions, inference as handlers around them.

Example:
    >>> import twofold_torch as tt
    >>> from twofold_torch import distributions as dist
    >>> def model(data):
    ...     loc = tt.sample("loc", dist.Normal(0.0, 10.0))
    ...     with tt.plate("data", len(data)):
    ...         return tt.sample("obs", dist.Normal(loc, 1.0), obs=data)
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
from .messages import CondIndepStackFrame
from .modules import module, random_module
from .params import ParamStore, clear_param_store, get_param_store
from .plates import iarange, irange, plate, plate_stack
from .primitives import deterministic, effectful, factor, get_mask, param, sample, subsample
from .runtime import Messenger, apply_stack
from .traces import Trace
from .util import set_rng_seed
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
    "irange",
    "iarange",
    # the store, seeds and checks
    "ParamStore",
    "get_param_store",
    "clear_param_store",
    "set_rng_seed",
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
    "effectful",
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

_LATER = frozenset({"diagnostics", "infer", "ops", "optim"})


def __getattr__(name: str) -> _Any:
    """Import a subpackage at its first use: ``twofold_torch.infer`` works without an import of its own."""
    if name in _LATER:
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
