"""The Cauchy law and its positive half."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import log1p_square
from . import constraints
from .base import Distribution, Shape

__all__ = ["Cauchy", "HalfCauchy"]

_LOG_PI = math.log(math.pi)


@kernel
def _log_prob(value: Array, loc: Array, scale: Array) -> Array:
    return -_LOG_PI - jnp.log(scale) - log1p_square((value - loc) / scale)


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, scale: Array, shape: Shape) -> Array:
    return loc + scale * jax.random.cauchy(key, shape, jnp.result_type(float, loc, scale))


class Cauchy(Distribution):
    """Cauchy law: density ``1 / (pi * scale * (1 + z**2))`` with ``z = (x - loc) / scale``; it has no mean.

    Args:
        loc: median, any real.  Default 0.
        scale: half the distance between the quartiles, positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 16.

    Example:
        >>> round(float(Cauchy(0.0, 1.0).log_prob(1.0)), 4)
        -1.8379
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    reparametrized_params = ("loc", "scale")

    loc: Array
    scale: Array

    def __init__(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.loc, self.scale, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.loc, self.scale)

    @property
    def mean(self) -> Array:
        return jnp.full(self.batch_shape, jnp.nan)

    @property
    def variance(self) -> Array:
        return jnp.full(self.batch_shape, jnp.nan)

    @property
    def mode(self) -> Array:
        return self._spread(self.loc)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return jnp.arctan2(1.0, (self.loc - value) / self.scale) / math.pi

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        tail = self.scale / jnp.tan(math.pi * jnp.minimum(q, 1.0 - q))
        return self.loc + jnp.where(q < 0.5, -tail, tail)

    def entropy(self) -> Array:
        return self._spread(jnp.log(self.scale) + math.log(4.0 * math.pi))


@kernel
def _half_log_prob(value: Array, scale: Array) -> Array:
    density = math.log(2.0) - _LOG_PI - jnp.log(scale) - log1p_square(value / scale)
    return jnp.where(value >= 0, density, -jnp.inf)


@kernel(static=("shape",))
def _half_sample(key: Array, scale: Array, shape: Shape) -> Array:
    return scale * jnp.abs(jax.random.cauchy(key, shape, jnp.result_type(float, scale)))


class HalfCauchy(Distribution):
    """Law of ``abs(x)`` for a Cauchy ``x`` about 0: density ``2 / (pi * scale * (1 + (x / scale)**2))``.

    Args:
        scale: median, positive.  Default 1.

    Source: Gelman (2006), Bayesian Analysis 1(3), section 3.2.

    Example:
        >>> round(float(HalfCauchy(1.0).log_prob(1.0)), 4)
        -1.1447
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    reparametrized_params = ("scale",)

    scale: Array

    def __init__(self, scale: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, scale=scale)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _half_sample(key, self.scale, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _half_log_prob(value, self.scale)

    @property
    def mean(self) -> Array:
        return jnp.full(self.batch_shape, jnp.inf)

    @property
    def variance(self) -> Array:
        return jnp.full(self.batch_shape, jnp.inf)

    @property
    def mode(self) -> Array:
        return jnp.zeros(self.batch_shape)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return jnp.arctan(jnp.maximum(value / self.scale, 0.0)) * (2.0 / math.pi)

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        half = 0.5 * math.pi
        upper = 1.0 / jnp.tan(half * jnp.where(q < 0.5, 0.5, 1.0 - q))
        return self.scale * jnp.where(q < 0.5, jnp.tan(half * q), upper)

    def entropy(self) -> Array:
        return self._spread(jnp.log(self.scale) + math.log(2.0 * math.pi))
