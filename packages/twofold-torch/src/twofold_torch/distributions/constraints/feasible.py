"""A value inside a constraint, for entries that must be there and must not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.constraints import Constraint

from . import basic

__all__ = ["feasible_like"]


def feasible_like(constraint: Constraint, prototype: Tensor) -> Tensor:
    """A value inside ``constraint`` with the shape, dtype and device of ``prototype``.

    Args:
        constraint: where the value must lie; its bounds broadcast against ``prototype``.
        prototype: tensor whose last ``constraint.event_dim`` dims are one event; its values are not read.

    Returns:
        A tensor without gradient: zeros on the line, midpoints of intervals, the middle of a simplex, and so on.

    Raises:
        NotImplementedError: the constraint is none of this module, or depends on unknown arguments.

    Example:
        >>> feasible_like(tc.interval(2.0, 4.0), torch.tensor([float("nan"), 7.0]))
        tensor([3., 3.])
    """
    for kind in type(constraint).__mro__:
        rule = _RULES.get(kind)
        if rule is not None:
            result: Tensor = rule(constraint, prototype)
            return result
    raise NotImplementedError(f"no feasible value is known for the constraint {constraint}")


def _filled(value: Any) -> Callable[[Any, Tensor], Tensor]:
    return lambda constraint, prototype: torch.full_like(prototype, value, requires_grad=False)


def _shifted(attribute: str, offset: float) -> Callable[[Any, Tensor], Tensor]:
    def rule(constraint: Any, prototype: Tensor) -> Tensor:
        return torch.zeros_like(prototype) + (_detached(getattr(constraint, attribute)) + offset)

    return rule


def _detached(bound: Any) -> Any:
    return bound.detach() if isinstance(bound, Tensor) else bound


def _midpoint(constraint: Any, prototype: Tensor) -> Tensor:
    low, high = _detached(constraint.lower_bound), _detached(constraint.upper_bound)
    return torch.zeros_like(prototype) + (low / 2 + high / 2)


def _lower(constraint: Any, prototype: Tensor) -> Tensor:
    return torch.zeros_like(prototype) + _detached(constraint.lower_bound)


def _identity_matrix(constraint: Any, prototype: Tensor) -> Tensor:
    eye = torch.eye(prototype.shape[-2], prototype.shape[-1], dtype=prototype.dtype, device=prototype.device)
    return eye.expand(prototype.shape)


def _first_unit_vector(constraint: Any, prototype: Tensor) -> Tensor:
    result = torch.zeros_like(prototype)
    result[..., 0] = 1
    return result


def _all_in_first(constraint: Any, prototype: Tensor) -> Tensor:
    result = torch.zeros_like(prototype)
    result[..., 0] = _detached(constraint.upper_bound)
    return result


def _counting_from(first: float) -> Callable[[Any, Tensor], Tensor]:
    def rule(constraint: Any, prototype: Tensor) -> Tensor:
        steps = torch.arange(prototype.shape[-1], dtype=prototype.dtype, device=prototype.device)
        return (steps + first).expand(prototype.shape)

    return rule


def _pieces(constraint: Any, prototype: Tensor) -> Tensor:
    parts = prototype.split(constraint.lengths, constraint.dim)
    pieces = [feasible_like(c, part) for c, part in zip(constraint.cseq, parts, strict=True)]
    return torch.cat(pieces, constraint.dim)


def _layers(constraint: Any, prototype: Tensor) -> Tensor:
    parts = prototype.unbind(constraint.dim)
    return torch.stack([feasible_like(c, part) for c, part in zip(constraint.cseq, parts, strict=True)], constraint.dim)


def _of_base(constraint: Any, prototype: Tensor) -> Tensor:
    return feasible_like(constraint.base_constraint, prototype)


_RULES: dict[type, Callable[[Any, Tensor], Tensor]] = {
    type(tc.real): _filled(0),
    type(basic.integer): _filled(0),
    type(tc.boolean): _filled(0),
    type(tc.positive): _shifted("lower_bound", 1),
    type(tc.nonnegative): _shifted("lower_bound", 1),
    tc.less_than: _shifted("upper_bound", -1),
    type(tc.unit_interval): _midpoint,
    tc.half_open_interval: _midpoint,
    tc.integer_interval: _lower,
    type(tc.nonnegative_integer): _lower,
    type(tc.simplex): lambda constraint, prototype: torch.full_like(
        prototype, 1 / prototype.shape[-1], requires_grad=False
    ),
    type(basic.sphere): _first_unit_vector,
    type(tc.one_hot): _first_unit_vector,
    tc.multinomial: _all_in_first,
    type(basic.l1_ball): _filled(0),
    basic.zero_sum: _filled(0),
    type(basic.ordered_vector): _counting_from(0),
    type(basic.positive_ordered_vector): _counting_from(1),
    type(tc.lower_triangular): _identity_matrix,
    type(tc.lower_cholesky): _identity_matrix,
    type(tc.corr_cholesky): _identity_matrix,
    type(basic.unit_lower_cholesky): _identity_matrix,
    type(basic.corr_matrix): _identity_matrix,
    type(tc.square): _identity_matrix,  # also symmetric, positive definite and semidefinite
    tc.independent: _of_base,
    tc.MixtureSameFamilyConstraint: _of_base,
    tc.cat: _pieces,
    tc.stack: _layers,
}
