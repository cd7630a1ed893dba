"""Constraints in words, for error messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import matrix, scalar, vector
from .base import Constraint, independent

__all__ = ["describe"]

_WORDS: dict[type[Constraint], str] = {
    scalar.Real: "a finite real number",
    scalar.Complex: "a complex number, not NaN",
    scalar.Boolean: "0 or 1",
    scalar.Integer: "a whole number",
    vector.Simplex: "nonnegative entries that sum to 1",
    vector.Sphere: "a vector of length 1",
    vector.L1Ball: "a vector whose absolute entries sum to at most 1",
    vector.OneHot: "a vector of zeros with a single 1",
    vector.OrderedVector: "a strictly increasing vector",
    vector.PositiveOrderedVector: "a strictly increasing vector of positive numbers",
    matrix.LowerCholesky: "a lower triangular matrix with a positive diagonal",
    matrix.CorrCholesky: "a lower triangular matrix with a positive diagonal and rows of length 1",
    matrix.CorrMatrix: "a positive definite matrix with ones on its diagonal",
    matrix.PositiveDefinite: "a symmetric positive definite matrix",
}


def describe(constraint: Constraint) -> str:
    """What ``constraint`` asks of a value, in words.

    Example:
        >>> describe(scalar.positive)
        'greater than 0'
        >>> describe(scalar.unit_interval)
        'between 0 and 1'
    """
    c: Any = constraint
    if type(c) in _WORDS:
        return _WORDS[type(c)]
    if isinstance(c, independent):
        return f"{describe(c.base_constraint)} (each entry)"
    if isinstance(c, vector.multinomial):
        return f"nonnegative whole numbers that sum to {_number(c.upper_bound)}"
    if isinstance(c, scalar.integer_greater_than):
        return f"a whole number, {_number(c.lower_bound)} or more"
    if isinstance(c, scalar.integer_interval):
        return f"a whole number from {_number(c.lower_bound)} to {_number(c.upper_bound)}"
    if isinstance(c, scalar.interval):
        return f"between {_number(c.lower_bound)} and {_number(c.upper_bound)}"
    if isinstance(c, scalar.greater_than_eq):
        return f"{_number(c.lower_bound)} or more"
    if isinstance(c, scalar.greater_than):
        return f"greater than {_number(c.lower_bound)}"
    if isinstance(c, scalar.less_than_eq):
        return f"{_number(c.upper_bound)} or less"
    if isinstance(c, scalar.less_than):
        return f"less than {_number(c.upper_bound)}"
    return repr(c)


def _number(bound: Any) -> str:
    size = np.size(bound)
    return f"{float(np.reshape(bound, ())):g}" if size == 1 else f"an array of bounds, shape {np.shape(bound)}"
