"""What a transform is, and transforms made from others: inverse, composition, independence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ...ops.arrays import shape_of
from ...ops.kernel import kernel
from ...ops.records import Record
from .. import constraints
from ..constraints import Constraint

__all__ = ["ComposeTransform", "IdentityTransform", "IndependentTransform", "Shape", "Transform", "sum_rightmost"]

Shape = tuple[int, ...]


@kernel(static=("ndims",))
def sum_rightmost(x: Array, ndims: int) -> Array:
    """Sum of ``x`` over its last ``ndims`` dims."""
    return jnp.sum(x, axis=tuple(range(-ndims, 0))) if ndims else jnp.asarray(x)


class Transform(Record):
    """Differentiable map between two sets, with its inverse and the volume by which it stretches.

    A subclass states `domain` and `codomain` and defines ``__call__``, ``_inverse`` and ``log_abs_det_jacobian``;
    where the shape of a value changes, also `forward_shape` and `inverse_shape`.

    Example:
        >>> from twofold_jax.distributions.transforms import ExpTransform
        >>> round(float(ExpTransform().inv(7.389056)), 3)
        2.0
    """

    @property
    def domain(self) -> Constraint:
        """Set that is mapped."""
        return constraints.real

    @property
    def codomain(self) -> Constraint:
        """Set that is reached."""
        return constraints.real

    @property
    def sign(self) -> int | Array:
        """+1 where the map increases, -1 where it decreases; maps of single numbers only."""
        raise NotImplementedError(f"{type(self).__name__} has no sign")

    @property
    def inv(self) -> Transform:
        """The inverse map."""
        return _InverseTransform(self)

    def __call__(self, x: ArrayLike) -> Any:
        """Map ``x``."""
        raise NotImplementedError(f"{type(self).__name__} defines no map")

    def _inverse(self, y: ArrayLike) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def call_with_intermediates(self, x: ArrayLike) -> tuple[Any, Any]:
        """Map ``x``, and return beside the result what `log_abs_det_jacobian` can reuse, or None."""
        return self(x), None

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        """Logarithm of the absolute determinant of the derivative at ``x``, whose image is ``y``.

        Args:
            x: value in the domain.
            y: its image.
            intermediates: what `call_with_intermediates` returned beside ``y``.

        Returns:
            One number per value: the shape of ``x`` less the event dims of the domain.
        """
        raise NotImplementedError(f"{type(self).__name__} has no Jacobian determinant")

    def forward_shape(self, shape: Shape) -> Shape:
        """Shape of the image of a value of shape ``shape``."""
        return shape

    def inverse_shape(self, shape: Shape) -> Shape:
        """Shape of the values whose image has shape ``shape``."""
        return shape


class _InverseTransform(Transform):
    """The inverse of ``transform``."""

    leaf_names = ("transform",)

    def __init__(self, transform: Transform) -> None:
        self.transform = transform

    @property
    def domain(self) -> Constraint:
        return self.transform.codomain

    @property
    def codomain(self) -> Constraint:
        return self.transform.domain

    @property
    def sign(self) -> int | Array:
        return self.transform.sign

    @property
    def inv(self) -> Transform:
        return self.transform

    def __call__(self, x: ArrayLike) -> Any:
        return self.transform._inverse(x)

    def _inverse(self, y: ArrayLike) -> Any:
        return self.transform(y)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return -self.transform.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Shape) -> Shape:
        return self.transform.inverse_shape(shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        return self.transform.forward_shape(shape)


class IdentityTransform(Transform):
    """``y = x``."""

    sign = 1

    def __call__(self, x: ArrayLike) -> Any:
        return x

    def _inverse(self, y: ArrayLike) -> Any:
        return y

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        return jnp.zeros(shape_of(x), jnp.result_type(float, x))


class IndependentTransform(Transform):
    """``base_transform`` on the entries of values with further ``reinterpreted_batch_ndims`` dims.

    Args:
        base_transform: the map of the parts.
        reinterpreted_batch_ndims: how many dims become part of one value; their log determinants are added.
    """

    leaf_names = ("base_transform",)
    static_names = ("reinterpreted_batch_ndims",)

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int) -> None:
        self.base_transform, self.reinterpreted_batch_ndims = base_transform, reinterpreted_batch_ndims

    @property
    def domain(self) -> Constraint:
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @property
    def codomain(self) -> Constraint:
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    def __call__(self, x: ArrayLike) -> Any:
        return self.base_transform(x)

    def _inverse(self, y: ArrayLike) -> Any:
        return self.base_transform._inverse(y)

    def call_with_intermediates(self, x: ArrayLike) -> tuple[Any, Any]:
        return self.base_transform.call_with_intermediates(x)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        parts = self.base_transform.log_abs_det_jacobian(x, y, intermediates)
        return sum_rightmost(parts, ndims=self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Shape) -> Shape:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Shape) -> Shape:
        return self.base_transform.inverse_shape(shape)


class ComposeTransform(Transform):
    """``parts`` one after the other, the first one first.

    Args:
        parts: maps, each defined on what the one before it reaches.

    Example:
        >>> from twofold_jax.distributions.transforms import AffineTransform, ExpTransform
        >>> float(ComposeTransform([AffineTransform(0.0, 2.0), ExpTransform()])(0.0))
        1.0
    """

    leaf_names = ("parts",)

    def __init__(self, parts: Sequence[Transform]) -> None:
        self.parts = list(parts)

    @property
    def domain(self) -> Constraint:
        return _widened(self.parts[0].domain, self._event_dims()[0]) if self.parts else constraints.real

    @property
    def codomain(self) -> Constraint:
        return _widened(self.parts[-1].codomain, self._event_dims()[-1]) if self.parts else constraints.real

    @property
    def sign(self) -> int | Array:
        product: int | Array = 1
        for part in self.parts:
            product = product * part.sign
        return product

    def __call__(self, x: ArrayLike) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: ArrayLike) -> Any:
        for part in reversed(self.parts):
            y = part._inverse(y)
        return y

    def call_with_intermediates(self, x: ArrayLike) -> tuple[Any, Any]:
        steps = []
        for part in self.parts:
            x, inner = part.call_with_intermediates(x)
            steps.append((x, inner))
        return x, steps

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        if not self.parts:
            return jnp.zeros(shape_of(x), jnp.result_type(float, x))
        steps = intermediates
        if steps is None:
            steps = []
            image = x
            for part in self.parts[:-1]:
                image = part(image)
                steps.append((image, None))
            steps.append((y, None))
        total: Any = None
        for part, event_dim, (image, inner) in zip(self.parts, self._event_dims()[:-1], steps, strict=True):
            det = part.log_abs_det_jacobian(x, image, inner)
            extra = event_dim - part.domain.event_dim
            det = sum_rightmost(det, ndims=extra) if extra else det
            total = det if total is None else total + det
            x = image
        return jnp.asarray(total)

    def forward_shape(self, shape: Shape) -> Shape:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Shape) -> Shape:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def _event_dims(self) -> list[int]:
        """Number of event dims before each part and after the last: enough for every part."""
        needed = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            needed = max(needed + part.domain.event_dim - part.codomain.event_dim, part.domain.event_dim)
        dims = [needed]
        for part in self.parts:
            dims.append(dims[-1] + part.codomain.event_dim - part.domain.event_dim)
        return dims


def _widened(constraint: Constraint, event_dim: int) -> Constraint:
    extra = event_dim - constraint.event_dim
    return constraints.independent(constraint, extra) if extra > 0 else constraint
