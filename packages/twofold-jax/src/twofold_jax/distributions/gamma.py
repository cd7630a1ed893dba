"""The Gamma law and its relatives: InverseGamma, Chi2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammainc, gammaincc, gammaln
from jax.typing import ArrayLike

from ..ops.arrays import finfo
from ..ops.kernel import kernel
from ..ops.special import poisson_log_mass
from . import constraints
from .base import Distribution, Shape
from .kl import register_kl

__all__ = ["Chi2", "Gamma", "InverseGamma"]


@kernel
def _log_prob(value: Array, concentration: Array, rate: Array) -> Array:
    inside = value > 0
    dtype = jnp.result_type(float, value, concentration, rate)
    x, a, b = (jnp.asarray(arg, dtype) for arg in (jnp.where(inside, value, 1.0), concentration, rate))
    # The density is a / x times the mass that a Poisson law of rate b * x has at a.
    density = jnp.log(a) - jnp.log(x) + poisson_log_mass(a, b * x, jnp.log(b) + jnp.log(x))
    return jnp.where(inside, density, -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, concentration: Array, rate: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, concentration, rate)
    draws = jax.random.gamma(key, jnp.asarray(concentration, dtype), shape, dtype) / rate
    return jnp.maximum(draws, finfo(dtype).tiny)  # small concentrations underflow to 0, outside the support


class Gamma(Distribution):
    """Gamma law: density ``rate**concentration * x**(concentration - 1) * exp(-rate * x) / Gamma(concentration)``.

    Args:
        concentration: shape parameter, positive.
        rate: inverse scale, positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 17; computed as in
    Loader (2000), Fast and accurate computation of binomial probabilities.

    Example:
        >>> round(float(Gamma(2.0, 3.0).log_prob(1.0)), 4)
        -0.8028
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    reparametrized_params: ClassVar[Sequence[str]] = ("concentration", "rate")

    concentration: Array
    rate: Array

    def __init__(self, concentration: ArrayLike, rate: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=concentration, rate=rate)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.concentration, self.rate, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.concentration, self.rate)

    @property
    def mean(self) -> Array:
        return self._spread(self.concentration / self.rate)

    @property
    def variance(self) -> Array:
        return self._spread(self.concentration / jnp.square(self.rate))

    @property
    def mode(self) -> Array:
        return self._spread(jnp.maximum(self.concentration - 1.0, 0.0) / self.rate)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return gammainc(self.concentration, jnp.maximum(self.rate * value, 0.0))

    def entropy(self) -> Array:
        a = self.concentration
        return self._spread(a - jnp.log(self.rate) + gammaln(a) + (1.0 - a) * digamma(a))


class Chi2(Gamma):
    """Law of the sum of ``df`` squared standard Normal variables: Gamma with ``df / 2`` and rate 1/2.

    Args:
        df: degrees of freedom, positive.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 18.

    Example:
        >>> round(float(Chi2(2.0).log_prob(0.5)), 4)
        -0.9431
    """

    arg_constraints = {"df": constraints.positive}
    reparametrized_params = ("df",)

    df: Array

    def __init__(self, df: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, df=df)

    @property
    def concentration(self) -> ArrayLike:  # type: ignore[override]
        """``df / 2``."""
        return 0.5 * self.df

    @property
    def rate(self) -> float:  # type: ignore[override]
        """1/2."""
        return 0.5


@kernel
def _inverse_log_prob(value: Array, concentration: Array, rate: Array) -> Array:
    inside = value > 0
    dtype = jnp.result_type(float, value, concentration, rate)
    x, a, b = (jnp.asarray(arg, dtype) for arg in (jnp.where(inside, value, 1.0), concentration, rate))
    density = jnp.log(a) - jnp.log(x) + poisson_log_mass(a, b / x, jnp.log(b) - jnp.log(x))
    return jnp.where(inside, density, -jnp.inf)


@kernel(static=("shape",))
def _inverse_sample(key: Array, concentration: Array, rate: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, concentration, rate)
    log_gamma = jax.random.loggamma(key, jnp.asarray(concentration, dtype), shape, dtype)
    return jnp.minimum(rate * jnp.exp(-log_gamma), finfo(dtype).max)


class InverseGamma(Distribution):
    """Law of ``1 / x`` for a Gamma ``x``: density ``rate**a / Gamma(a) * x**(-a - 1) * exp(-rate / x)``.

    Args:
        concentration: shape parameter ``a``, positive.
        rate: scale of the law, positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 17, section 8.

    Example:
        >>> round(float(InverseGamma(2.0, 3.0).log_prob(1.0)), 4)
        -0.8028
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    reparametrized_params = ("concentration", "rate")

    concentration: Array
    rate: Array

    def __init__(self, concentration: ArrayLike, rate: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=concentration, rate=rate)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _inverse_sample(key, self.concentration, self.rate, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _inverse_log_prob(value, self.concentration, self.rate)

    @property
    def mean(self) -> Array:
        a = self.concentration
        return self._spread(jnp.where(a > 1, self.rate / jnp.where(a > 1, a - 1.0, 1.0), jnp.inf))

    @property
    def variance(self) -> Array:
        a = jnp.asarray(self.concentration)
        b = jnp.where(a > 2, a, 3.0)
        return self._spread(jnp.where(a > 2, jnp.square(self.rate / (b - 1.0)) / (b - 2.0), jnp.inf))

    @property
    def mode(self) -> Array:
        return self._spread(self.rate / (self.concentration + 1.0))

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        inside = jnp.greater(value, 0)
        return jnp.where(inside, gammaincc(self.concentration, self.rate / jnp.where(inside, value, 1.0)), 0.0)

    def entropy(self) -> Array:
        a = self.concentration
        return self._spread(a + jnp.log(self.rate) + gammaln(a) - (1.0 + a) * digamma(a))


@kernel
def _kl(p_concentration: Array, p_rate: Array, q_concentration: Array, q_rate: Array) -> Array:
    a, b = p_concentration, q_concentration
    shapes = (a - b) * digamma(a) - gammaln(a) + gammaln(b)
    return shapes + b * (jnp.log(p_rate) - jnp.log(q_rate)) + a * (q_rate - p_rate) / p_rate


@register_kl(Gamma, Gamma)
@register_kl(InverseGamma, InverseGamma)
def _kl_gamma_gamma(p: Gamma, q: Gamma) -> Array:
    return _kl(p.concentration, p.rate, q.concentration, q.rate)
