"""Constraints of matrices: one value takes the last two dims."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax.typing import ArrayLike

from ...ops.arrays import namespace
from .base import SingletonConstraint, independent
from .scalar import real

__all__ = [
    "corr_cholesky",
    "corr_matrix",
    "lower_cholesky",
    "positive_definite",
    "positive_semidefinite",
    "real_matrix",
    "scaled_unit_lower_cholesky",
    "softplus_lower_cholesky",
    "unit_lower_cholesky",
]

_TOLERANCE = 1e-5


def _diagonal(x: Any) -> Any:
    return namespace(x).diagonal(x, axis1=-2, axis2=-1)


def _is_lower(x: Any) -> Any:
    xp = namespace(x)
    return (xp.triu(x, 1) == 0).all((-2, -1)) & xp.isfinite(x).all((-2, -1))


def _is_symmetric(x: Any) -> Any:
    scale = 1 + abs(x).max((-2, -1), keepdims=True)
    return (abs(x - x.swapaxes(-2, -1)) <= _TOLERANCE * scale).all((-2, -1))


class _Matrix(SingletonConstraint):
    """Square matrices among which the identity lies."""

    event_dim = 2

    def feasible_like(self, prototype: ArrayLike) -> Any:
        xp = namespace(prototype)
        size = np.shape(prototype)[-1]
        return xp.broadcast_to(xp.eye(size, dtype=xp.result_type(prototype)), np.shape(prototype))


class LowerCholesky(_Matrix):
    """Lower triangular matrices with a positive diagonal."""

    def __call__(self, x: Any) -> Any:
        return _is_lower(x) & (_diagonal(x) > 0).all(-1)


class SoftplusLowerCholesky(LowerCholesky):
    """Lower triangular matrices with a positive diagonal, reached by softplus instead of exp."""


class ScaledUnitLowerCholesky(LowerCholesky):
    """Lower triangular matrices with a positive diagonal, reached as a unit triangle times a diagonal."""


class UnitLowerCholesky(_Matrix):
    """Lower triangular matrices with ones on the diagonal."""

    def __call__(self, x: Any) -> Any:
        return _is_lower(x) & (abs(_diagonal(x) - 1) < _TOLERANCE).all(-1)


class CorrCholesky(_Matrix):
    """Cholesky factors of correlation matrices: positive diagonal, rows of length 1."""

    def __call__(self, x: Any) -> Any:
        rows = (x * x).sum(-1)
        return _is_lower(x) & (_diagonal(x) > 0).all(-1) & (abs(rows - 1) < 10 * _TOLERANCE).all(-1)


class PositiveDefinite(_Matrix):
    """Symmetric matrices whose eigenvalues are positive."""

    def __call__(self, x: Any) -> Any:
        return _is_symmetric(x) & (namespace(x).linalg.eigvalsh(x) > 0).all(-1)


class PositiveSemidefinite(_Matrix):
    """Symmetric matrices whose eigenvalues are not negative, up to rounding."""

    def __call__(self, x: Any) -> Any:
        floor = -_TOLERANCE * abs(x).max((-2, -1))
        return _is_symmetric(x) & (namespace(x).linalg.eigvalsh(x).min(-1) >= floor)


class CorrMatrix(PositiveDefinite):
    """Positive definite matrices with ones on the diagonal."""

    def __call__(self, x: Any) -> Any:
        return super().__call__(x) & (abs(_diagonal(x) - 1) < _TOLERANCE).all(-1)


class RealMatrix(independent, SingletonConstraint):
    """Matrices of finite real numbers."""

    leaf_names = ()
    static_names = ()
    base_constraint = real
    reinterpreted_batch_ndims = 2

    def __init__(self) -> None:
        pass


lower_cholesky = LowerCholesky()
softplus_lower_cholesky = SoftplusLowerCholesky()
scaled_unit_lower_cholesky = ScaledUnitLowerCholesky()
unit_lower_cholesky = UnitLowerCholesky()
corr_cholesky = CorrCholesky()
corr_matrix = CorrMatrix()
positive_definite = PositiveDefinite()
positive_semidefinite = PositiveSemidefinite()
real_matrix = RealMatrix()
