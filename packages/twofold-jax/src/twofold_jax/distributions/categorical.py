"""The Categorical law over indices, by probabilities or by logits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..errors import ShapeError
from ..ops.arrays import as_array_like, shape_of
from ..ops.kernel import kernel
from . import constraints
from .alternatives import Alternatives, one_of, softmax
from .base import Distribution, Shape
from .constraints import Constraint
from .constraints.vector import log_weights
from .kl import register_kl

__all__ = ["Categorical", "CategoricalLogits", "CategoricalProbs"]


def check_categories(law: str, name: str, weights: ArrayLike) -> ArrayLike:
    """``weights`` as an array-like with a last dim of categories.

    Raises:
        ShapeError: it has no dims.
    """
    weights = as_array_like(weights, f"argument {name!r} of {law}")
    if not shape_of(weights):
        raise ShapeError(
            f"argument {name!r} of {law} has no dim of categories",
            seen=shape_of(weights),
            expected="shape (..., number of categories)",
            suggestion="for two categories and one number use Bernoulli",
        )
    return weights


def pick(weights: Array, value: Array, outside: float) -> Array:
    """Entry ``value`` of the last dim of ``weights``; ``outside`` where there is none."""
    size = weights.shape[-1]
    index = jnp.asarray(value, jnp.int32)
    inside = (index >= 0) & (index < size)
    index = jnp.where(inside, index, 0)
    if weights.ndim == 1:
        return jnp.where(inside, weights[index], outside)
    batch = np.broadcast_shapes(index.shape, weights.shape[:-1])
    spread = jnp.broadcast_to(weights, (*batch, size))
    picked = jnp.take_along_axis(spread, jnp.broadcast_to(index, batch)[..., None], axis=-1)[..., 0]
    return jnp.where(inside, picked, outside)


@kernel
def _probs_log_prob(value: Array, probs: Array) -> Array:
    # The logarithm is taken after the choice, so that a probability of 0 elsewhere gives no infinite gradient.
    return jnp.log(pick(jnp.asarray(probs, jnp.result_type(float, probs)), value, 0.0))


@kernel
def _logits_log_prob(value: Array, logits: Array) -> Array:
    logits = jnp.asarray(logits, jnp.result_type(float, logits))
    return pick(jax.nn.log_softmax(logits, axis=-1), value, -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, logits: Array, shape: Shape) -> Array:
    return jax.random.categorical(key, logits, axis=-1, shape=shape).astype(jnp.result_type(int))


@kernel
def _entropy(probs: Array) -> Array:
    return jnp.sum(jax.scipy.special.entr(probs), axis=-1)


class Categorical(Distribution, metaclass=Alternatives):
    """Categorical law: index ``k`` with probability ``probs[..., k]``.

    Args:
        probs: probabilities along the last dim, a simplex.
        logits: their logarithms up to a constant, any real, ``-inf`` for an impossible index; give one of the two.

    Raises:
        SupportError: none of ``probs`` and ``logits`` is given, or both.

    Example:
        >>> round(float(Categorical(probs=np.array([0.25, 0.75])).log_prob(0)), 4)
        -1.3863
    """

    has_enumerate_support = True

    probs: Array
    logits: Array

    @staticmethod
    def _choose(
        probs: ArrayLike | None = None, logits: ArrayLike | None = None, *, validate_args: bool | None = None
    ) -> Categorical:
        name, weights = one_of("Categorical", probs, logits)
        if name == "probs":
            return CategoricalProbs(weights, validate_args=validate_args)
        return CategoricalLogits(weights, validate_args=validate_args)

    @property
    def num_categories(self) -> int:
        """Number of possible indices."""
        return shape_of(next(iter(self.get_args().values())))[-1]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Constraint:
        """The integers from 0 to the number of categories less one."""
        return constraints.integer_interval(0, self.num_categories - 1)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.logits, shape=shape)

    @property
    def mean(self) -> Array:
        """NaN: an index has no mean."""
        return jnp.full(self.batch_shape, jnp.nan)

    @property
    def variance(self) -> Array:
        """NaN: an index has no variance."""
        return jnp.full(self.batch_shape, jnp.nan)

    @property
    def mode(self) -> Array:
        return jnp.argmax(self.logits, axis=-1)

    def entropy(self) -> Array:
        return _entropy(self.probs)

    def enumerate_support(self, expand: bool = True) -> Array:
        return self._enumerated(jnp.arange(self.num_categories), expand)


class CategoricalProbs(Categorical):
    """`Categorical` by ``probs``."""

    arg_constraints = {"probs": constraints.simplex}

    def __init__(self, probs: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, probs=check_categories("Categorical", "probs", probs))

    @property
    def logits(self) -> Array:  # type: ignore[override]
        """Logarithms of the probabilities."""
        return jnp.log(self.probs)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _probs_log_prob(value, self.probs)


class CategoricalLogits(Categorical):
    """`Categorical` by ``logits``."""

    arg_constraints = {"logits": log_weights}

    def __init__(self, logits: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, logits=check_categories("Categorical", "logits", logits))

    @property
    def probs(self) -> Array:  # type: ignore[override]
        """Probabilities."""
        return softmax(self.logits)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _logits_log_prob(value, self.logits)


@kernel
def _kl(p_probs: Array, p_logits: Array, q_logits: Array) -> Array:
    possible = p_probs > 0  # an index that p never takes does not count, whatever q gives it
    p_logs, q_logs = (jax.nn.log_softmax(logits, axis=-1) for logits in (p_logits, q_logits))
    gap = jnp.where(possible, p_logs, 0.0) - jnp.where(possible, q_logs, 0.0)
    return jnp.sum(p_probs * gap, axis=-1)


@register_kl(Categorical, Categorical)
def _kl_categorical_categorical(p: Categorical, q: Categorical) -> Array:
    return _kl(p.probs, p.logits, q.logits)
