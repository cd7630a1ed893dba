"""Checks of what a statement is given: name, law, sample shape, observed value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .distributions.checks import check_value
from .distributions.wrappers import MaskedDistribution
from .errors import NonFiniteError, RandomKeyError, SiteTypeError, SupportError
from .messages import Message, is_auxiliary
from .ops.arrays import is_concrete, is_prng_key, shape_of
from .validation import is_validation_enabled

__all__ = [
    "as_observation",
    "check_factor",
    "check_law",
    "check_name",
    "check_observed_value",
    "check_sample_shape",
    "check_settings",
]

_LAW_ATTRIBUTES = ("sample", "log_prob", "batch_shape", "event_shape")


def check_name(name: Any, statement: str) -> None:
    """Refuse a site name that is no string, or empty."""
    if not isinstance(name, str):
        raise SiteTypeError(
            f"the name of a {statement} statement must be a string",
            seen=f"{name!r} of type {type(name).__name__}",
            expected="a str",
            suggestion=f'write {statement}("x", ...)',
        )


def check_law(name: str, fn: Any) -> None:
    """Refuse anything that cannot be drawn from and scored."""
    if isinstance(fn, type):
        raise SiteTypeError(
            f"site {name!r} was given the class {fn.__name__} in the place of a distribution",
            seen=f"the type {fn.__name__}",
            expected="an instance",
            suggestion=f"write {fn.__name__}(...) with its arguments",
        )
    if all(hasattr(fn, attribute) for attribute in _LAW_ATTRIBUTES):
        return
    raise SiteTypeError(
        f"site {name!r} needs a distribution",
        seen=f"an object of type {type(fn).__name__}",
        expected="a Distribution, whose values can be drawn and scored",
        suggestion="write sample(name, dist.Normal(0.0, 1.0)); use deterministic(name, value) to record a value",
    )


def check_sample_shape(name: str, sample_shape: Any) -> None:
    """Refuse a ``sample_shape`` that is no tuple of sizes."""
    sizes_fit = isinstance(sample_shape, tuple) and all(
        isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 0 for size in sample_shape
    )
    if not sizes_fit:
        raise SiteTypeError(
            f"sample_shape of site {name!r} must be a tuple of sizes",
            seen=repr(sample_shape),
            expected="a tuple of non-negative integers, such as (3,)",
            suggestion="write sample_shape=(3,); data go to obs=",
        )


def check_settings(name: str, infer: Any, rng_key: Any) -> None:
    """Refuse an ``infer`` that is no dict, and an ``rng_key`` that is no key, such as a mislaid observation."""
    if infer is not None and not isinstance(infer, Mapping):
        raise SiteTypeError(
            f"infer of site {name!r} must be a dict",
            seen=repr(infer),
            expected="settings by name",
            suggestion='write infer={"enumerate": "parallel"}',
        )
    if rng_key is not None and not is_prng_key(rng_key):
        raise RandomKeyError(
            f"rng_key of site {name!r} is no random key",
            seen=f"{type(rng_key).__name__} of shape {shape_of(rng_key) if hasattr(rng_key, 'shape') else ()}",
            expected="one key, such as jax.random.key(0)",
            suggestion="pass data by name, obs=...; or run the model in handlers.seed",
        )


def as_observation(name: str, obs: Any, what: str = "observation") -> Any:
    """``obs`` as something with numbers in it: Python numbers stay, other containers become NumPy arrays."""
    if isinstance(obs, bool | int | float | complex) or hasattr(obs, "shape"):
        return obs
    array = None if isinstance(obs, str | bytes) else np.asarray(obs)
    if array is None or array.dtype.kind not in "biufc":
        raise SiteTypeError(
            f"the {what} of site {name!r} is no number and no array of numbers",
            seen=f"{obs!r} of type {type(obs).__name__}",
            expected="a number, a NumPy array or a JAX array",
            suggestion="convert it with numpy.asarray(..., dtype=float); for missing entries use obs_mask",
        )
    return array


def check_factor(name: str, log_factor: Any) -> None:
    """Refuse a concrete factor that is NaN, with validation on."""
    if is_validation_enabled() and is_concrete(log_factor) and np.isnan(np.asarray(log_factor)).any():
        raise NonFiniteError(
            f"factor {name!r} is NaN",
            seen=str(np.asarray(log_factor)),
            expected="a log density: real numbers, or -inf for what is impossible",
            suggestion="find the step that made the NaN, such as 0 * inf or log of a negative number",
        )


def check_observed_value(msg: Message) -> None:
    """Refuse a concrete observation outside the support of its law; entries that are masked out are not looked at."""
    if not is_validation_enabled() or is_auxiliary(msg):
        return
    fn, value = msg["fn"], msg["value"]
    if not is_concrete(value):
        return
    if isinstance(fn, MaskedDistribution):
        value = _without_masked(fn, value)
        if value is None:
            return
    try:
        check_value(fn, value)
    except SupportError as error:
        raise SupportError(
            f"the observation of site {msg['name']!r} lies outside the support of its law: {error.problem}",
            seen=error.seen,
            expected=error.expected,
            suggestion=error.suggestion,
        ) from None


def _without_masked(fn: MaskedDistribution, value: Any) -> Any:
    """The entries of ``value`` that count, or None if none does or that cannot be told now."""
    mask = fn._everywhere if fn._everywhere is not None else fn._mask
    if mask is False or not is_concrete(mask):
        return None
    array, kept = np.asarray(value), np.asarray(mask)
    ndim = len(fn.event_shape)
    batch = np.broadcast_shapes(array.shape[: array.ndim - ndim], kept.shape)
    event = array.shape[array.ndim - ndim :]
    return np.broadcast_to(array, (*batch, *event))[np.broadcast_to(kept, batch)]
