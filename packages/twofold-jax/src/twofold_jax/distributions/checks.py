"""Checks of arguments and values: concrete numbers only, by NumPy only, never inside a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SupportError
from ..ops.arrays import as_array_like, is_concrete, shape_of
from .constraints.base import Constraint, is_dependent
from .constraints.describe import describe

if TYPE_CHECKING:
    from .base import Distribution

__all__ = ["check_arguments", "check_value"]


def check_arguments(law: Distribution) -> None:
    """Raise `SupportError` if a concrete argument of ``law`` lies outside its domain or is NaN."""
    for name, constraint in law.arg_constraints.items():
        argument = law.__dict__.get(name)
        if argument is None or is_dependent(constraint) or not is_concrete(argument):
            continue
        array, inside = _membership(constraint, argument)
        if not np.all(inside):
            raise SupportError(
                f"argument {name!r} of {type(law).__name__} lies outside its domain",
                seen=_offenders(array, inside, constraint.event_dim),
                expected=describe(constraint),
                suggestion="correct the argument, or give it a constraint where it is a parameter",
            )


def check_value(law: Distribution, value: Any) -> Any:
    """``value`` as an array-like, after raising `SupportError` if it is concrete and outside the support of ``law``."""
    value = as_array_like(value, f"the value for {type(law).__name__}.log_prob")
    if not is_concrete(value):
        return value
    support = law.support
    if support is None or is_dependent(support) or not support.is_concrete:
        return value
    if len(shape_of(value)) < support.event_dim:
        raise SupportError(
            f"a value for {type(law).__name__} has too few dims",
            seen=shape_of(value),
            expected=f"at least {support.event_dim} dims, shape (..., {', '.join(map(str, law.event_shape))})",
        )
    array, inside = _membership(support, value)
    if not np.all(inside):
        raise SupportError(
            f"a value lies outside the support of {type(law).__name__}",
            seen=_offenders(array, inside, support.event_dim),
            expected=describe(support),
            suggestion="check the data, or mask the entries that should not count",
        )
    return value


def _membership(constraint: Constraint, value: Any) -> tuple[Any, Any]:
    if isinstance(value, (float, int)) and not constraint.event_dim:
        return value, constraint(value)
    array = np.asarray(value)
    if array.dtype.kind == "V":  # bfloat16 and other types that NumPy knows by size only
        array = array.astype(np.float32)
    with np.errstate(all="ignore"):
        return array, constraint(array)


def _offenders(array: Any, inside: Any, event_dim: int) -> str:
    """The first offending values with their positions."""
    array, inside = np.asarray(array), np.asarray(inside)
    if inside.ndim == 0:
        return f"{array}" if array.size <= 20 else f"an array of shape {array.shape}"
    batch = array.shape[: array.ndim - event_dim]
    wrong = np.argwhere(~inside)
    if batch != inside.shape:
        return f"{len(wrong)} of {inside.size} values are wrong"
    shown = [f"{array[tuple(index)]} at {index.tolist()}" for index in wrong[:3]]
    return "; ".join(shown) + (f"; {len(wrong)} in all" if len(wrong) > 3 else "")
