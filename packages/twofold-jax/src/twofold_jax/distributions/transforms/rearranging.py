"""Transforms that move entries and change none: permutations, other shapes, trees of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ...errors import ShapeError
from ...ops.arrays import shape_of
from .. import constraints
from ..constraints import Constraint
from .base import Shape, Transform

__all__ = ["PermuteTransform", "ReshapeTransform", "UnpackTransform"]


class PermuteTransform(Transform):
    """``y = x[..., permutation]``.

    Args:
        permutation: integers 0 to n - 1 in some order.
    """

    leaf_names = ("permutation",)
    domain = constraints.real_vector
    codomain = constraints.real_vector

    def __init__(self, permutation: ArrayLike) -> None:
        self.permutation = permutation

    def __call__(self, x: ArrayLike) -> Array:
        return jnp.asarray(x)[..., jnp.asarray(self.permutation)]

    def _inverse(self, y: ArrayLike) -> Array:
        return jnp.asarray(y)[..., jnp.argsort(jnp.asarray(self.permutation))]

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return jnp.zeros(shape_of(x)[:-1], jnp.result_type(float, x))


class ReshapeTransform(Transform):
    """Values of shape ``inverse_shape`` to shape ``forward_shape``.

    Args:
        forward_shape: shape of one value of the result.
        inverse_shape: shape of one value of the argument.

    Raises:
        ShapeError: the shapes hold different numbers of entries.
    """

    static_names = ("_forward_shape", "_inverse_shape")

    def __init__(self, forward_shape: Sequence[int], inverse_shape: Sequence[int]) -> None:
        self._forward_shape, self._inverse_shape = tuple(forward_shape), tuple(inverse_shape)
        if np.prod(self._forward_shape) != np.prod(self._inverse_shape):
            raise ShapeError(
                "ReshapeTransform between shapes of different sizes", seen=(self._inverse_shape, self._forward_shape)
            )

    @property
    def domain(self) -> Constraint:
        return constraints.independent(constraints.real, len(self._inverse_shape))

    @property
    def codomain(self) -> Constraint:
        return constraints.independent(constraints.real, len(self._forward_shape))

    def __call__(self, x: ArrayLike) -> Array:
        return jnp.reshape(x, self.forward_shape(shape_of(x)))

    def _inverse(self, y: ArrayLike) -> Array:
        return jnp.reshape(y, self.inverse_shape(shape_of(y)))

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        shape = shape_of(x)
        return jnp.zeros(shape[: len(shape) - len(self._inverse_shape)], jnp.result_type(float, x))

    def forward_shape(self, shape: Shape) -> Shape:
        return _swap_tail(shape, self._inverse_shape, self._forward_shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        return _swap_tail(shape, self._forward_shape, self._inverse_shape)


def _swap_tail(shape: Shape, old: Shape, new: Shape) -> Shape:
    kept = len(shape) - len(old)
    if shape[max(kept, 0) :] != old:
        raise ShapeError(
            "ReshapeTransform met another shape", seen=shape, expected=f"(..., {', '.join(map(str, old))})"
        )
    return shape[:kept] + new


class UnpackTransform(Transform):
    """One flat vector to a tree of arrays.

    Args:
        unpack_fn: from a vector to a tree of arrays with the same entries.
        pack_fn: its inverse; by default all leaves in order, made flat and joined.
    """

    static_names = ("unpack_fn", "pack_fn")
    domain = constraints.real_vector
    codomain = constraints.dependent

    def __init__(self, unpack_fn: Callable[[Any], Any], pack_fn: Callable[[Any], Any] | None = None) -> None:
        self.unpack_fn, self.pack_fn = unpack_fn, pack_fn

    def __call__(self, x: ArrayLike) -> Any:
        return _over(shape_of(x)[:-1], self.unpack_fn)(x)

    def _inverse(self, y: Any) -> Array:
        if self.pack_fn is not None:
            return self.pack_fn(y)
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(y)])

    def log_abs_det_jacobian(self, x: ArrayLike, y: Any, intermediates: Any = None) -> Array:
        return jnp.zeros(shape_of(x)[:-1], jnp.result_type(float, x))


def _over(batch: Shape, fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    for _ in batch:
        fn = jax.vmap(fn)
    return fn
