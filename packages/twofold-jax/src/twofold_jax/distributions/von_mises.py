"""The von Mises law on the circle."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.special import i0e, i1e
from jax.typing import ArrayLike

from ..ops.arrays import finfo
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape

__all__ = ["VonMises"]


@kernel
def _log_prob(value: Array, loc: Array, concentration: Array) -> Array:
    fall = -2.0 * jnp.square(jnp.sin(0.5 * (value - loc)))  # cos(...) - 1 without cancellation
    return concentration * fall - math.log(2.0 * math.pi) - jnp.log(i0e(concentration))


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, concentration: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, loc, concentration)
    kappa = jnp.maximum(jnp.broadcast_to(jnp.asarray(concentration, dtype), shape), 1e-12)
    circle_key, normal_key = jax.random.split(key)
    near_normal = kappa > 1e4  # where the law of the angle is Normal to four digits, and rejection loses its own
    normal = jax.random.normal(normal_key, shape, dtype) / jnp.sqrt(kappa)
    angle = jnp.where(near_normal, normal, _reject(circle_key, jnp.minimum(kappa, 1e4)))
    return jnp.mod(angle + loc + math.pi, 2.0 * math.pi) - math.pi


def _reject(key: Array, kappa: Array) -> Array:
    """Angles by rejection from a wrapped Cauchy law; NaN where ``kappa`` is NaN.

    Source: Best and Fisher (1979), Applied Statistics 28(2).
    """
    shape, dtype = kappa.shape, kappa.dtype
    small = kappa < 2e-2
    tau = 1.0 + jnp.sqrt(1.0 + 4.0 * jnp.square(kappa))
    rho = (tau - jnp.sqrt(2.0 * tau)) / (2.0 * jnp.where(small, 1.0, kappa))
    r = jnp.where(small, 1.0 / kappa, (1.0 + jnp.square(rho)) / (2.0 * rho))  # the first is the limit of the second

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return jnp.any(~state[2])

    def attempt(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, angle, done = state
        key, angle_key, accept_key, sign_key = jax.random.split(key, 4)
        z = jnp.cos(math.pi * jax.random.uniform(angle_key, shape, dtype))
        f = jnp.clip((1.0 + r * z) / (r + z), -1.0, 1.0)
        c = kappa * (r - f)
        u = jax.random.uniform(accept_key, shape, dtype, minval=finfo(dtype).tiny)
        accepted = (c * (2.0 - c) > u) | (jnp.log(c / u) + 1.0 >= c)
        sign = jnp.where(jax.random.bernoulli(sign_key, 0.5, shape), 1.0, -1.0).astype(dtype)
        return key, jnp.where(done, angle, sign * jnp.arccos(f)), done | accepted

    start = (key, jnp.where(jnp.isnan(kappa), jnp.nan, 0.0), jnp.isnan(kappa))
    return lax.while_loop(unfinished, attempt, start)[1]


class VonMises(Distribution):
    """Von Mises law of angles: density ``exp(concentration * cos(x - loc)) / (2 * pi * I0(concentration))``.

    Args:
        loc: mean direction, any real; taken modulo ``2 * pi``.
        concentration: positive; the inverse variance where it is large.

    Source: Mardia and Jupp (2000), Directional Statistics, section 3.5.4.

    Example:
        >>> round(float(VonMises(0.0, 1.0).log_prob(0.0)), 4)
        -1.0738
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.circular
    reparametrized_params = ("loc",)

    loc: Array
    concentration: Array

    def __init__(self, loc: ArrayLike, concentration: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, concentration=concentration)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.loc, lax.stop_gradient(self.concentration), shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.loc, self.concentration)

    @property
    def mean(self) -> Array:
        """Mean direction."""
        return self._spread(jnp.mod(self.loc + math.pi, 2.0 * math.pi) - math.pi)

    @property
    def variance(self) -> Array:
        """Circular variance, ``1 - I1(concentration) / I0(concentration)``."""
        return self._spread(1.0 - i1e(self.concentration) / i0e(self.concentration))

    @property
    def mode(self) -> Array:
        return self.mean
