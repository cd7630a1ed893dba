"""Laws of transformed random variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..errors import SiteTypeError
from .base import Distribution, Shape
from .constraints import Constraint, independent
from .transforms import ComposeTransform, Transform
from .transforms.base import sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """Law of ``y = transforms(x)`` for ``x`` from ``base_distribution``: density of ``x`` over the stretch of volume.

    Args:
        base_distribution: law of ``x``; batch dims that the transforms take as one value become event dims.
        transforms: one transform or several, the first one applied first.

    Raises:
        SiteTypeError: something among ``transforms`` is no transform.

    Example:
        >>> from twofold_jax.distributions import Normal, transforms
        >>> law = TransformedDistribution(Normal(0.0, 1.0), transforms.ExpTransform())
        >>> round(float(law.log_prob(1.0)), 4)
        -0.9189
    """

    pytree_data_fields = ("base_dist", "transforms")
    base_dist: Distribution
    transforms: list[Transform]

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        *,
        validate_args: bool | None = None,
    ) -> None:
        parts: list[Any] = list(transforms) if isinstance(transforms, (list, tuple)) else [transforms]
        for part in parts:
            if not isinstance(part, Transform):
                raise SiteTypeError(
                    "TransformedDistribution takes transforms",
                    seen=repr(part),
                    expected="a Transform or a list of them",
                    suggestion="transforms.ExpTransform() in the place of jnp.exp",
                )
        self.transforms = parts
        self.base_dist = _fitted(base_distribution, self.transforms)
        self._validate_args = validate_args

    def _infer_batch_shape(self) -> Shape:
        return self._shapes()[0]

    def _infer_event_shape(self) -> Shape:
        return self._shapes()[1]

    def _shapes(self) -> tuple[Shape, Shape]:
        shape = self.base_dist.shape()
        event_dim = self.base_dist.event_dim
        for transform in self.transforms:
            shape = transform.forward_shape(shape)
            event_dim = max(event_dim, transform.domain.event_dim)
            event_dim += transform.codomain.event_dim - transform.domain.event_dim
        return shape[: len(shape) - event_dim], shape[len(shape) - event_dim :]

    @property
    def support(self) -> Constraint | None:
        if not self.transforms:
            return self.base_dist.support
        codomain = self.transforms[-1].codomain
        extra = self.event_dim - codomain.event_dim
        return independent(codomain, extra) if extra > 0 else codomain

    @property
    def has_rsample(self) -> bool:
        return self.base_dist.has_rsample

    @property
    def _is_random(self) -> bool:
        return self.base_dist._is_random

    def _sample(self, key: Array, shape: Shape) -> Array:
        return self._sample_with_intermediates(key, shape)[0]

    def _sample_with_intermediates(self, key: Array, shape: Shape) -> tuple[Array, list[Any]]:
        x: Any = self.base_dist._sample(key, shape)
        steps = []
        for transform in self.transforms:
            before = x
            x, inner = transform.call_with_intermediates(before)
            steps.append([before, inner])
        return x, steps

    def log_prob(self, value: ArrayLike, intermediates: list[Any] | None = None) -> Array:
        return self._score(value, intermediates) if intermediates else super().log_prob(value)

    def _log_prob(self, value: ArrayLike) -> Array:
        return self._score(value, [None] * len(self.transforms))

    def _score(self, value: ArrayLike, intermediates: list[Any]) -> Array:
        event_dim = self.event_dim
        stretch: Any = 0.0
        y: Any = value
        for transform, step in zip(reversed(self.transforms), reversed(intermediates), strict=True):
            x, inner = (transform._inverse(y), None) if step is None else step
            det = transform.log_abs_det_jacobian(x, y, inner)
            extra = event_dim - transform.codomain.event_dim
            stretch = stretch + (sum_rightmost(det, ndims=extra) if extra else det)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            y = x
        base = self.base_dist
        # The value was checked against the support of this law; its inverse image may touch the edge by rounding.
        has_own_log_prob = type(base).log_prob is not Distribution.log_prob
        density = base.log_prob(y) if has_own_log_prob else base._log_prob(y)
        return jnp.asarray(density - stretch)

    def cdf(self, value: ArrayLike) -> Array:
        for transform in reversed(self.transforms):
            value = transform._inverse(value)
        return jnp.asarray(self._mirrored(self.base_dist.cdf(value)))

    def icdf(self, q: ArrayLike) -> Array:
        x: Any = self.base_dist.icdf(self._mirrored(q))
        for transform in self.transforms:
            x = transform(x)
        return x

    def _mirrored(self, probability: Any) -> Any:
        sign = ComposeTransform(self.transforms).sign
        return probability if isinstance(sign, int) else jnp.where(sign > 0, probability, 1.0 - probability)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_dist!r}, {self.transforms!r})"


def _fitted(base: Distribution, transforms: list[Transform]) -> Distribution:
    """``base`` with as many event dims as the transforms need, expanded to where they broadcast it."""
    if not transforms:
        return base
    chain = ComposeTransform(transforms)
    needed = chain.domain.event_dim
    target = chain.inverse_shape(chain.forward_shape(base.shape()))
    if target != base.shape():
        base = base.expand(target[: len(target) - base.event_dim])
    return base.to_event(needed - base.event_dim) if needed > base.event_dim else base
