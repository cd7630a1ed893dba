"""The Beta law."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import betainc, betaln, digamma
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import binomial_log_mass, logit
from . import constraints
from .base import Distribution, Shape
from .kl import register_kl

__all__ = ["Beta"]


@kernel
def _log_prob(value: Array, concentration1: Array, concentration0: Array) -> Array:
    dtype = jnp.result_type(float, value, concentration1, concentration0)
    x, a, b = jnp.broadcast_arrays(*(jnp.asarray(arg, dtype) for arg in (value, concentration1, concentration0)))
    inside = (x > 0) & (x < 1)
    y = jnp.where(inside, x, 0.5)
    # The density is a * b / ((a + b) * x * (1 - x)) times the mass that a Binomial law of a + b trials has at a.
    factor = jnp.log(a) + jnp.log(b) - jnp.log(a + b) - jnp.log(y) - jnp.log1p(-y)
    density = factor + binomial_log_mass(a, b, logit(y))
    at_edge = jnp.where(x == 0, _edge(a, b), jnp.where(x == 1, _edge(b, a), -jnp.inf))
    return jnp.where(inside, density, at_edge)


def _edge(near: Array, far: Array) -> Array:
    """Log density at the edge to which ``near`` belongs."""
    return jnp.where(near == 1, jnp.log(far), jnp.where(near < 1, jnp.inf, -jnp.inf))


@kernel(static=("shape",))
def _sample(key: Array, concentration1: Array, concentration0: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, concentration1, concentration0)
    a, b = jnp.asarray(concentration1, dtype), jnp.asarray(concentration0, dtype)
    return jax.random.beta(key, a, b, shape, dtype)


class Beta(Distribution):
    """Beta law: density ``x**(a - 1) * (1 - x)**(b - 1) / B(a, b)``.

    Args:
        concentration1: ``a``, positive; pulls towards 1.
        concentration0: ``b``, positive; pulls towards 0.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 25; computed as in
    Loader (2000), Fast and accurate computation of binomial probabilities.

    Example:
        >>> round(float(Beta(2.0, 2.0).log_prob(0.5)), 4)
        0.4055
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    reparametrized_params = ("concentration1", "concentration0")

    concentration1: Array
    concentration0: Array

    def __init__(
        self, concentration1: ArrayLike, concentration0: ArrayLike, *, validate_args: bool | None = None
    ) -> None:
        self._set(validate_args, concentration1=concentration1, concentration0=concentration0)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.concentration1, self.concentration0, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.concentration1, self.concentration0)

    @property
    def mean(self) -> Array:
        return self._spread(self.concentration1 / (self.concentration1 + self.concentration0))

    @property
    def variance(self) -> Array:
        total = self.concentration1 + self.concentration0
        share = self.concentration1 / total
        return self._spread(share * (self.concentration0 / total) / (total + 1.0))

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return betainc(self.concentration1, self.concentration0, jnp.clip(value, 0.0, 1.0))

    def entropy(self) -> Array:
        a, b = self.concentration1, self.concentration0
        shared = (a + b - 2.0) * digamma(a + b)
        return self._spread(betaln(a, b) - (a - 1.0) * digamma(a) - (b - 1.0) * digamma(b) + shared)


@kernel
def _kl(p1: Array, p0: Array, q1: Array, q0: Array) -> Array:
    norms = betaln(q1, q0) - betaln(p1, p0)
    total = digamma(p1 + p0)
    return norms + (p1 - q1) * (digamma(p1) - total) + (p0 - q0) * (digamma(p0) - total)


@register_kl(Beta, Beta)
def _kl_beta_beta(p: Beta, q: Beta) -> Array:
    return _kl(p.concentration1, p.concentration0, q.concentration1, q.concentration0)
