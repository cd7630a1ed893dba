"""The Bernoulli law, by probability or by logit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import logit
from . import constraints
from .alternatives import Alternatives, one_of, sigmoid, softplus
from .base import Distribution, Shape
from .kl import register_kl

__all__ = ["Bernoulli", "BernoulliLogits", "BernoulliProbs"]


class Bernoulli(Distribution, metaclass=Alternatives):
    """Bernoulli law: 1 with probability ``probs``, otherwise 0.

    Args:
        probs: probability of 1, between 0 and 1.
        logits: ``log(probs / (1 - probs))``, any real; give one of the two.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Source: Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, ch. 3.

    Example:
        >>> round(float(Bernoulli(probs=0.25).log_prob(1)), 4)
        -1.3863
    """

    support = constraints.boolean
    has_enumerate_support = True

    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        probs: ArrayLike | None = None, logits: ArrayLike | None = None, *, validate_args: bool | None = None
    ) -> Bernoulli:
        name, weights = one_of("Bernoulli", probs, logits)
        if name == "probs":
            return BernoulliProbs(weights, validate_args=validate_args)
        return BernoulliLogits(weights, validate_args=validate_args)

    @property
    def mean(self) -> Array:
        return self._spread(self.probs)

    @property
    def variance(self) -> Array:
        return self._spread(self.probs * (1.0 - self.probs))

    @property
    def mode(self) -> Array:
        return self._spread(jnp.where(self.probs > 0.5, 1, 0))

    def enumerate_support(self, expand: bool = True) -> Array:
        return self._enumerated(jnp.arange(2), expand)


@kernel
def _probs_log_prob(value: Array, probs: Array) -> Array:
    one = jnp.not_equal(value, 0)  # each logarithm sees a harmless number where the other one counts
    return jnp.where(one, jnp.log(jnp.where(one, probs, 1.0)), jnp.log1p(-jnp.where(one, 0.0, probs)))


@kernel(static=("shape",))
def _sample(key: Array, probs: Array, shape: Shape) -> Array:
    return jax.random.bernoulli(key, probs, shape).astype(jnp.result_type(int))


@kernel
def _probs_entropy(probs: Array) -> Array:
    return jax.scipy.special.entr(probs) + jax.scipy.special.entr(1.0 - probs)


class BernoulliProbs(Bernoulli):
    """`Bernoulli` by ``probs``."""

    arg_constraints = {"probs": constraints.unit_interval}

    def __init__(self, probs: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, probs=probs)

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """``log(probs / (1 - probs))``."""
        return logit(self.probs)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.probs, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.probs)

    def entropy(self) -> Array:
        return self._spread(_probs_entropy(self.probs))


@kernel
def _logits_log_prob(value: Array, logits: Array) -> Array:
    return -jax.nn.softplus(jnp.where(jnp.not_equal(value, 0), -logits, logits))


@kernel
def _logits_entropy(logits: Array) -> Array:
    return jax.nn.softplus(-jnp.abs(logits)) + jnp.abs(logits) * jax.nn.sigmoid(-jnp.abs(logits))


class BernoulliLogits(Bernoulli):
    """`Bernoulli` by ``logits``."""

    arg_constraints = {"logits": constraints.real}

    def __init__(self, logits: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, logits=logits)

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probability of 1."""
        return sigmoid(self.logits)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.probs, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.logits)

    def entropy(self) -> Array:
        return self._spread(_logits_entropy(self.logits))


def _logs(law: Bernoulli) -> tuple[Array, Array]:
    """Logarithms of the probabilities of 1 and 0."""
    if isinstance(law, BernoulliProbs):
        return jnp.log(law.probs), jnp.log1p(-law.probs)
    return -softplus(-law.logits), -softplus(law.logits)


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(p: Bernoulli, q: Bernoulli) -> Array:
    (p_one, p_zero), (q_one, q_zero) = _logs(p), _logs(q)
    probability = p.probs
    one = jnp.where(probability > 0, probability * (p_one - q_one), 0.0)
    zero = jnp.where(probability < 1, (1.0 - probability) * (p_zero - q_zero), 0.0)
    return one + zero
