"""Transforms of single numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ...ops.arrays import broadcast_shapes, finfo, is_concrete, shape_of
from ...ops.kernel import kernel
from .. import constraints
from ..constraints import Constraint
from .base import Shape, Transform

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftplusTransform",
]


@kernel
def _affine(x: Array, loc: Array, scale: Array) -> Array:
    return loc + scale * x


@kernel
def _affine_inverse(y: Array, loc: Array, scale: Array) -> Array:
    return (y - loc) / scale


@kernel(static=("shape",))
def _log_abs(scale: Array, shape: Shape) -> Array:
    return jnp.broadcast_to(jnp.log(jnp.abs(scale)), shape)


class AffineTransform(Transform):
    """``y = loc + scale * x``.

    Args:
        loc: real.
        scale: real, not 0; broadcasts with ``loc``.
        domain: the set that is mapped: the real line, a half-line or an interval.
    """

    leaf_names = ("loc", "scale", "_domain")

    def __init__(self, loc: ArrayLike, scale: ArrayLike, domain: Constraint = constraints.real) -> None:
        self.loc, self.scale, self._domain = loc, scale, domain

    @property
    def domain(self) -> Constraint:
        return self._domain

    @property
    def codomain(self) -> Constraint:
        domain = self._domain
        if isinstance(domain, constraints.greater_than):
            bound = self.loc + self.scale * domain.lower_bound
            return constraints.greater_than(bound) if self._increases else constraints.less_than(bound)
        if isinstance(domain, constraints.less_than):
            bound = self.loc + self.scale * domain.upper_bound
            return constraints.less_than(bound) if self._increases else constraints.greater_than(bound)
        if isinstance(domain, constraints.interval):
            ends = (self.loc + self.scale * domain.lower_bound, self.loc + self.scale * domain.upper_bound)
            return type_of_interval(domain)(*(ends if self._increases else ends[::-1]))
        return domain

    @property
    def _increases(self) -> bool:
        return not is_concrete(self.scale) or bool(np.all(np.asarray(self.scale) > 0))

    @property
    def sign(self) -> Array:
        return jnp.sign(self.scale)

    def __call__(self, x: ArrayLike) -> Array:
        return _affine(x, self.loc, self.scale)

    def _inverse(self, y: ArrayLike) -> Array:
        return _affine_inverse(y, self.loc, self.scale)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _log_abs(self.scale, shape=broadcast_shapes(shape_of(x), shape_of(self.loc), shape_of(self.scale)))

    def forward_shape(self, shape: Shape) -> Shape:
        return broadcast_shapes(shape, shape_of(self.loc), shape_of(self.scale))

    def inverse_shape(self, shape: Shape) -> Shape:
        return broadcast_shapes(shape, shape_of(self.loc), shape_of(self.scale))


def type_of_interval(domain: constraints.interval) -> type[constraints.interval]:
    """Closed or open, as ``domain`` is."""
    return constraints.open_interval if isinstance(domain, constraints.open_interval) else constraints.interval


class ExpTransform(Transform):
    """``y = exp(x)``.

    Args:
        domain: the set that is mapped; the real line by default.
    """

    leaf_names = ("_domain",)
    sign = 1

    def __init__(self, domain: Constraint = constraints.real) -> None:
        self._domain = domain

    @property
    def domain(self) -> Constraint:
        return self._domain

    @property
    def codomain(self) -> Constraint:
        domain = self._domain
        if isinstance(domain, constraints.independent):
            return constraints.independent(constraints.positive, domain.reinterpreted_batch_ndims)
        if domain is constraints.ordered_vector:
            return constraints.positive_ordered_vector
        if isinstance(domain, constraints.greater_than):
            return constraints.greater_than(jnp.exp(domain.lower_bound))
        if isinstance(domain, constraints.interval):
            return type_of_interval(domain)(jnp.exp(domain.lower_bound), jnp.exp(domain.upper_bound))
        return constraints.positive

    def __call__(self, x: ArrayLike) -> Array:
        return jnp.exp(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return jnp.log(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return jnp.sum(x, -1) if self._domain is constraints.ordered_vector else jnp.asarray(x)


@kernel
def _clipped_sigmoid(x: Array) -> Array:
    dtype = jnp.result_type(float, x)
    info = finfo(dtype)
    return jnp.clip(jax.nn.sigmoid(x), info.tiny, 1.0 - info.epsneg)


@kernel
def _logit(y: Array) -> Array:
    return jnp.log(y) - jnp.log1p(-y)


@kernel
def _sigmoid_log_slope(x: Array) -> Array:
    return -jax.nn.softplus(x) - jax.nn.softplus(-x)


class SigmoidTransform(Transform):
    """``y = 1 / (1 + exp(-x))``, kept off 0 and 1 where rounding would reach them."""

    codomain = constraints.unit_interval
    sign = 1

    def __call__(self, x: ArrayLike) -> Array:
        return _clipped_sigmoid(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return _logit(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _sigmoid_log_slope(x)


@kernel
def _softplus(x: Array) -> Array:
    return jax.nn.softplus(x)


@kernel
def _softplus_inverse(y: Array) -> Array:
    return y + jnp.log(-jnp.expm1(-y))


@kernel
def _softplus_log_slope(x: Array) -> Array:
    return -jax.nn.softplus(-x)


class SoftplusTransform(Transform):
    """``y = log(1 + exp(x))``."""

    codomain = constraints.softplus_positive
    sign = 1

    def __call__(self, x: ArrayLike) -> Array:
        return _softplus(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return _softplus_inverse(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _softplus_log_slope(x)


@kernel
def _power_log_slope(x: Array, exponent: Array) -> Array:
    return jnp.log(jnp.abs(exponent)) + (exponent - 1.0) * jnp.log(x)


class PowerTransform(Transform):
    """``y = x ** exponent`` for positive ``x``.

    Args:
        exponent: real, not 0.
    """

    leaf_names = ("exponent",)
    domain = constraints.positive
    codomain = constraints.positive

    def __init__(self, exponent: ArrayLike) -> None:
        self.exponent = exponent

    @property
    def sign(self) -> Array:
        return jnp.sign(self.exponent)

    def __call__(self, x: ArrayLike) -> Array:
        return jnp.power(x, self.exponent)

    def _inverse(self, y: ArrayLike) -> Array:
        return jnp.power(y, 1.0 / self.exponent)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return _power_log_slope(x, self.exponent)

    def forward_shape(self, shape: Shape) -> Shape:
        return broadcast_shapes(shape, shape_of(self.exponent))

    def inverse_shape(self, shape: Shape) -> Shape:
        return broadcast_shapes(shape, shape_of(self.exponent))


class AbsTransform(Transform):
    """``y = abs(x)``; not a bijection: its inverse takes the nonnegative branch."""

    codomain = constraints.nonnegative

    def __call__(self, x: ArrayLike) -> Array:
        return jnp.abs(x)

    def _inverse(self, y: ArrayLike) -> Array:
        return jnp.asarray(y)
