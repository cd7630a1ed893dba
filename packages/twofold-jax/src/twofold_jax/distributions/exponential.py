"""The Exponential law."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .kl import register_kl

__all__ = ["Exponential"]


@kernel
def _log_prob(value: Array, rate: Array) -> Array:
    return jnp.where(value >= 0, jnp.log(rate) - rate * value, -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, rate: Array, shape: Shape) -> Array:
    return jax.random.exponential(key, shape, jnp.result_type(float, rate)) / rate


class Exponential(Distribution):
    """Exponential law: density ``rate * exp(-rate * x)``.

    Args:
        rate: inverse of the mean, positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 19.

    Example:
        >>> float(Exponential(1.0).log_prob(2.0))
        -2.0
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    reparametrized_params = ("rate",)

    rate: Array

    def __init__(self, rate: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, rate=rate)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.rate, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.rate)

    @property
    def mean(self) -> Array:
        return self._spread(jnp.reciprocal(jnp.asarray(self.rate, jnp.result_type(float, self.rate))))

    @property
    def variance(self) -> Array:
        return jnp.square(self.mean)

    @property
    def mode(self) -> Array:
        return jnp.zeros(self.batch_shape)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return -jnp.expm1(-jnp.maximum(self.rate * value, 0.0))

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return -jnp.log1p(-q) / self.rate

    def entropy(self) -> Array:
        return self._spread(1.0 - jnp.log(self.rate))


@kernel
def _kl(p_rate: Array, q_rate: Array) -> Array:
    excess = (q_rate - p_rate) / p_rate
    return excess - jnp.log1p(excess)


@register_kl(Exponential, Exponential)
def _kl_exponential_exponential(p: Exponential, q: Exponential) -> Array:
    return _kl(p.rate, q.rate)
