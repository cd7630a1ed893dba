"""The Gumbel law of largest values."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape

__all__ = ["Gumbel"]


@kernel
def _log_prob(value: Array, loc: Array, scale: Array) -> Array:
    z = (value - loc) / scale
    return -(z + jnp.exp(-z)) - jnp.log(scale)


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, scale: Array, shape: Shape) -> Array:
    return loc + scale * jax.random.gumbel(key, shape, jnp.result_type(float, loc, scale))


class Gumbel(Distribution):
    """Gumbel law: density ``exp(-(z + exp(-z))) / scale`` with ``z = (x - loc) / scale``.

    Args:
        loc: mode, any real.  Default 0.
        scale: positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 22.

    Example:
        >>> float(Gumbel(0.0, 1.0).log_prob(0.0))
        -1.0
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
        return self._spread(self.loc + self.scale * np.euler_gamma)

    @property
    def variance(self) -> Array:
        return self._spread(jnp.square(self.scale * math.pi) / 6.0)

    @property
    def mode(self) -> Array:
        return self._spread(self.loc)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return jnp.exp(-jnp.exp((self.loc - value) / self.scale))

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.loc - self.scale * jnp.log(-jnp.log(q))

    def entropy(self) -> Array:
        return self._spread(jnp.log(self.scale) + 1.0 + np.euler_gamma)
