"""The Pareto law."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.arrays import finfo
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .constraints import Constraint

__all__ = ["Pareto"]


@kernel
def _log_prob(value: Array, scale: Array, alpha: Array) -> Array:
    inside = value >= scale
    log_ratio = jnp.log(jnp.where(inside, value, scale)) - jnp.log(scale)
    return jnp.where(inside, jnp.log(alpha) - jnp.log(scale) - (alpha + 1.0) * log_ratio, -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, scale: Array, alpha: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, scale, alpha)
    draws = scale * jnp.exp(jax.random.exponential(key, shape, dtype) / alpha)
    return jnp.minimum(draws, finfo(dtype).max)


class Pareto(Distribution):
    """Pareto law: density ``alpha * scale**alpha / x**(alpha + 1)`` from ``scale`` upwards.

    Args:
        scale: least value, positive.
        alpha: how fast the tail falls, positive.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 20.

    Example:
        >>> round(float(Pareto(1.0, 2.0).log_prob(1.0)), 4)
        0.6931
    """

    arg_constraints = {"scale": constraints.positive, "alpha": constraints.positive}
    reparametrized_params = ("scale", "alpha")

    scale: Array
    alpha: Array

    def __init__(self, scale: ArrayLike, alpha: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, scale=scale, alpha=alpha)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:
        """At least ``scale``."""
        return constraints.greater_than_eq(self.scale)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.scale, self.alpha, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.scale, self.alpha)

    @property
    def mean(self) -> Array:
        a = jnp.asarray(self.alpha)
        safe = jnp.where(a > 1, a, 2.0)
        return self._spread(jnp.where(a > 1, self.scale * safe / (safe - 1.0), jnp.inf))

    @property
    def variance(self) -> Array:
        a = jnp.asarray(self.alpha)
        safe = jnp.where(a > 2, a, 3.0)
        finite = jnp.square(self.scale / (safe - 1.0)) * safe / (safe - 2.0)
        return self._spread(jnp.where(a > 2, finite, jnp.inf))

    @property
    def mode(self) -> Array:
        return self._spread(self.scale)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return -jnp.expm1(-self.alpha * jnp.log(jnp.maximum(value / self.scale, 1.0)))

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.scale * jnp.exp(-jnp.log1p(-q) / self.alpha)

    def entropy(self) -> Array:
        return self._spread(jnp.log(self.scale / self.alpha) + 1.0 + 1.0 / self.alpha)
