"""What a plate may be given: sizes, dims, row numbers."""

from __future__ import annotations

import operator
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from .errors import PlateError
from .ops.arrays import is_concrete, shape_of
from .validation import is_validation_enabled

__all__ = ["as_dim", "as_rows", "as_size", "length_of_subsample", "refuse_rows"]


def as_size(name: str, argument: str, size: Any) -> int:
    """A size as a positive int."""
    try:
        if isinstance(size, bool):
            raise TypeError
        number = operator.index(size)
    except TypeError:
        raise PlateError(
            f"{argument} of plate {name!r} is no integer",
            seen=f"{size!r} of type {type(size).__name__}",
            expected="a positive int that is known while the model is traced",
            suggestion="give the number of rows of the data, such as len(data)",
        ) from None
    if number < 1:
        raise PlateError(
            f"{argument} of plate {name!r} must be positive",
            seen=str(number),
            expected="at least 1",
            suggestion="give the number of rows of the data, such as len(data)",
        )
    return number


def as_dim(name: str, dim: Any) -> int:
    """A dim as a negative int."""
    if isinstance(dim, bool) or not isinstance(dim, int | np.integer) or dim >= 0:
        raise PlateError(
            f"dim of plate {name!r} must be a negative integer",
            seen=repr(dim),
            expected="-1 for the rightmost batch dim, -2 for the next",
            suggestion="leave dim out to take the rightmost free one",
        )
    return int(dim)


def as_rows(name: str, indices: Any, size: int) -> jax.Array:
    """Row numbers that a user or a handler supplies, as an integer array; concrete ones are rows of the plate."""
    rows = indices if hasattr(indices, "shape") else np.asarray(indices)
    shape = shape_of(rows)
    if len(shape) != 1 or not shape[0] or not jnp.issubdtype(rows.dtype, jnp.integer):
        refuse_rows(name, f"shape {shape}, dtype {rows.dtype}", "one dim of integers, at least one")
    if is_validation_enabled() and is_concrete(rows):
        array = np.asarray(rows)
        if array.min() < 0 or array.max() >= size:
            refuse_rows(name, f"indices from {array.min()} to {array.max()}", f"0 to {size - 1}")
    return jnp.asarray(rows)


def refuse_rows(name: str, seen: str, expected: str) -> NoReturn:
    raise PlateError(
        f"the indices supplied for plate {name!r} do not fit it",
        seen=seen,
        expected=expected,
        suggestion="let model and guide make the plate with the same sizes",
    )


def length_of_subsample(name: str, size: int, subsample_size: Any, chosen: Any) -> int:
    """How many rows the plate yields."""
    if chosen is None:
        length = size if subsample_size is None else as_size(name, "subsample_size", subsample_size)
        if length > size:
            raise PlateError(
                f"the subsample of plate {name!r} is larger than the plate",
                seen=f"subsample_size={length}, size={size}",
                expected=f"1 to {size}",
                suggestion="size is the length of the whole data, subsample_size that of a mini-batch",
            )
        return length
    if subsample_size not in (None, len(chosen)):
        raise PlateError(
            f"subsample and subsample_size of plate {name!r} disagree",
            seen=f"{len(chosen)} indices, subsample_size={subsample_size}",
            suggestion="leave subsample_size out",
            expected="one of the two, or two that agree",
        )
    return len(chosen)
