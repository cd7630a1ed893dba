"""Mixtures of laws of one family."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..errors import ShapeError, SiteTypeError
from ..ops.arrays import broadcast_shapes, shape_of
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .categorical import Categorical
from .constraints import Constraint

__all__ = ["MixtureSameFamily"]


@kernel
def _mix(log_probs: Array, logits: Array) -> Array:
    return jax.nn.logsumexp(log_probs + jax.nn.log_softmax(logits, axis=-1), axis=-1)


@kernel(static=("event_dim",))
def _choose(draws: Array, index: Array, event_dim: int) -> Array:
    index = jnp.reshape(index, (*index.shape, 1, *(1,) * event_dim))
    return jnp.take_along_axis(draws, index, axis=-1 - event_dim).squeeze(-1 - event_dim)


@kernel(static=("event_dim",))
def _average(weights: Array, values: Array, event_dim: int) -> Array:
    weights = jnp.reshape(weights, (*weights.shape, *(1,) * event_dim))
    return jnp.sum(weights * values, axis=-1 - event_dim)


class MixtureSameFamily(Distribution):
    """Mixture: the component is drawn first, its index then forgotten.

    Args:
        mixing_distribution: Categorical law of the component.
        component_distribution: law whose last batch dim runs over the components.

    Raises:
        SiteTypeError: ``mixing_distribution`` is not Categorical.
        ShapeError: the number of categories is not the last batch dim of the components.

    Source: McLachlan and Peel (2000), Finite Mixture Models, section 1.4.

    Example:
        >>> from twofold_jax.distributions import Normal
        >>> law = MixtureSameFamily(Categorical(logits=jnp.zeros(2)), Normal(jnp.array([-1.0, 1.0]), 1.0))
        >>> round(float(law.log_prob(0.0)), 4)
        -1.4189
    """

    pytree_data_fields = ("mixing_distribution", "component_distribution")
    mixing_distribution: Categorical
    component_distribution: Distribution

    def __init__(
        self,
        mixing_distribution: Categorical,
        component_distribution: Distribution,
        *,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(_innermost(mixing_distribution), Categorical):
            raise SiteTypeError(
                "MixtureSameFamily mixes by a Categorical law",
                seen=type(mixing_distribution).__name__,
                expected="Categorical(probs=...) or Categorical(logits=...)",
            )
        self.mixing_distribution, self.component_distribution = mixing_distribution, component_distribution
        components = component_distribution.batch_shape[-1:]
        categories = _innermost(mixing_distribution).num_categories
        if components not in ((1,), (categories,)):
            raise ShapeError(
                "MixtureSameFamily needs one component per category",
                seen=f"components of batch shape {component_distribution.batch_shape}, {categories} categories",
                expected=f"a last batch dim of {categories}",
            )
        self._batch_shape = self._infer_batch_shape()
        self._validate_args = validate_args

    def _infer_batch_shape(self) -> Shape:
        shapes = (self.mixing_distribution.batch_shape, self.component_distribution.batch_shape[:-1])
        return broadcast_shapes(*shapes, what="the mixing law and the components of MixtureSameFamily")

    def _infer_event_shape(self) -> Shape:
        return self.component_distribution.event_shape

    @property
    def mixture_size(self) -> int:
        """Number of components."""
        return int(_innermost(self.mixing_distribution).num_categories)

    @property
    def support(self) -> Constraint | None:
        return _hull(self.component_distribution.support)

    @property
    def has_rsample(self) -> bool:
        return False

    def component_log_probs(self, value: ArrayLike) -> Array:
        """Log density of ``value`` under each component, along a new last dim, with the log weights added."""
        logits = self._logits
        return self._scores(value) + jax.nn.log_softmax(logits, axis=-1)

    @property
    def _logits(self) -> Array:
        logits = _innermost(self.mixing_distribution).logits
        return jnp.broadcast_to(logits, (*self.mixing_distribution.batch_shape, self.mixture_size))

    @property
    def _weights(self) -> Array:
        return jax.nn.softmax(self._logits, axis=-1)

    def _scores(self, value: ArrayLike) -> Array:
        shape = shape_of(value)
        cut = len(shape) - self.event_dim
        spread = jnp.reshape(value, (*shape[:cut], 1, *shape[cut:]))
        base = self.component_distribution
        # The value was checked against the support of the mixture; single components may exclude it.
        return base.log_prob(spread) if type(base).log_prob is not Distribution.log_prob else base._log_prob(spread)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _mix(self._scores(value), self._logits)

    def _sample(self, key: Array, shape: Shape) -> Array:
        index_key, draw_key = jax.random.split(key)
        index = self.mixing_distribution._sample(index_key, shape)
        draws = self.component_distribution._sample(draw_key, (*shape, self.mixture_size))
        return _choose(draws, index, event_dim=self.event_dim)

    @property
    def mean(self) -> Array:
        return self._spread(_average(self._weights, self.component_distribution.mean, event_dim=self.event_dim))

    @property
    def variance(self) -> Array:
        base = self.component_distribution
        square = _average(self._weights, base.variance + jnp.square(base.mean), event_dim=self.event_dim)
        return self._spread(square) - jnp.square(self.mean)

    def cdf(self, value: ArrayLike) -> Array:
        below = self.component_distribution.cdf(jnp.asarray(value)[..., None])
        return _average(self._weights, below, event_dim=0)


def _innermost(law: Any) -> Any:
    """The law inside expansions and the like."""
    while "base_dist" in law.__dict__:
        law = law.__dict__["base_dist"]
    return law


def _hull(support: Constraint | None) -> Constraint | None:
    """Smallest constraint of the same kind around the supports of all components."""
    if not isinstance(support, (constraints.interval, constraints.greater_than, constraints.less_than)):
        return support
    if not support.leaf_names:
        return support
    around = {"lower_bound": jnp.min, "upper_bound": jnp.max}
    bounds = [getattr(support, name) for name in support.leaf_names]
    if not any(shape_of(bound) for bound in bounds):
        return support
    pairs = zip(support.leaf_names, bounds, strict=True)
    hull = [around[name](bound, axis=-1) if shape_of(bound) else bound for name, bound in pairs]
    return type(support)(*hull)
