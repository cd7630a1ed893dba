"""A probabilistic programming language for JAX."""

from . import distributions, handlers, settings
from .messages import Trace
from .modules import module, random_module
from .plates import plate, plate_stack
from .primitives import (
    CondIndepStackFrame,
    Messenger,
    apply_stack,
    deterministic,
    factor,
    get_mask,
    param,
    prng_key,
    sample,
    subsample,
)
from .util import enable_x64, set_host_device_count, set_platform, set_rng_seed
from .validation import enable_validation, validation_enabled

__version__ = "0.1.0"

__all__ = [
    "CondIndepStackFrame",
    "Messenger",
    "Trace",
    "__version__",
    "apply_stack",
    "deterministic",
    "distributions",
    "enable_validation",
    "enable_x64",
    "factor",
    "get_mask",
    "handlers",
    "module",
    "param",
    "plate",
    "plate_stack",
    "prng_key",
    "random_module",
    "sample",
    "set_host_device_count",
    "set_platform",
    "set_rng_seed",
    "settings",
    "subsample",
    "validation_enabled",
]
