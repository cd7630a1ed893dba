"""The Categorical law over one-hot vectors, by probabilities or by logits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..ops.arrays import shape_of
from ..ops.kernel import kernel
from . import constraints
from .alternatives import Alternatives, one_of, softmax
from .base import Distribution, Shape
from .categorical import _kl, check_categories
from .constraints.vector import log_weights
from .kl import register_kl

__all__ = ["OneHotCategorical", "OneHotCategoricalLogits", "OneHotCategoricalProbs"]


@kernel
def _probs_log_prob(value: Array, probs: Array) -> Array:
    chosen = jnp.sum(jnp.where(jnp.not_equal(value, 0), probs, 0.0), axis=-1)
    return jnp.log(chosen)


@kernel
def _logits_log_prob(value: Array, logits: Array) -> Array:
    logits = jnp.asarray(logits, jnp.result_type(float, logits))
    return jnp.sum(jnp.where(jnp.not_equal(value, 0), jax.nn.log_softmax(logits, axis=-1), 0.0), axis=-1)


@kernel(static=("shape",))
def _sample(key: Array, logits: Array, shape: Shape) -> Array:
    index = jax.random.categorical(key, logits, axis=-1, shape=shape)
    return jax.nn.one_hot(index, shape_of(logits)[-1], dtype=jnp.result_type(int))


@kernel
def _entropy(probs: Array) -> Array:
    return jnp.sum(jax.scipy.special.entr(probs), axis=-1)


class OneHotCategorical(Distribution, metaclass=Alternatives):
    """Law of vectors with a single 1, which stands at ``k`` with probability ``probs[..., k]``.

    Args:
        probs: probabilities along the last dim, a simplex.
        logits: their logarithms up to a constant, any real; give one of the two.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Example:
        >>> law = OneHotCategorical(probs=jnp.array([0.25, 0.75]))
        >>> round(float(law.log_prob(jnp.array([1, 0]))), 4)
        -1.3863
    """

    support = constraints.one_hot
    has_enumerate_support = True

    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        probs: ArrayLike | None = None, logits: ArrayLike | None = None, *, validate_args: bool | None = None
    ) -> OneHotCategorical:
        name, weights = one_of("OneHotCategorical", probs, logits)
        if name == "probs":
            return OneHotCategoricalProbs(weights, validate_args=validate_args)
        return OneHotCategoricalLogits(weights, validate_args=validate_args)

    def _infer_event_shape(self) -> Shape:
        return shape_of(next(iter(self.get_args().values())))[-1:]

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.logits, shape=shape)

    @property
    def mean(self) -> Array:
        return self._spread(self.probs)

    @property
    def variance(self) -> Array:
        return self._spread(self.probs * (1.0 - self.probs))

    @property
    def mode(self) -> Array:
        return jax.nn.one_hot(jnp.argmax(self.logits, axis=-1), self.event_shape[0], dtype=jnp.result_type(int))

    def entropy(self) -> Array:
        return _entropy(self.probs)

    def enumerate_support(self, expand: bool = True) -> Array:
        return self._enumerated(jnp.eye(self.event_shape[0], dtype=jnp.result_type(int)), expand)


class OneHotCategoricalProbs(OneHotCategorical):
    """`OneHotCategorical` by ``probs``."""

    arg_constraints = {"probs": constraints.simplex}

    def __init__(self, probs: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, probs=check_categories("OneHotCategorical", "probs", probs))

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """Logarithms of the probabilities."""
        return jnp.log(self.probs)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.probs)


class OneHotCategoricalLogits(OneHotCategorical):
    """`OneHotCategorical` by ``logits``."""

    arg_constraints = {"logits": log_weights}

    def __init__(self, logits: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, logits=check_categories("OneHotCategorical", "logits", logits))

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probabilities."""
        return softmax(self.logits)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.logits)


@register_kl(OneHotCategorical, OneHotCategorical)
def _kl_one_hot_one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Array:
    return _kl(p.probs, p.logits, q.logits)
