"""The NegativeBinomial law, by probability or by logit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import logit
from . import constraints
from .alternatives import Alternatives, one_of, sigmoid
from .base import Distribution, Shape
from .binomial import count_log_mass

__all__ = ["NegativeBinomial", "NegativeBinomialLogits", "NegativeBinomialProbs"]


def _mass(k: Array, total_count: Array, logits: Array, log_p: Array, log_q: Array) -> Array:
    r = jnp.asarray(total_count, logits.dtype)
    n = k + r
    inside = jnp.greater_equal(k, 0)
    mass = jnp.log(r) - jnp.log(jnp.where(inside, n, 1.0)) + count_log_mass(k, r, logits, log_p, log_q)
    return jnp.where(inside, mass, -jnp.inf)


@kernel
def _probs_log_prob(value: Array, total_count: Array, probs: Array) -> Array:
    p = jnp.asarray(probs, jnp.result_type(float, probs, total_count))
    log_p, log_q = jnp.log(jnp.where(jnp.equal(value, 0), 1.0, p)), jnp.log1p(-p)
    return _mass(value, total_count, log_p - log_q, log_p, log_q)


@kernel
def _logits_log_prob(value: Array, total_count: Array, logits: Array) -> Array:
    logits = jnp.asarray(logits, jnp.result_type(float, logits, total_count))
    return _mass(value, total_count, logits, -jax.nn.softplus(-logits), -jax.nn.softplus(logits))


@kernel(static=("shape",))
def _sample(key: Array, total_count: Array, logits: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, total_count, logits)
    gamma_key, poisson_key = jax.random.split(key)
    log_gamma = jax.random.loggamma(gamma_key, jnp.asarray(total_count, dtype), shape, dtype)
    return jax.random.poisson(poisson_key, jnp.exp(log_gamma + logits), shape, jnp.result_type(int))


class NegativeBinomial(Distribution, metaclass=Alternatives):
    """NegativeBinomial law: number of successes before the failure number ``total_count``.

    The probability of ``k`` is ``choose(k + total_count - 1, k) * probs**k * (1 - probs)**total_count``; its mean is
    ``total_count * probs / (1 - probs)``.

    Args:
        total_count: number of failures, positive, not necessarily an integer.
        probs: probability of success, at least 0 and below 1.
        logits: ``log(probs / (1 - probs))``, any real; give one of the two.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Source: Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, ch. 5.

    Example:
        >>> round(float(NegativeBinomial(2.0, probs=0.5).log_prob(0)), 4)
        -1.3863
    """

    support = constraints.nonnegative_integer

    total_count: Array
    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        total_count: ArrayLike,
        probs: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        *,
        validate_args: bool | None = None,
    ) -> NegativeBinomial:
        name, weights = one_of("NegativeBinomial", probs, logits)
        if name == "probs":
            return NegativeBinomialProbs(total_count, weights, validate_args=validate_args)
        return NegativeBinomialLogits(total_count, weights, validate_args=validate_args)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.total_count, self.logits, shape=shape)

    @property
    def mean(self) -> Array:
        return self._spread(self.total_count * jnp.exp(self.logits))

    @property
    def variance(self) -> Array:
        return self._spread(self.mean * (1.0 + jnp.exp(self.logits)))


class NegativeBinomialProbs(NegativeBinomial):
    """`NegativeBinomial` by ``probs``."""

    arg_constraints = {"total_count": constraints.positive, "probs": constraints.unit_interval}

    def __init__(self, total_count: ArrayLike, probs: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, total_count=total_count, probs=probs)

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """``log(probs / (1 - probs))``."""
        return logit(self.probs)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.total_count, self.probs)


class NegativeBinomialLogits(NegativeBinomial):
    """`NegativeBinomial` by ``logits``."""

    arg_constraints = {"total_count": constraints.positive, "logits": constraints.real}

    def __init__(self, total_count: ArrayLike, logits: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, total_count=total_count, logits=logits)

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probability of success."""
        return sigmoid(self.logits)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.total_count, self.logits)
