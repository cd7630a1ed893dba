"""The Multinomial law, by probabilities or by logits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln, xlogy
from jax.typing import ArrayLike

from ..ops.arrays import shape_of
from ..ops.kernel import kernel
from . import constraints
from .alternatives import Alternatives, one_of, softmax
from .base import Distribution, Shape
from .categorical import check_categories
from .constraints import Constraint
from .constraints.vector import log_weights

__all__ = ["Multinomial", "MultinomialLogits", "MultinomialProbs"]


def _log_ways(value: Array, total_count: Array, dtype: jnp.dtype) -> Array:
    counts = jnp.asarray(value, dtype)
    return gammaln(jnp.asarray(total_count, dtype) + 1.0) - jnp.sum(gammaln(counts + 1.0), axis=-1)


@kernel
def _probs_log_prob(value: Array, probs: Array, total_count: Array) -> Array:
    dtype = jnp.result_type(float, probs)
    chosen = jnp.where(jnp.equal(value, 0), 1.0, probs)
    return _log_ways(value, total_count, dtype) + jnp.sum(xlogy(jnp.asarray(value, dtype), chosen), axis=-1)


@kernel
def _logits_log_prob(value: Array, logits: Array, total_count: Array) -> Array:
    dtype = jnp.result_type(float, logits)
    log_probs = jnp.where(jnp.equal(value, 0), 0.0, jax.nn.log_softmax(jnp.asarray(logits, dtype), axis=-1))
    return _log_ways(value, total_count, dtype) + jnp.sum(jnp.asarray(value, dtype) * log_probs, axis=-1)


@kernel(static=("shape",))
def _sample(key: Array, probs: Array, total_count: Array, shape: Shape) -> Array:
    p = jnp.asarray(probs, jnp.result_type(float, probs))
    n = jnp.broadcast_to(jnp.asarray(total_count, p.dtype), shape)
    spread = jnp.broadcast_to(p, (*shape, p.shape[-1]))
    draws: Array = jax.random.multinomial(key, n, spread, shape=spread.shape)
    return draws.astype(jnp.result_type(int))


class Multinomial(Distribution, metaclass=Alternatives):
    """Multinomial law: how often each category occurs in ``total_count`` draws.

    Args:
        total_count: number of draws, a nonnegative integer, of batch shape.  Default 1.
        probs: probabilities along the last dim, a simplex.
        logits: their logarithms up to a constant, any real; give one of the two.
        total_count_max: accepted for programs that give it; draws do not need it.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Source: Johnson, Kotz and Balakrishnan (1997), Discrete Multivariate Distributions, ch. 35.

    Example:
        >>> law = Multinomial(2, probs=jnp.array([0.5, 0.5]))
        >>> round(float(law.log_prob(jnp.array([1, 1]))), 4)
        -0.6931
    """

    total_count: Array
    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        total_count: ArrayLike = 1,
        probs: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        *,
        total_count_max: int | None = None,
        validate_args: bool | None = None,
    ) -> Multinomial:
        name, weights = one_of("Multinomial", probs, logits)
        if name == "probs":
            return MultinomialProbs(weights, total_count, validate_args=validate_args)
        return MultinomialLogits(weights, total_count, validate_args=validate_args)

    def _infer_event_shape(self) -> Shape:
        return shape_of(next(iter(self.get_args().values())))[-1:]

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Constraint:
        """Counts that sum to ``total_count``."""
        return constraints.multinomial(self.total_count)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.probs, self.total_count, shape=shape)

    @property
    def mean(self) -> Array:
        return self._spread(self.probs * jnp.asarray(self.total_count)[..., None])

    @property
    def variance(self) -> Array:
        return self._spread(self.probs * (1.0 - self.probs) * jnp.asarray(self.total_count)[..., None])


class MultinomialProbs(Multinomial):
    """`Multinomial` by ``probs``."""

    arg_constraints = {"probs": constraints.simplex, "total_count": constraints.nonnegative_integer}

    def __init__(
        self,
        probs: ArrayLike,
        total_count: ArrayLike = 1,
        *,
        total_count_max: int | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set(validate_args, probs=check_categories("Multinomial", "probs", probs), total_count=total_count)

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """Logarithms of the probabilities."""
        return jnp.log(self.probs)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.probs, self.total_count)


class MultinomialLogits(Multinomial):
    """`Multinomial` by ``logits``."""

    arg_constraints = {"logits": log_weights, "total_count": constraints.nonnegative_integer}

    def __init__(
        self,
        logits: ArrayLike,
        total_count: ArrayLike = 1,
        *,
        total_count_max: int | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set(validate_args, logits=check_categories("Multinomial", "logits", logits), total_count=total_count)

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probabilities."""
        return softmax(self.logits)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.logits, self.total_count)
