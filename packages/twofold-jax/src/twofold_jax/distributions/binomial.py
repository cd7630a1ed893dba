"""The Binomial law, by probability or by logit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..ops.arrays import is_concrete
from ..ops.kernel import kernel
from ..ops.special import binomial_log_mass, logit
from . import constraints
from .alternatives import Alternatives, one_of, sigmoid
from .base import Distribution, Shape
from .constraints import Constraint

__all__ = ["Binomial", "BinomialLogits", "BinomialProbs"]


def count_log_mass(successes: Array, failures: Array, logits: Array, log_p: Array, log_q: Array) -> Array:
    """Log mass of counts; exact where one of them is 0, and ``-inf`` where one is negative."""
    k, rest, logits = jnp.broadcast_arrays(
        jnp.asarray(successes, logits.dtype), jnp.asarray(failures, logits.dtype), logits
    )
    inner = (k > 0) & (rest > 0)
    mass = binomial_log_mass(jnp.where(inner, k, 1.0), jnp.where(inner, rest, 1.0), jnp.where(inner, logits, 0.0))
    none, every = (k == 0) & (rest > 0), (k > 0) & (rest == 0)
    at_none, at_every = rest * jnp.where(none, log_q, 0.0), k * jnp.where(every, log_p, 0.0)
    edge = jnp.where(none, at_none, jnp.where(every, at_every, -jnp.inf))
    return jnp.where(inner, mass, jnp.where((k == 0) & (rest == 0), 0.0, edge))


@kernel
def _probs_log_prob(value: Array, probs: Array, total_count: Array) -> Array:
    p = jnp.asarray(probs, jnp.result_type(float, probs))
    none, every = jnp.equal(value, 0), jnp.equal(value, total_count)
    log_p = jnp.log(jnp.where(none, 1.0, p))  # a factor with exponent 0 does not count, in gradients neither
    log_q = jnp.log1p(-jnp.where(every, 0.0, p))
    return count_log_mass(value, total_count - value, log_p - log_q, log_p, log_q)


@kernel
def _logits_log_prob(value: Array, logits: Array, total_count: Array) -> Array:
    logits = jnp.asarray(logits, jnp.result_type(float, logits))
    return count_log_mass(value, total_count - value, logits, -jax.nn.softplus(-logits), -jax.nn.softplus(logits))


@kernel(static=("shape",))
def _sample(key: Array, probs: Array, total_count: Array, shape: Shape) -> Array:
    p = jnp.asarray(probs, jnp.result_type(float, probs))
    draws = jax.random.binomial(key, jnp.asarray(total_count, p.dtype), jnp.clip(p, 0.0, 1.0), shape)
    draws = jnp.where(p <= 0, 0.0, jnp.where(p >= 1, total_count, draws))
    return draws.astype(jnp.result_type(int))


class Binomial(Distribution, metaclass=Alternatives):
    """Binomial law: number of successes in ``total_count`` trials.

    The probability of ``k`` is ``choose(total_count, k) * probs**k * (1 - probs)**(total_count - k)``.

    Args:
        total_count: number of trials, a nonnegative integer.  Default 1.
        probs: probability of success, between 0 and 1.
        logits: ``log(probs / (1 - probs))``, any real; give one of the two.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Source: Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, ch. 3; computed as in Loader (2000),
    Fast and accurate computation of binomial probabilities.

    Example:
        >>> round(float(Binomial(2, probs=0.5).log_prob(1)), 4)
        -0.6931
    """

    has_enumerate_support = True

    total_count: Array
    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        total_count: ArrayLike = 1,
        probs: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        *,
        validate_args: bool | None = None,
    ) -> Binomial:
        name, weights = one_of("Binomial", probs, logits)
        if name == "probs":
            return BinomialProbs(weights, total_count, validate_args=validate_args)
        return BinomialLogits(weights, total_count, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Constraint:
        """The integers from 0 to ``total_count``."""
        return constraints.integer_interval(0, self.total_count)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.probs, self.total_count, shape=shape)

    @property
    def mean(self) -> Array:
        return self._spread(self.total_count * self.probs)

    @property
    def variance(self) -> Array:
        return self._spread(self.total_count * self.probs * (1.0 - self.probs))

    @property
    def mode(self) -> Array:
        return self._spread(jnp.minimum(jnp.floor((self.total_count + 1) * self.probs), self.total_count))

    def enumerate_support(self, expand: bool = True) -> Array:
        counts = np.unique(np.asarray(self.total_count)) if is_concrete(self.total_count) else np.zeros(0)
        if counts.size != 1:
            self._lacks("enumeration of its values: total_count must be one number that is known when tracing")
        return self._enumerated(jnp.arange(int(counts[0]) + 1), expand)


class BinomialProbs(Binomial):
    """`Binomial` by ``probs``."""

    arg_constraints = {"probs": constraints.unit_interval, "total_count": constraints.nonnegative_integer}

    def __init__(self, probs: ArrayLike, total_count: ArrayLike = 1, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, probs=probs, total_count=total_count)

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """``log(probs / (1 - probs))``."""
        return logit(self.probs)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.probs, self.total_count)


class BinomialLogits(Binomial):
    """`Binomial` by ``logits``."""

    arg_constraints = {"logits": constraints.real, "total_count": constraints.nonnegative_integer}

    def __init__(self, logits: ArrayLike, total_count: ArrayLike = 1, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, logits=logits, total_count=total_count)

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probability of success."""
        return sigmoid(self.logits)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.logits, self.total_count)
