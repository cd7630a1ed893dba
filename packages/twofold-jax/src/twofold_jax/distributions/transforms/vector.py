"""Transforms of vectors: simplices, orders, balls, zero sums."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ...errors import ShapeError
from ...ops.arrays import finfo, shape_of
from ...ops.kernel import kernel
from .. import constraints
from ..constraints import Constraint
from .base import Shape, Transform

__all__ = [
    "L1BallTransform",
    "OrderedTransform",
    "StickBreakingTransform",
    "ZeroSumTransform",
]


def _sticks(x: Array) -> tuple[Array, Array, Array]:
    """Log of each broken share, of what the breaks leave, and of what was there before each break."""
    t = x - jnp.log(jnp.arange(x.shape[-1], 0, -1, dtype=x.dtype))
    log_share = -jax.nn.softplus(-t)
    log_left = jnp.cumsum(-jax.nn.softplus(t), axis=-1)
    before = jnp.concatenate([jnp.zeros_like(log_left[..., :1]), log_left[..., :-1]], axis=-1)
    return log_share, log_left, before


@kernel
def _stick_breaking(x: Array) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    log_share, log_left, before = _sticks(x)
    last = log_left[..., -1:] if x.shape[-1] else jnp.zeros_like(x, shape=(*x.shape[:-1], 1))
    return jnp.exp(jnp.concatenate([log_share + before, last], axis=-1))


@kernel
def _stick_breaking_inverse(y: Array) -> Array:
    y = jnp.maximum(y, finfo(jnp.result_type(float, y)).tiny)
    left = jnp.flip(jnp.cumsum(jnp.flip(y, -1), axis=-1), -1)[..., 1:]
    count = y.shape[-1] - 1
    return jnp.log(y[..., :-1]) - jnp.log(left) + jnp.log(jnp.arange(count, 0, -1, dtype=y.dtype))


@kernel
def _stick_breaking_log_det(x: Array) -> Array:
    log_share, log_left, _ = _sticks(jnp.asarray(x, jnp.result_type(float, x)))
    return jnp.sum(log_share + log_left, axis=-1)


class StickBreakingTransform(Transform):
    """Vectors of ``K - 1`` reals to simplices of ``K`` entries; 0 goes to the centre.

    The k-th entry is the share ``sigmoid(x[k] - log(K - 1 - k))`` of what the entries before it have left.

    Source: Stan Reference Manual, section "Unit simplex".
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def __call__(self, x: ArrayLike) -> Array:
        return _stick_breaking(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return _stick_breaking_inverse(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _stick_breaking_log_det(x)

    def forward_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], _last(shape, self) + 1)

    def inverse_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], _last(shape, self) - 1)


def _last(shape: Shape, transform: Transform) -> int:
    if not shape:
        raise ShapeError(f"{type(transform).__name__} maps vectors", seen=shape, expected="at least one dim")
    return shape[-1]


@kernel
def _ordered(x: Array) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    return jnp.cumsum(jnp.concatenate([x[..., :1], jnp.exp(x[..., 1:])], axis=-1), axis=-1)


@kernel
def _ordered_inverse(y: Array) -> Array:
    y = jnp.asarray(y)
    return jnp.concatenate([y[..., :1], jnp.log(jnp.diff(y, axis=-1))], axis=-1)


class OrderedTransform(Transform):
    """Vectors to increasing vectors: the first entry is kept, the others are logarithms of the steps.

    Source: Stan Reference Manual, section "Ordered vector".
    """

    domain = constraints.real_vector
    codomain = constraints.ordered_vector

    def __call__(self, x: ArrayLike) -> Array:
        return _ordered(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return _ordered_inverse(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return jnp.sum(jnp.asarray(x)[..., 1:], axis=-1)


def _log_left(x: Array) -> Array:
    """Log of what the entries before each one leave of the ball's radius."""
    left = jnp.cumsum(jnp.log(2.0) - jax.nn.softplus(2.0 * jnp.abs(x)), axis=-1)
    return jnp.concatenate([jnp.zeros_like(left[..., :1]), left[..., :-1]], axis=-1)


@kernel
def _l1_ball(x: Array) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    return jnp.tanh(x) * jnp.exp(_log_left(x))


@kernel
def _l1_ball_inverse(y: Array) -> Array:
    y = jnp.asarray(y, jnp.result_type(float, y))
    used = jnp.cumsum(jnp.abs(y), axis=-1)
    left = 1.0 - jnp.concatenate([jnp.zeros_like(used[..., :1]), used[..., :-1]], axis=-1)
    return jnp.arctanh(y / left)


@kernel
def _l1_ball_log_det(x: Array) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    log_cosh = x + jax.nn.softplus(-2.0 * x) - jnp.log(2.0)
    return jnp.sum(_log_left(x) - 2.0 * log_cosh, axis=-1)


class L1BallTransform(Transform):
    """Vectors to the ball of vectors whose absolute entries sum to at most 1.

    The k-th entry is the share ``tanh(x[k])`` of the radius that the entries before it have left.
    """

    domain = constraints.real_vector
    codomain = constraints.l1_ball

    def __call__(self, x: ArrayLike) -> Array:
        return _l1_ball(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return _l1_ball_inverse(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _l1_ball_log_det(x)


@kernel(static=("ndims",))
def _zero_sum(x: Array, ndims: int) -> Array:
    x = jnp.asarray(x, jnp.result_type(float, x))
    for axis in range(-ndims, 0):
        n = x.shape[axis] + 1
        total = jnp.sum(x, axis=axis, keepdims=True)
        shift = total / (n + np.sqrt(n))
        x = jnp.concatenate([x, shift - total / np.sqrt(n)], axis=axis) - shift
    return x


@kernel(static=("ndims",))
def _zero_sum_inverse(y: Array, ndims: int) -> Array:
    y = jnp.asarray(y)
    for axis in range(-ndims, 0):
        n = y.shape[axis]
        last = jax.lax.slice_in_dim(y, n - 1, n, axis=axis % y.ndim)
        y = jax.lax.slice_in_dim(y, 0, n - 1, axis=axis % y.ndim) - last / (1.0 + np.sqrt(n))
    return y


class ZeroSumTransform(Transform):
    """Arrays to arrays with one more entry along each of the last dims, along which they sum to 0; lengths are kept.

    Args:
        transform_ndims: number of dims.
    """

    static_names = ("transform_ndims",)

    def __init__(self, transform_ndims: int = 1) -> None:
        self.transform_ndims = transform_ndims

    @property
    def domain(self) -> Constraint:
        return constraints.independent(constraints.real, self.transform_ndims)

    @property
    def codomain(self) -> Constraint:
        return constraints.zero_sum(self.transform_ndims)

    def __call__(self, x: ArrayLike) -> Array:
        return _zero_sum(x, ndims=self.transform_ndims)

    def _inverse(self, y: ArrayLike) -> Array:
        return _zero_sum_inverse(y, ndims=self.transform_ndims)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        shape = shape_of(x)
        return jnp.zeros(shape[: len(shape) - self.transform_ndims], jnp.result_type(float, x))

    def forward_shape(self, shape: Shape) -> Shape:
        kept = len(shape) - self.transform_ndims
        return (*shape[:kept], *(n + 1 for n in shape[kept:]))

    def inverse_shape(self, shape: Shape) -> Shape:
        kept = len(shape) - self.transform_ndims
        return (*shape[:kept], *(n - 1 for n in shape[kept:]))
