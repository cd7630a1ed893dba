"""The Normal law and its relatives: HalfNormal, LogNormal."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy import special
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .constraints import Constraint
from .kl import register_kl
from .transformed import TransformedDistribution
from .transforms import ExpTransform, Transform

__all__ = ["HalfNormal", "LogNormal", "Normal"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@kernel
def _log_prob(value: Array, loc: Array, scale: Array) -> Array:
    z = (value - loc) / scale
    return -0.5 * z * z - jnp.log(scale) - _HALF_LOG_TWO_PI


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, scale: Array, shape: Shape) -> Array:
    return loc + scale * jax.random.normal(key, shape, jnp.result_type(float, loc, scale))


class Normal(Distribution):
    """Normal law: density ``exp(-z**2 / 2) / (scale * sqrt(2 * pi))`` with ``z = (x - loc) / scale``.

    Args:
        loc: mean, any real; broadcasts with ``scale`` to ``batch_shape``.  Default 0.
        scale: standard deviation, positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 13.

    Example:
        >>> round(float(Normal(0.0, 2.0).log_prob(1.0)), 4)
        -1.7371
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
        return self._spread(jnp.square(self.scale))

    @property
    def mode(self) -> Array:
        return self.mean

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return special.ndtr((value - self.loc) / self.scale)

    def log_cdf(self, value: ArrayLike) -> Array:
        """Logarithm of `cdf`, precise far in the lower tail."""
        value = jnp.asarray(value)
        return special.log_ndtr((value - self.loc) / self.scale)

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.loc + self.scale * special.ndtri(q)

    def entropy(self) -> Array:
        return self._spread(0.5 + _HALF_LOG_TWO_PI + jnp.log(self.scale))


@kernel
def _half_log_prob(value: Array, scale: Array) -> Array:
    z = value / scale
    density = math.log(2.0) - 0.5 * z * z - jnp.log(scale) - _HALF_LOG_TWO_PI
    return jnp.where(value >= 0, density, -jnp.inf)


@kernel(static=("shape",))
def _half_sample(key: Array, scale: Array, shape: Shape) -> Array:
    return scale * jnp.abs(jax.random.normal(key, shape, jnp.result_type(float, scale)))


class HalfNormal(Distribution):
    """Law of ``abs(x)`` for a Normal ``x`` about 0: density ``sqrt(2 / pi) / scale * exp(-x**2 / (2 * scale**2))``.

    Args:
        scale: positive; standard deviation of the Normal that is folded.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 13, section 10.

    Example:
        >>> round(float(HalfNormal(1.0).log_prob(0.0)), 4)
        -0.2258
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    reparametrized_params = ("scale",)

    scale: Array

    def __init__(self, scale: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, scale=scale)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _half_sample(key, self.scale, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _half_log_prob(value, self.scale)

    @property
    def mean(self) -> Array:
        return self._spread(self.scale * math.sqrt(2.0 / math.pi))

    @property
    def variance(self) -> Array:
        return self._spread((1.0 - 2.0 / math.pi) * jnp.square(self.scale))

    @property
    def mode(self) -> Array:
        return jnp.zeros(self.batch_shape)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return special.erf(jnp.maximum(value / self.scale, 0.0) / math.sqrt(2.0))

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.scale * math.sqrt(2.0) * special.erfinv(q)

    def entropy(self) -> Array:
        return self._spread(0.5 + _HALF_LOG_TWO_PI - math.log(2.0) + jnp.log(self.scale))


@kernel
def _log_normal_log_prob(value: Array, loc: Array, scale: Array) -> Array:
    inside = value > 0
    log_value = jnp.log(jnp.where(inside, value, 1.0))
    z = (log_value - loc) / scale
    return jnp.where(inside, -0.5 * z * z - jnp.log(scale) - log_value - _HALF_LOG_TWO_PI, -jnp.inf)


class LogNormal(TransformedDistribution):
    """Law of ``exp(x)`` for a Normal ``x``: density ``exp(-z**2 / 2) / (x * scale * sqrt(2 * pi))``.

    Here ``z = (log(x) - loc) / scale``.

    Args:
        loc: mean of the logarithm, any real.  Default 0.
        scale: standard deviation of the logarithm, positive.  Default 1.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 14.

    Example:
        >>> round(float(LogNormal(0.0, 1.0).log_prob(1.0)), 4)
        -0.9189
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    reparametrized_params = ("loc", "scale")

    loc: Array
    scale: Array

    def __init__(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    @property
    def base_dist(self) -> Distribution:  # type: ignore[override]
        """Law of the logarithm."""
        return Normal(self.loc, self.scale, validate_args=False)

    @property
    def transforms(self) -> list[Transform]:  # type: ignore[override]
        """The exponential."""
        return [ExpTransform()]

    def _infer_batch_shape(self) -> Shape:
        return Distribution._infer_batch_shape(self)

    def _infer_event_shape(self) -> Shape:
        return ()

    @property
    def support(self) -> Constraint:
        return constraints.positive

    @property
    def has_rsample(self) -> bool:
        return True

    def _sample_with_intermediates(self, key: Array, shape: Shape) -> tuple[Array, list[Any]]:
        x = _sample(key, self.loc, self.scale, shape=shape)
        return jnp.exp(x), [[x, None]]

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_normal_log_prob(value, self.loc, self.scale)

    @property
    def mean(self) -> Array:
        return self._spread(jnp.exp(self.loc + 0.5 * jnp.square(self.scale)))

    @property
    def variance(self) -> Array:
        square = jnp.square(self.scale)
        return self._spread(jnp.expm1(square) * jnp.exp(2.0 * self.loc + square))

    @property
    def mode(self) -> Array:
        return self._spread(jnp.exp(self.loc - jnp.square(self.scale)))

    def entropy(self) -> Array:
        return self._spread(0.5 + _HALF_LOG_TWO_PI + jnp.log(self.scale) + self.loc)

    def __repr__(self) -> str:
        return Distribution.__repr__(self)


@kernel
def _kl(p_loc: Array, p_scale: Array, q_loc: Array, q_scale: Array) -> Array:
    ratio = p_scale / q_scale
    shift = (p_loc - q_loc) / q_scale
    return 0.5 * ((ratio - 1.0) * (ratio + 1.0) + shift * shift) - jnp.log(ratio)


@register_kl(Normal, Normal)
@register_kl(LogNormal, LogNormal)
def _kl_normal_normal(p: Normal, q: Normal) -> Array:
    return _kl(p.loc, p.scale, q.loc, q.scale)
