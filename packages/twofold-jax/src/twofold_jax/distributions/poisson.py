"""The Poisson law."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaincc
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import poisson_log_mass
from . import constraints
from .base import Distribution, Shape

__all__ = ["Poisson"]


@kernel
def _log_prob(value: Array, rate: Array) -> Array:
    rate = jnp.asarray(rate, jnp.result_type(float, rate))
    k, rate = jnp.broadcast_arrays(jnp.asarray(value, rate.dtype), rate)
    some = k > 0
    safe = jnp.where(some, rate, 1.0)
    mass = poisson_log_mass(jnp.where(some, k, 1.0), safe, jnp.log(safe))
    return jnp.where(some, mass, jnp.where(k == 0, -rate, -jnp.inf))


@kernel(static=("shape",))
def _sample(key: Array, rate: Array, shape: Shape) -> Array:
    return jax.random.poisson(key, rate, shape, jnp.result_type(int))


class Poisson(Distribution):
    """Poisson law: the probability of ``k`` is ``rate**k * exp(-rate) / k!``.

    Args:
        rate: mean, nonnegative.

    Source: Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, ch. 4; computed as in Loader (2000),
    Fast and accurate computation of binomial probabilities.

    Example:
        >>> float(Poisson(3.0).log_prob(0))
        -3.0
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    rate: Array

    def __init__(self, rate: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, rate=rate)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.rate, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.rate)

    @property
    def mean(self) -> Array:
        return self._spread(self.rate)

    @property
    def variance(self) -> Array:
        return self._spread(self.rate)

    @property
    def mode(self) -> Array:
        return self._spread(jnp.floor(self.rate))

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        k = jnp.floor(value)
        return jnp.where(k >= 0, gammaincc(jnp.maximum(k, 0.0) + 1.0, self.rate), 0.0)
