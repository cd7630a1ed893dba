"""Constraints in words, for error messages."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.constraints import Constraint

from . import basic

__all__ = ["describe"]

_WORDS: dict[type, str] = {
    type(tc.real): "a real number, not NaN",
    type(tc.boolean): "0 or 1",
    type(basic.integer): "a whole number",
    type(tc.simplex): "nonnegative entries that sum to 1",
    type(basic.sphere): "a vector of length 1",
    type(basic.ordered_vector): "a strictly increasing vector",
    type(basic.positive_ordered_vector): "a strictly increasing vector of positive numbers",
    type(tc.lower_cholesky): "a lower triangular matrix with a positive diagonal",
    type(tc.corr_cholesky): "a lower triangular matrix with a positive diagonal and rows of length 1",
    type(basic.corr_matrix): "a positive definite matrix with ones on its diagonal",
    type(tc.positive_definite): "a symmetric positive definite matrix",
    type(tc.one_hot): "a vector of zeros with a single 1",
}


def describe(constraint: Constraint) -> str:
    """What ``constraint`` asks of a value, in words.

    Example:
        >>> describe(tc.positive)
        'greater than 0'
        >>> describe(tc.unit_interval)
        'between 0 and 1'
    """
    c: Any = constraint
    for kind in type(c).__mro__:
        if kind in _WORDS:
            return _WORDS[kind]
    if isinstance(c, tc.independent):
        return f"{describe(c.base_constraint)} (each entry)"
    if isinstance(c, basic.integer_greater_than):
        return f"a whole number, {_number(c.lower_bound)} or more"
    if isinstance(c, tc.integer_interval):
        return f"a whole number from {_number(c.lower_bound)} to {_number(c.upper_bound)}"
    if isinstance(c, type(tc.unit_interval)):
        return f"between {_number(c.lower_bound)} and {_number(c.upper_bound)}"
    if isinstance(c, tc.half_open_interval):
        return f"at least {_number(c.lower_bound)} and below {_number(c.upper_bound)}"
    if isinstance(c, type(tc.positive)):
        return f"greater than {_number(c.lower_bound)}"
    if isinstance(c, type(tc.nonnegative)):
        return f"{_number(c.lower_bound)} or more"
    if isinstance(c, tc.less_than):
        return f"less than {_number(c.upper_bound)}"
    return repr(c)


def _number(bound: Any) -> str:
    if isinstance(bound, Tensor):
        return f"{bound.item():g}" if bound.numel() == 1 else f"a tensor of bounds, shape {tuple(bound.shape)}"
    return f"{bound:g}"
