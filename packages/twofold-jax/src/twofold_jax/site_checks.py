"""Checks of what a statement is given: name, law, sample shape, observed value."""

from __future__ import annotations

from typing import Any

import numpy as np

from .distributions.checks import check_value
from .distributions.wrappers import MaskedDistribution
from .errors import SiteTypeError, SupportError
from .messages import Message, is_auxiliary
from .ops.arrays import is_concrete
from .validation import is_validation_enabled

__all__ = [
    "check_law",
    "check_name",
    "check_observed_value",
    "check_sample_shape",
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
