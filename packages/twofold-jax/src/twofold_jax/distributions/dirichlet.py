"""The Dirichlet law on the simplex."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma, gammaln
from jax.typing import ArrayLike

from ..ops.arrays import finfo, shape_of
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .categorical import check_categories
from .kl import register_kl

__all__ = ["Dirichlet"]


def log_norm(concentration: Array) -> Array:
    """Logarithm of the integral of ``prod(x**(concentration - 1))`` over the simplex."""
    return jnp.sum(gammaln(concentration), axis=-1) - gammaln(jnp.sum(concentration, axis=-1))


@kernel
def _log_prob(value: Array, concentration: Array) -> Array:
    a = jnp.asarray(concentration, jnp.result_type(float, concentration))
    inside = jnp.greater(value, 0)
    powers = (a - 1.0) * jnp.log(jnp.where(inside, value, 1.0))
    at_edge = jnp.where(a == 1, 0.0, jnp.where(a < 1, jnp.inf, -jnp.inf))
    return jnp.sum(jnp.where(inside, powers, at_edge), axis=-1) - log_norm(a)


@kernel(static=("shape",))
def _sample(key: Array, concentration: Array, shape: Shape) -> Array:
    a = jnp.asarray(concentration, jnp.result_type(float, concentration))
    draws = jax.random.dirichlet(key, a, shape, a.dtype)
    return jnp.maximum(draws, finfo(a.dtype).tiny)  # small concentrations underflow to the edge


@kernel
def _entropy(concentration: Array) -> Array:
    a = jnp.asarray(concentration, jnp.result_type(float, concentration))
    total = jnp.sum(a, axis=-1)
    spread = (total - a.shape[-1]) * digamma(total) - jnp.sum((a - 1.0) * digamma(a), axis=-1)
    return log_norm(a) + spread


class Dirichlet(Distribution):
    """Dirichlet law: density proportional to ``prod(x**(concentration - 1))`` over the simplex.

    Args:
        concentration: positive, with a last dim of categories.

    Source: Kotz, Balakrishnan and Johnson (2000), Continuous Multivariate Distributions 1, ch. 49.

    Example:
        >>> law = Dirichlet(jnp.ones(3))
        >>> round(float(law.log_prob(jnp.full(3, 1 / 3))), 4)
        0.6931
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    reparametrized_params = ("concentration",)

    concentration: Array

    def __init__(self, concentration: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=check_categories("Dirichlet", "concentration", concentration))

    def _infer_event_shape(self) -> Shape:
        return shape_of(self.concentration)[-1:]

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.concentration, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.concentration)

    @property
    def mean(self) -> Array:
        return self._spread(self.concentration / jnp.sum(self.concentration, axis=-1, keepdims=True))

    @property
    def variance(self) -> Array:
        total = jnp.sum(self.concentration, axis=-1, keepdims=True)
        return self._spread(self.mean * (1.0 - self.mean) / (total + 1.0))

    def entropy(self) -> Array:
        return _entropy(self.concentration)


@kernel
def _kl(p_concentration: Array, q_concentration: Array) -> Array:
    a, b = jnp.broadcast_arrays(p_concentration, q_concentration)
    expected_log = digamma(a) - digamma(jnp.sum(a, axis=-1, keepdims=True))
    return log_norm(b) - log_norm(a) + jnp.sum((a - b) * expected_log, axis=-1)


@register_kl(Dirichlet, Dirichlet)
def _kl_dirichlet_dirichlet(p: Dirichlet, q: Dirichlet) -> Array:
    return _kl(p.concentration, q.concentration)
