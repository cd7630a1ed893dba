"""Laws made from one other law: reinterpreted, expanded, masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from ..errors import ShapeError, SupportError
from ..ops.arrays import as_array_like, broadcast_shapes, is_concrete, shape_of
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .constraints import Constraint

__all__ = ["ExpandedDistribution", "Independent", "MaskedDistribution"]


@kernel(static=("ndims",))
def _sum_rightmost(x: Array, ndims: int) -> Array:
    return jnp.sum(x, axis=tuple(range(-ndims, 0)))


class _Wrapper(Distribution):
    """What Independent, Expanded and Masked share: the base law answers, the wrapper reshapes."""

    pytree_data_fields = ("base_dist",)
    base_dist: Distribution

    @property
    def support(self) -> Constraint | None:
        return self.base_dist.support

    @property
    def has_rsample(self) -> bool:
        return self.base_dist.has_rsample

    @property
    def _is_random(self) -> bool:
        return self.base_dist._is_random

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_enumerate_support

    @property
    def reparametrized_params(self) -> Sequence[str]:  # type: ignore[override]
        return self.base_dist.reparametrized_params

    def _sample(self, key: Array, shape: Shape) -> Array:
        return self.base_dist._sample(key, shape)

    def _sample_with_intermediates(self, key: Array, shape: Shape) -> tuple[Array, list[Any]]:
        return self.base_dist._sample_with_intermediates(key, shape)

    @property
    def mean(self) -> Array:
        return self._spread(self.base_dist.mean)

    @property
    def variance(self) -> Array:
        return self._spread(self.base_dist.variance)

    @property
    def mode(self) -> Array:
        return self._spread(self.base_dist.mode)

    def cdf(self, value: ArrayLike) -> Array:
        return self.base_dist.cdf(value)

    def icdf(self, q: ArrayLike) -> Array:
        return self.base_dist.icdf(q)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, batch {self.batch_shape}, event {self.event_shape})"


class Independent(_Wrapper):
    """The law whose last batch dims are part of the event: their log densities are added.

    Args:
        base_dist: law with at least that many batch dims.
        reinterpreted_batch_ndims: how many dims move.

    Raises:
        ShapeError: ``base_dist`` has fewer batch dims.

    Example:
        >>> from twofold_jax.distributions import Normal
        >>> Independent(Normal(np.zeros((2, 3)), 1.0), 1).batch_shape
        (2,)
    """

    pytree_aux_fields = ("reinterpreted_batch_ndims",)

    def __init__(
        self, base_dist: Distribution, reinterpreted_batch_ndims: int, *, validate_args: bool | None = None
    ) -> None:
        ndims = len(base_dist.batch_shape)
        if not 0 <= reinterpreted_batch_ndims <= ndims:
            raise ShapeError(
                f"{type(base_dist).__name__} cannot move {reinterpreted_batch_ndims} batch dims into its event",
                seen=f"batch shape {base_dist.batch_shape}",
                expected=f"a number from 0 to {ndims}",
                suggestion="expand the law first, or move fewer dims with to_event",
            )
        self.base_dist, self.reinterpreted_batch_ndims = base_dist, reinterpreted_batch_ndims
        self._validate_args = validate_args

    def _infer_batch_shape(self) -> Shape:
        batch = self.base_dist.batch_shape
        return batch[: len(batch) - self.reinterpreted_batch_ndims]

    def _infer_event_shape(self) -> Shape:
        batch = self.base_dist.batch_shape
        return (*batch[len(batch) - self.reinterpreted_batch_ndims :], *self.base_dist.event_shape)

    @property
    def support(self) -> Constraint | None:
        support = self.base_dist.support
        if support is None or self.reinterpreted_batch_ndims == 0:
            return support
        if support is constraints.real and self.reinterpreted_batch_ndims == 1:
            return constraints.real_vector
        return constraints.independent(support, self.reinterpreted_batch_ndims)

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_enumerate_support and self.reinterpreted_batch_ndims == 0

    def _base_shape(self, shape: Shape) -> Shape:
        batch = self.base_dist.batch_shape
        return (*shape, *batch[len(batch) - self.reinterpreted_batch_ndims :])

    def _sample(self, key: Array, shape: Shape) -> Array:
        return self.base_dist._sample(key, self._base_shape(shape))

    def _sample_with_intermediates(self, key: Array, shape: Shape) -> tuple[Array, list[Any]]:
        return self.base_dist._sample_with_intermediates(key, self._base_shape(shape))

    def log_prob(self, value: ArrayLike, intermediates: list[Any] | None = None) -> Array:
        parts = self.base_dist.log_prob(value, intermediates) if intermediates else self.base_dist.log_prob(value)
        return _sum_rightmost(parts, ndims=self.reinterpreted_batch_ndims) if self.reinterpreted_batch_ndims else parts

    def entropy(self) -> Array:
        return _sum_rightmost(self.base_dist.entropy(), ndims=self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Array:
        if self.reinterpreted_batch_ndims:
            self._lacks("enumeration of joint values")
        return self.base_dist.enumerate_support(expand=expand)

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> Distribution:
        n = len(self.batch_shape) if reinterpreted_batch_ndims is None else reinterpreted_batch_ndims
        return Independent(self.base_dist, self.reinterpreted_batch_ndims + n, validate_args=self._validate_args)


class ExpandedDistribution(_Wrapper):
    """The law with its batch dims repeated; draws of the repetitions are independent.

    Args:
        base_dist: the law that is repeated.
        batch_shape: shape to which its batch shape broadcasts.

    Raises:
        ShapeError: it does not broadcast to that shape.

    Example:
        >>> from twofold_jax.distributions import Normal
        >>> ExpandedDistribution(Normal(0.0, 1.0), (3, 2)).batch_shape
        (3, 2)
    """

    pytree_aux_fields = ("_target",)

    def __init__(self, base_dist: Distribution, batch_shape: Sequence[int] = ()) -> None:
        target = tuple(batch_shape)
        base = base_dist.batch_shape
        aligned = target[len(target) - len(base) :] if base else ()
        if len(base) > len(target) or any(n not in (1, m) for n, m in zip(base, aligned, strict=True)):
            raise ShapeError(
                f"{type(base_dist).__name__} cannot be expanded",
                seen=f"batch shape {base} to {target}",
                expected="each size 1 or equal, counted from the right",
                suggestion="a batch dim that belongs to one value goes into the event with to_event",
            )
        self.base_dist, self._target = base_dist, target

    def _infer_batch_shape(self) -> Shape:
        return self._target

    def _infer_event_shape(self) -> Shape:
        return self.base_dist.event_shape

    def log_prob(self, value: ArrayLike, intermediates: list[Any] | None = None) -> Array:
        parts = self.base_dist.log_prob(value, intermediates) if intermediates else self.base_dist.log_prob(value)
        shape = broadcast_shapes(self._target, parts.shape)
        return parts if parts.shape == shape else jnp.broadcast_to(parts, shape)

    def entropy(self) -> Array:
        return jnp.broadcast_to(self.base_dist.entropy(), self._target)

    def enumerate_support(self, expand: bool = True) -> Array:
        values = self.base_dist.enumerate_support(expand=False)
        event = self.event_shape
        lead = values.shape[:1]
        values = jnp.reshape(values, lead + (1,) * len(self._target) + event)
        return jnp.broadcast_to(values, lead + self._target + event) if expand else values

    def expand(self, batch_shape: Sequence[int]) -> Distribution:
        shape = tuple(batch_shape)
        if len(shape) < len(self._target) or any(
            n not in (1, m) for n, m in zip(self._target, shape[len(shape) - len(self._target) :], strict=True)
        ):
            return ExpandedDistribution(self, shape)  # which explains what does not fit
        return ExpandedDistribution(self.base_dist, shape)


class MaskedDistribution(_Wrapper):
    """The law whose log density is 0 where ``mask`` is False.

    A masked-out value is replaced by a feasible one before it is scored, so that neither a NaN nor a value outside
    the support reaches the density: values and gradients stay finite.

    Args:
        base_dist: the law.
        mask: boolean, broadcast against the batch shape.

    Raises:
        SupportError: ``mask`` is not boolean.

    Example:
        >>> from twofold_jax.distributions import Normal
        >>> law = MaskedDistribution(Normal(0.0, 1.0), np.array([False, True]))
        >>> print(law.log_prob(np.array([np.nan, 0.0])))
        [ 0.        -0.9189385]
    """

    pytree_data_fields = ("_mask",)
    pytree_aux_fields = ("_everywhere",)
    _mask: Any = None
    _everywhere: bool | None = None

    def __init__(self, base_dist: Distribution, mask: ArrayLike) -> None:
        self.base_dist = base_dist
        if isinstance(mask, (bool, np.bool_)):
            self._everywhere = bool(mask)
            return
        mask = as_array_like(mask, "a mask")
        if getattr(mask, "dtype", None) != np.bool_:
            raise SupportError(
                f"a mask of {type(base_dist).__name__} is not boolean",
                seen=f"{mask if not shape_of(mask) else mask.dtype}",  # type: ignore[union-attr]
                expected="True, False or an array of bool",
                suggestion="compare first, as in `mask > 0`",
            )
        self._mask = mask
        self._infer_batch_shape()

    def _infer_batch_shape(self) -> Shape:
        name = type(self.base_dist).__name__
        return broadcast_shapes(shape_of(self._mask), self.base_dist.batch_shape, what=f"a mask and {name}")

    def _infer_event_shape(self) -> Shape:
        return self.base_dist.event_shape

    def log_prob(self, value: ArrayLike, intermediates: list[Any] | None = None) -> Array:
        if self._everywhere is True:
            return self.base_dist.log_prob(value, intermediates)
        event_dim = self.base_dist.event_dim
        value = as_array_like(value, "a masked value")
        shape = broadcast_shapes(shape_of(value)[: len(shape_of(value)) - event_dim], self.batch_shape)
        if self._everywhere is False:
            return lax.full(shape, 0.0, jnp.result_type(float))
        if intermediates:
            parts = self.base_dist.log_prob(value, intermediates)
        else:
            parts = self.base_dist.log_prob(self._feasible(value, event_dim))
        return _where(self._mask, parts, 0.0, event_dim=0)

    def _feasible(self, value: Any, event_dim: int) -> Any:
        support = self.base_dist.support
        if support is None or constraints.is_dependent(support):
            fallback: Any = 0
        else:
            if support.leaf_names:  # bounds may be larger than the value
                shape = broadcast_shapes(shape_of(value), self.base_dist.shape())
                value = (np if is_concrete(value) else jnp).broadcast_to(value, shape)
            fallback = support.feasible_like(value)
        if is_concrete(value) and is_concrete(self._mask) and is_concrete(fallback):
            mask = np.asarray(self._mask)
            return np.where(mask.reshape(mask.shape + (1,) * event_dim), np.asarray(value), np.asarray(fallback))
        return _where(self._mask, value, fallback, event_dim=event_dim)

    def entropy(self) -> Array:
        entropy = self.base_dist.entropy()
        if self._everywhere is not None:
            return entropy * float(self._everywhere)
        return _where(self._mask, entropy, 0.0, event_dim=0)

    def enumerate_support(self, expand: bool = True) -> Array:
        return self.base_dist.expand(self.batch_shape).enumerate_support(expand=expand)


@kernel(static=("event_dim",))
def _where(mask: Array, value: Array, fallback: Array, event_dim: int) -> Array:
    mask = jnp.reshape(mask, np.shape(mask) + (1,) * event_dim)
    return jnp.where(mask, value, lax.stop_gradient(jnp.asarray(fallback, jnp.result_type(value))))
