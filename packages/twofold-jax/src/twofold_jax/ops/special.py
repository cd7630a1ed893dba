"""Special functions in forms that keep their precision far out and for large counts."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln

__all__ = [
    "binomial_log_mass",
    "log1p_square",
    "log_gamma_half_step",
    "logit",
    "poisson_log_mass",
    "stirling_error",
]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def logit(p: Array) -> Array:
    """``log(p) - log(1 - p)``."""
    return jnp.log(p) - jnp.log1p(-p)


def log1p_square(z: Array) -> Array:
    """``log(1 + z**2)`` also where the square overflows.

    Example:
        >>> round(float(log1p_square(1e30)), 3)
        138.155
    """
    far = jnp.abs(z) > 1e8
    near = jnp.log1p(jnp.square(jnp.where(far, 0.0, z)))
    return jnp.where(far, 2.0 * jnp.log(jnp.abs(jnp.where(far, z, 1.0))), near)


def log_gamma_half_step(x: Array) -> Array:
    """``lgamma(x + 1/2) - lgamma(x) - log(x) / 2``, which vanishes for large ``x``.

    Source: Tricomi and Erdelyi (1951), Pacific J. Math. 1(1), asymptotic expansion of a ratio of gamma functions.
    """
    far = x > 10.0
    r = 1.0 / jnp.where(far, x, 10.0)
    s = r * r
    series = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)
    near = jnp.where(far, 10.0, x)
    exact = gammaln(near + 0.5) - gammaln(near) - 0.5 * jnp.log(near)
    return jnp.where(far, r * _polynomial(s, series), exact)


def stirling_error(x: Array) -> Array:
    """``lgamma(x + 1)`` less Stirling's approximation ``(x + 1/2) * log(x) - x + log(2 * pi) / 2``, for ``x > 0``.

    Source: Loader (2000), Fast and accurate computation of binomial probabilities, eq. (4).
    """
    far = x > 10.0
    r = 1.0 / jnp.where(far, x, 10.0)
    series = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    near = jnp.where(far, 10.0, x)
    exact = gammaln(near + 1.0) - (near + 0.5) * jnp.log(near) + near - _HALF_LOG_TWO_PI
    return jnp.where(far, r * _polynomial(r * r, series), exact)


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    total = jnp.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def poisson_log_mass(k: Array, rate: Array, log_rate: Array) -> Array:
    """``k * log_rate - rate - lgamma(k + 1)`` for ``k > 0``, without the cancellation of large terms.

    Args:
        k: positive, not necessarily an integer.
        rate: nonnegative.
        log_rate: its logarithm, which the caller may know also where ``rate`` underflows.

    Source: Loader (2000), Fast and accurate computation of binomial probabilities, section 3.
    """
    excess = (rate - k) / k
    near = jnp.abs(excess) < 0.5
    log_ratio = jnp.where(near, jnp.log1p(jnp.where(near, excess, 0.0)), log_rate - jnp.log(k))
    return -k * (excess - log_ratio) - stirling_error(k) - 0.5 * jnp.log(k) - _HALF_LOG_TWO_PI


def binomial_log_mass(successes: Array, failures: Array, logits: Array) -> Array:
    """``log(choose(n, k)) + k * log(p) + (n - k) * log(1 - p)`` for ``0 < k < n``, without cancellation of large terms.

    The mass is that at the most probable ``p = k / n``, whose logarithm Stirling's series gives, times the exponential
    of ``-n`` times a divergence, which is computed from the difference of the log odds.

    Args:
        successes: ``k``, positive, not necessarily an integer.
        failures: ``n - k``, positive.
        logits: ``log(p / (1 - p))``.

    Source: Loader (2000), Fast and accurate computation of binomial probabilities, eq. (5), in log odds.
    """
    n = successes + failures
    shift = logits - (jnp.log(successes) - jnp.log(failures))
    up = shift > 0
    weight, rest = jnp.where(up, failures, successes) / n, jnp.where(up, successes, failures) / n
    distance = jnp.abs(shift)  # so that no exponential overflows
    near = weight * -jnp.expm1(-distance) < 0.5
    log_mean = jnp.where(
        near,
        jnp.log1p(jnp.where(near, weight * jnp.expm1(-distance), 0.0)),
        jnp.log(jnp.where(near, 1.0, rest + weight * jnp.exp(-distance))),
    )
    peak = stirling_error(n) - stirling_error(successes) - stirling_error(failures)
    spread = 0.5 * (jnp.log(n) - jnp.log(successes) - jnp.log(failures)) - _HALF_LOG_TWO_PI
    return peak + spread - n * (log_mean + weight * distance)
