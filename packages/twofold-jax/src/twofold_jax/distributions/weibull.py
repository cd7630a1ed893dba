"""The Weibull law."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jax.typing import ArrayLike

from ..ops.arrays import finfo
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape

__all__ = ["Weibull"]


@kernel
def _log_prob(value: Array, scale: Array, concentration: Array) -> Array:
    inside = value > 0
    log_z = jnp.log(jnp.where(inside, value, 1.0)) - jnp.log(scale)
    density = jnp.log(concentration) - jnp.log(scale) + (concentration - 1.0) * log_z - jnp.exp(concentration * log_z)
    return jnp.where(inside, density, -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, scale: Array, concentration: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, scale, concentration)
    exponential = jnp.maximum(jax.random.exponential(key, shape, dtype), finfo(dtype).tiny)
    return jnp.maximum(scale * jnp.exp(jnp.log(exponential) / concentration), finfo(dtype).tiny)


class Weibull(Distribution):
    """Weibull law: density ``k / scale * z**(k - 1) * exp(-z**k)`` with ``z = x / scale``.

    Args:
        scale: positive.
        concentration: shape parameter ``k``, positive.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 21.

    Example:
        >>> float(Weibull(1.0, 1.0).log_prob(2.0))
        -2.0
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    reparametrized_params = ("scale", "concentration")

    scale: Array
    concentration: Array

    def __init__(self, scale: ArrayLike, concentration: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, scale=scale, concentration=concentration)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.scale, self.concentration, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.scale, self.concentration)

    def _moment(self, order: int) -> Array:
        return jnp.exp(gammaln(1.0 + order / self.concentration))

    @property
    def mean(self) -> Array:
        return self._spread(self.scale * self._moment(1))

    @property
    def variance(self) -> Array:
        return self._spread(jnp.square(self.scale) * (self._moment(2) - jnp.square(self._moment(1))))

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return -jnp.expm1(-jnp.power(jnp.maximum(value / self.scale, 0.0), self.concentration))

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.scale * jnp.power(-jnp.log1p(-q), 1.0 / self.concentration)

    def entropy(self) -> Array:
        k = self.concentration
        return self._spread(np.euler_gamma * (1.0 - 1.0 / k) + jnp.log(self.scale) - jnp.log(k) + 1.0)
