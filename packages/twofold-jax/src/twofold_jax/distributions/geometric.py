"""The Geometric law, by probability or by logit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import xlog1py
from jax.typing import ArrayLike

from ..ops.kernel import kernel
from ..ops.special import logit
from . import constraints
from .alternatives import Alternatives, one_of, sigmoid
from .base import Distribution, Shape

__all__ = ["Geometric", "GeometricLogits", "GeometricProbs"]


@kernel
def _probs_log_prob(value: Array, probs: Array) -> Array:
    some = jnp.greater(value, 0)
    failures = jnp.where(some, value * jnp.log1p(-jnp.where(some, probs, 0.0)), 0.0)
    return jnp.where(jnp.greater_equal(value, 0), failures + jnp.log(probs), -jnp.inf)


@kernel
def _logits_log_prob(value: Array, logits: Array) -> Array:
    density = -value * jax.nn.softplus(logits) - jax.nn.softplus(-logits)
    return jnp.where(jnp.greater_equal(value, 0), density, -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, probs: Array, shape: Shape) -> Array:
    p = jnp.asarray(probs, jnp.result_type(float, probs))
    count = jnp.floor(jax.random.exponential(key, shape, p.dtype) / -jnp.log1p(-p))
    largest = np.iinfo(jnp.result_type(int)).max
    return jnp.where(count < largest, count, largest).astype(jnp.result_type(int))


@kernel
def _entropy(probs: Array) -> Array:
    return -(xlog1py(1.0 - probs, -probs) / probs + jnp.log(probs))


class Geometric(Distribution, metaclass=Alternatives):
    """Geometric law: number of failures before the first success; ``k`` has probability ``(1 - probs)**k * probs``.

    Args:
        probs: probability of success, above 0 and at most 1.
        logits: ``log(probs / (1 - probs))``, any real; give one of the two.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Source: Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, ch. 5.

    Example:
        >>> round(float(Geometric(probs=0.5).log_prob(1)), 4)
        -1.3863
    """

    support = constraints.nonnegative_integer

    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        probs: ArrayLike | None = None, logits: ArrayLike | None = None, *, validate_args: bool | None = None
    ) -> Geometric:
        name, weights = one_of("Geometric", probs, logits)
        if name == "probs":
            return GeometricProbs(weights, validate_args=validate_args)
        return GeometricLogits(weights, validate_args=validate_args)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.probs, shape=shape)

    @property
    def mean(self) -> Array:
        return self._spread((1.0 - self.probs) / self.probs)

    @property
    def variance(self) -> Array:
        return self._spread((1.0 - self.probs) / jnp.square(self.probs))

    @property
    def mode(self) -> Array:
        return jnp.zeros(self.batch_shape, jnp.result_type(int))

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        k = jnp.floor(value)
        return jnp.where(k >= 0, -jnp.expm1(xlog1py(jnp.maximum(k, 0.0) + 1.0, -self.probs)), 0.0)

    def entropy(self) -> Array:
        return self._spread(_entropy(self.probs))


class GeometricProbs(Geometric):
    """`Geometric` by ``probs``."""

    arg_constraints = {"probs": constraints.unit_interval}

    def __init__(self, probs: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, probs=probs)

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """``log(probs / (1 - probs))``."""
        return logit(self.probs)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.probs)


class GeometricLogits(Geometric):
    """`Geometric` by ``logits``."""

    arg_constraints = {"logits": constraints.real}

    def __init__(self, logits: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, logits=logits)

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probability of success."""
        return sigmoid(self.logits)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.logits)
