"""The constraints that torch lacks, or checks too narrowly."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as torch_constraints
from torch.distributions.constraints import Constraint

_Interval: Any = torch_constraints.interval
_GreaterThan: Any = torch_constraints.greater_than
_LowerCholesky: Any = type(torch_constraints.lower_cholesky)


def _tolerance(value: Tensor, num_terms: int) -> float:
    """How far a sum of ``num_terms`` numbers near 1 may be from exact; never stricter than torch's 1e-6."""
    eps = torch.finfo(value.dtype).eps if value.is_floating_point() else 0.0
    return max(1e-6, 10 * eps * num_terms)


class _Integer(Constraint):
    """Whole numbers."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return value % 1 == 0


class _OpenInterval(_Interval):  # type: ignore[misc]
    """Numbers strictly between ``lower_bound`` and ``upper_bound``."""

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound < value) & (value < self.upper_bound)


class _Circular(_Interval):  # type: ignore[misc]
    """Angles from -pi to pi."""

    def __init__(self) -> None:
        super().__init__(-math.pi, math.pi)

    def __repr__(self) -> str:
        return "Circular()"


class _SoftplusPositive(_GreaterThan):  # type: ignore[misc]
    """Positive numbers, reached from the real line through softplus instead of exp."""

    def __init__(self) -> None:
        super().__init__(lower_bound=0.0)

    def __repr__(self) -> str:
        return "SoftplusPositive()"


class _Simplex(type(torch_constraints.simplex)):  # type: ignore[misc]
    """Nonnegative vectors that sum to 1, up to the rounding of a long sum."""

    def check(self, value: Tensor) -> Tensor:
        total = value.sum(-1)
        return (value >= 0).all(-1) & ((total - 1).abs() < _tolerance(value, value.shape[-1]))


class _Sphere(Constraint):
    """Vectors of Euclidean length 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (torch.linalg.vector_norm(value, dim=-1) - 1).abs() < _tolerance(value, value.shape[-1])


class _L1Ball(Constraint):
    """Vectors whose absolute values sum to at most 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return value.abs().sum(-1) <= 1 + _tolerance(value, value.shape[-1])


class _OrderedVector(Constraint):
    """Strictly increasing vectors."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value[..., 1:] > value[..., :-1]).all(-1) & (value == value).all(-1)


class _PositiveOrderedVector(_OrderedVector):
    """Strictly increasing vectors of positive numbers."""

    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value > 0).all(-1)


class _ZeroSum(Constraint):
    """Arrays that sum to zero along each of their last ``event_dim`` dims."""

    def __init__(self, event_dim: int = 1) -> None:
        if event_dim < 1:
            raise ValueError(f"zero_sum needs event_dim >= 1, not {event_dim}")
        self.event_dim = event_dim
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        dims = tuple(range(-self.event_dim, 0))
        largest = value.abs().amax(dims)
        valid = value.new_ones(value.shape[: value.dim() - self.event_dim], dtype=torch.bool)
        for dim in dims:
            total = value.sum(dim, keepdim=True).abs().amax(dims)
            valid = valid & (total <= _tolerance(value, value.shape[dim]) * (1 + largest))
        return valid

    def __repr__(self) -> str:
        return f"ZeroSum({self.event_dim})"


class _UnitLowerCholesky(Constraint):
    """Lower triangular matrices with ones on the diagonal."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        lower = (value.tril() == value).flatten(-2).all(-1)
        return lower & (value.diagonal(dim1=-2, dim2=-1) == 1).all(-1)


class _SoftplusLowerCholesky(_LowerCholesky):  # type: ignore[misc]
    """Lower triangular matrices with a positive diagonal, reached through softplus."""


class _ScaledUnitLowerCholesky(_LowerCholesky):  # type: ignore[misc]
    """Lower triangular matrices with a positive diagonal, reached as a unit triangle times a diagonal."""


class _CorrMatrix(Constraint):
    """Positive definite matrices with ones on the diagonal."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        diagonal = value.diagonal(dim1=-2, dim2=-1)
        unit = ((diagonal - 1).abs() < _tolerance(value, value.shape[-1])).all(-1)
        return torch_constraints.positive_definite.check(value) & unit


circular = _Circular()
corr_matrix = _CorrMatrix()
integer = _Integer()
integer_greater_than = type(torch_constraints.nonnegative_integer)
l1_ball = _L1Ball()
open_interval = _OpenInterval
ordered_vector = _OrderedVector()
positive_ordered_vector = _PositiveOrderedVector()
real_matrix = torch_constraints.independent(torch_constraints.real, 2)
scaled_unit_lower_cholesky = _ScaledUnitLowerCholesky()
simplex = _Simplex()
softplus_lower_cholesky = _SoftplusLowerCholesky()
softplus_positive = _SoftplusPositive()
sphere = _Sphere()
unit_lower_cholesky = _UnitLowerCholesky()
zero_sum = _ZeroSum
