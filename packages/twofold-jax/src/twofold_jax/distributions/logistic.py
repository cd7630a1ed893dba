"""The Logistic law."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import logit
from . import constraints
from .base import Distribution, Shape

__all__ = ["Logistic"]


@kernel
def _log_prob(value: Array, loc: Array, scale: Array) -> Array:
    distance = jnp.abs((value - loc) / scale)
    return -distance - 2.0 * jnp.log1p(jnp.exp(-distance)) - jnp.log(scale)


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, scale: Array, shape: Shape) -> Array:
    return loc + scale * jax.random.logistic(key, shape, jnp.result_type(float, loc, scale))


class Logistic(Distribution):
    """Logistic law: density ``exp(-z) / (scale * (1 + exp(-z))**2)`` with ``z = (x - loc) / scale``.

    Args:
        loc: mean and median, any real.  Default 0.
        scale: positive; the standard deviation is ``scale * pi / sqrt(3)``.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 23.

    Example:
        >>> round(float(Logistic(0.0, 1.0).log_prob(0.0)), 4)
        -1.3863
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
        return self._spread(self.loc)

    @property
    def variance(self) -> Array:
        return self._spread(jnp.square(self.scale * math.pi) / 3.0)

    @property
    def mode(self) -> Array:
        return self.mean

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return jax.nn.sigmoid((value - self.loc) / self.scale)

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.loc + self.scale * logit(q)

    def entropy(self) -> Array:
        return self._spread(2.0 + jnp.log(self.scale))
