"""The Laplace law."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .kl import register_kl

__all__ = ["Laplace"]

_LOG_TWO = math.log(2.0)


@kernel
def _log_prob(value: Array, loc: Array, scale: Array) -> Array:
    return -jnp.abs((value - loc) / scale) - jnp.log(scale) - _LOG_TWO


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, scale: Array, shape: Shape) -> Array:
    return loc + scale * jax.random.laplace(key, shape, jnp.result_type(float, loc, scale))


class Laplace(Distribution):
    """Laplace law: density ``exp(-abs(x - loc) / scale) / (2 * scale)``.

    Args:
        loc: mean and median, any real.  Default 0.
        scale: positive; the standard deviation is ``scale * sqrt(2)``.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 24.

    Example:
        >>> round(float(Laplace(0.0, 1.0).log_prob(0.0)), 4)
        -0.6931
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
        return self._spread(2.0 * jnp.square(self.scale))

    @property
    def mode(self) -> Array:
        return self.mean

    def cdf(self, value: ArrayLike) -> Array:
        z = jnp.asarray((value - self.loc) / self.scale)
        half = 0.5 * jnp.exp(-jnp.abs(z))
        return jnp.where(z < 0, half, 1.0 - half)

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        tail = jnp.log(2.0 * jnp.minimum(q, 1.0 - q))
        return self.loc + self.scale * jnp.where(jnp.less(q, 0.5), tail, -tail)

    def entropy(self) -> Array:
        return self._spread(1.0 + _LOG_TWO + jnp.log(self.scale))


@kernel
def _kl(p_loc: Array, p_scale: Array, q_loc: Array, q_scale: Array) -> Array:
    distance = jnp.abs(p_loc - q_loc)
    ratio = p_scale / q_scale
    return ratio * jnp.exp(-distance / p_scale) + distance / q_scale - jnp.log(ratio) - 1.0


@register_kl(Laplace, Laplace)
def _kl_laplace_laplace(p: Laplace, q: Laplace) -> Array:
    return _kl(p.loc, p.scale, q.loc, q.scale)
