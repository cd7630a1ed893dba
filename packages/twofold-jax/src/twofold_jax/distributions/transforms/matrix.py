"""Transforms that reach triangular, correlation and positive definite matrices."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular
from jax.typing import ArrayLike

from ...errors import ShapeError
from ...ops.arrays import broadcast_shapes, shape_of
from ...ops.kernel import kernel
from ...ops.linalg import cholesky, from_strict_lower, strict_lower
from .. import constraints
from ..constraints import Constraint
from .base import Shape, Transform

__all__ = [
    "CholeskyTransform",
    "CorrCholeskyTransform",
    "CorrMatrixCholeskyTransform",
    "LowerCholeskyAffine",
    "LowerCholeskyTransform",
    "ScaledUnitLowerCholeskyTransform",
    "SoftplusLowerCholeskyTransform",
]


def _side(length: int, diagonal: int, transform: Transform) -> int:
    """Side of the matrix whose lower triangle, with or without its diagonal, has ``length`` entries."""
    side = round((math.sqrt(1 + 8 * length) - (1 if diagonal else -1)) / 2)
    if side * (side + (1 if diagonal else -1)) // 2 != length:
        raise ShapeError(
            f"{type(transform).__name__} cannot fill a triangle with {length} numbers",
            seen=length,
            expected="n * (n + 1) / 2" if diagonal else "n * (n - 1) / 2",
        )
    return side


class _Triangle(Transform):
    """Vector of the entries below the diagonal, row by row, followed by unconstrained diagonal entries."""

    domain = constraints.real_vector

    def forward_shape(self, shape: Shape) -> Shape:
        n = _side(shape[-1], 1, self)
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Shape) -> Shape:
        n = shape[-1]
        return (*shape[:-2], n * (n + 1) // 2)

    def _parts(self, x: Any) -> tuple[Array, Array]:
        n = _side(shape_of(x)[-1], 1, self)
        x = jnp.asarray(x, jnp.result_type(float, x))
        return x[..., : x.shape[-1] - n], x[..., x.shape[-1] - n :]


@kernel
def _join(below: Array, diagonal: Array) -> Array:
    return from_strict_lower(below, diagonal.shape[-1]) + diagonal[..., None] * jnp.eye(diagonal.shape[-1])


@kernel
def _split(y: Array) -> tuple[Array, Array]:
    y = jnp.asarray(y)
    return strict_lower(y), jnp.diagonal(y, axis1=-2, axis2=-1)


class LowerCholeskyTransform(_Triangle):
    """Vectors to lower triangular matrices whose diagonal is ``exp`` of the last entries."""

    codomain = constraints.lower_cholesky

    def __call__(self, x: ArrayLike) -> Array:
        below, diagonal = self._parts(x)
        return _join(below, jnp.exp(diagonal))

    def _inverse(self, y: ArrayLike) -> Array:
        below, diagonal = _split(jnp.asarray(y))
        return jnp.concatenate([below, jnp.log(diagonal)], axis=-1)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return jnp.sum(self._parts(x)[1], axis=-1)


def _softplus_inverse(y: Array) -> Array:
    return y + jnp.log(-jnp.expm1(-y))


class SoftplusLowerCholeskyTransform(_Triangle):
    """Vectors to lower triangular matrices whose diagonal is ``log(1 + exp(...))`` of the last entries."""

    codomain = constraints.softplus_lower_cholesky

    def __call__(self, x: ArrayLike) -> Array:
        below, diagonal = self._parts(x)
        return _join(below, jax.nn.softplus(diagonal))

    def _inverse(self, y: ArrayLike) -> Array:
        below, diagonal = _split(jnp.asarray(y))
        return jnp.concatenate([below, _softplus_inverse(diagonal)], axis=-1)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return -jnp.sum(jax.nn.softplus(-self._parts(x)[1]), axis=-1)


class ScaledUnitLowerCholeskyTransform(_Triangle):
    """Vectors to lower triangular matrices: rows of a unit triangle, each times a positive scale.

    The scales are ``log(1 + exp(...))`` of the last entries, so that they do not mix with the entries below.
    """

    codomain = constraints.scaled_unit_lower_cholesky

    def __call__(self, x: ArrayLike) -> Array:
        below, diagonal = self._parts(x)
        return _join(below, jnp.ones_like(diagonal)) * jax.nn.softplus(diagonal)[..., None]

    def _inverse(self, y: ArrayLike) -> Array:
        y = jnp.asarray(y)
        scales = jnp.diagonal(y, axis1=-2, axis2=-1)
        return jnp.concatenate([strict_lower(y / scales[..., None]), _softplus_inverse(scales)], axis=-1)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        diagonal = self._parts(x)[1]
        below = np.arange(diagonal.shape[-1])
        return jnp.sum(below * jnp.log(jax.nn.softplus(diagonal)) - jax.nn.softplus(-diagonal), axis=-1)


def _log_sech_squared(x: Array) -> Array:
    return -2.0 * (x + jax.nn.softplus(-2.0 * x) - math.log(2.0))


def _log_left(x: Array, n: int) -> Array:
    """Log of the squared length which the entries before each one leave of their row."""
    used = from_strict_lower(_log_sech_squared(x), n)
    return jnp.cumsum(used, axis=-1) - used


@kernel(static=("n",))
def _corr_cholesky(x: Array, n: int) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    share = from_strict_lower(jnp.tanh(x), n) + jnp.eye(n, dtype=x.dtype)
    return share * jnp.exp(0.5 * _log_left(x, n))


@kernel
def _corr_cholesky_inverse(y: Array) -> Array:
    y = jnp.asarray(y)
    squares = jnp.flip(jnp.cumsum(jnp.flip(y * y, -1), axis=-1), -1)
    after = jnp.concatenate([squares[..., 1:], jnp.ones_like(squares[..., :1])], axis=-1)
    return jnp.arcsinh(strict_lower(y) / jnp.sqrt(strict_lower(after)))


@kernel(static=("n",))
def _corr_cholesky_log_det(x: Array, n: int) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    return jnp.sum(_log_sech_squared(x) + 0.5 * strict_lower(_log_left(x, n)), axis=-1)


class CorrCholeskyTransform(Transform):
    """Vectors to Cholesky factors of correlation matrices: each entry is ``tanh(x)`` of what its row has left.

    Source: Stan Reference Manual, section "Cholesky factors of correlation matrices".
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def __call__(self, x: ArrayLike) -> Array:
        return _corr_cholesky(x, n=_side(shape_of(x)[-1], 0, self))

    def _inverse(self, y: ArrayLike) -> Array:
        return _corr_cholesky_inverse(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _corr_cholesky_log_det(x, n=_side(shape_of(x)[-1], 0, self))

    def forward_shape(self, shape: Shape) -> Shape:
        n = _side(shape[-1], 0, self)
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Shape) -> Shape:
        n = shape[-1]
        return (*shape[:-2], n * (n - 1) // 2)


class CholeskyTransform(Transform):
    """Positive definite matrices to their Cholesky factors."""

    @property
    def domain(self) -> Constraint:
        return constraints.positive_definite

    @property
    def codomain(self) -> Constraint:
        return constraints.lower_cholesky

    def __call__(self, x: ArrayLike) -> Array:
        return cholesky(jnp.asarray(x))

    def _inverse(self, y: ArrayLike) -> Array:
        return jnp.matmul(y, jnp.swapaxes(y, -2, -1))

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        n = shape_of(x)[-1]
        powers = np.arange(n, 0, -1)
        diagonal = jnp.diagonal(y, axis1=-2, axis2=-1)
        return -n * math.log(2.0) - jnp.sum(powers * jnp.log(diagonal), axis=-1)


class CorrMatrixCholeskyTransform(CholeskyTransform):
    """Correlation matrices to their Cholesky factors."""

    @property
    def domain(self) -> Constraint:
        return constraints.corr_matrix

    @property
    def codomain(self) -> Constraint:
        return constraints.corr_cholesky

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        n = shape_of(x)[-1]
        powers = np.arange(n - 1, -1, -1)
        diagonal = jnp.diagonal(y, axis1=-2, axis2=-1)
        return -jnp.sum(powers * jnp.log(diagonal), axis=-1)


class LowerCholeskyAffine(Transform):
    """``y = loc + scale_tril @ x``.

    Args:
        loc: vector.
        scale_tril: lower triangular matrix with a positive diagonal.
    """

    leaf_names = ("loc", "scale_tril")
    domain = constraints.real_vector
    codomain = constraints.real_vector

    def __init__(self, loc: ArrayLike, scale_tril: ArrayLike) -> None:
        if len(shape_of(scale_tril)) < 2:
            raise ShapeError("scale_tril of LowerCholeskyAffine is no matrix", seen=shape_of(scale_tril))
        self.loc, self.scale_tril = loc, scale_tril

    def __call__(self, x: ArrayLike) -> Array:
        return jnp.asarray(self.loc) + jnp.matmul(self.scale_tril, jnp.asarray(x)[..., None])[..., 0]

    def _inverse(self, y: ArrayLike) -> Array:
        shifted = jnp.asarray(y) - self.loc
        batch = broadcast_shapes(shifted.shape[:-1], shape_of(self.scale_tril)[:-2])
        n = shifted.shape[-1]
        factor = jnp.broadcast_to(self.scale_tril, (*batch, n, n))
        return solve_triangular(factor, jnp.broadcast_to(shifted, (*batch, n))[..., None], lower=True)[..., 0]

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        log_det = jnp.sum(jnp.log(jnp.diagonal(self.scale_tril, axis1=-2, axis2=-1)), axis=-1)
        return jnp.broadcast_to(log_det, broadcast_shapes(shape_of(x)[:-1], log_det.shape))

    def forward_shape(self, shape: Shape) -> Shape:
        return broadcast_shapes(shape, shape_of(self.loc), shape_of(self.scale_tril)[:-1])

    def inverse_shape(self, shape: Shape) -> Shape:
        return broadcast_shapes(shape, shape_of(self.loc), shape_of(self.scale_tril)[:-1])
