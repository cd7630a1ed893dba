"""Student's t."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import betainc, betaln, digamma
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import log1p_square, log_gamma_half_step
from . import constraints
from .base import Distribution, Shape

__all__ = ["StudentT"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@kernel
def _log_prob(value: Array, df: Array, loc: Array, scale: Array) -> Array:
    z = (value - loc) / scale
    peak = log_gamma_half_step(0.5 * df) - _HALF_LOG_TWO_PI - jnp.log(scale)
    return peak - 0.5 * (df + 1.0) * log1p_square(z / jnp.sqrt(df))


@kernel(static=("shape",))
def _sample(key: Array, df: Array, loc: Array, scale: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, df, loc, scale)
    normal_key, gamma_key = jax.random.split(key)
    normal = jax.random.normal(normal_key, shape, dtype)
    half_df = 0.5 * jnp.asarray(df, dtype)
    log_gamma = jax.random.loggamma(gamma_key, half_df, shape, dtype)  # which does not underflow for small df
    return loc + scale * normal * jnp.exp(0.5 * (jnp.log(half_df) - log_gamma))


@kernel
def _cdf(value: Array, df: Array, loc: Array, scale: Array) -> Array:
    z = (value - loc) / scale
    tail = 0.5 * betainc(0.5 * df, 0.5, df / (df + z * z))
    return jnp.where(z > 0, 1.0 - tail, tail)


class StudentT(Distribution):
    """Student's t: density ``(1 + z**2 / df)**(-(df + 1) / 2) / (scale * sqrt(df) * B(1/2, df/2))``.

    Here ``z = (x - loc) / scale``.

    Args:
        df: degrees of freedom, positive.
        loc: median, any real.  Default 0.
        scale: positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 28.

    Example:
        >>> round(float(StudentT(3.0).log_prob(0.0)), 4)
        -1.0009
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    reparametrized_params = ("df", "loc", "scale")

    df: Array
    loc: Array
    scale: Array

    def __init__(
        self,
        df: ArrayLike,
        loc: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self._set(validate_args, df=df, loc=loc, scale=scale)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.df, self.loc, self.scale, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.df, self.loc, self.scale)

    @property
    def mean(self) -> Array:
        return self._spread(jnp.where(self.df > 1, self.loc, jnp.nan))

    @property
    def variance(self) -> Array:
        finite = jnp.square(self.scale) * self.df / jnp.where(self.df > 2, self.df - 2.0, 1.0)
        return self._spread(jnp.where(self.df > 2, finite, jnp.where(self.df > 1, jnp.inf, jnp.nan)))

    @property
    def mode(self) -> Array:
        return self._spread(self.loc)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return _cdf(value, self.df, self.loc, self.scale)

    def entropy(self) -> Array:
        half = 0.5 * self.df
        spread = jnp.log(self.scale) + 0.5 * jnp.log(self.df) + betaln(half, 0.5)
        return self._spread(spread + (half + 0.5) * (digamma(half + 0.5) - digamma(half)))
