"""Maps onto half lines that never reach the bound, also where floating point would round to it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.transforms import ExpTransform, Transform

__all__ = ["GreaterThanTransform", "LessThanTransform", "PositiveTransform"]


class PositiveTransform(ExpTransform):
    """``exp`` kept inside the positive finite numbers, for optimisers that take large steps.

    Example:
        >>> bool(PositiveTransform()(torch.tensor(-1000.0)) > 0)
        True
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PositiveTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        info = torch.finfo(x.dtype)
        return x.exp().clamp(min=info.tiny, max=info.max)


class GreaterThanTransform(Transform):
    """``bound + exp(x)``, kept above ``bound`` and finite.

    Args:
        bound: number or tensor, the greatest lower bound of the values.

    Example:
        >>> bool(GreaterThanTransform(3.0)(torch.tensor(-100.0)) > 3)
        True
    """

    domain = tc.real
    bijective = True
    sign = 1

    def __init__(self, bound: Tensor | float, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.bound = bound

    @tc.dependent_property(is_discrete=False, event_dim=0)
    def codomain(self) -> Any:
        """Numbers above the bound."""
        return tc.greater_than(self.bound)

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same map, remembering its last result or not."""
        return self if cache_size == self._cache_size else type(self)(self.bound, cache_size)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _same(self.bound, other.bound)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        bound, info = torch.as_tensor(self.bound, dtype=x.dtype, device=x.device), torch.finfo(x.dtype)
        least = torch.maximum(torch.nextafter(bound, bound.new_full((), torch.inf)), bound + info.tiny)
        return torch.maximum(bound + x.exp(), least).clamp(max=info.max)

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.bound).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """``x``, broadcast with the bound."""
        return x + 0 * self.bound

    def forward_shape(self, shape: Any) -> torch.Size:
        """Shape of the result, broadcast with the bound."""
        return torch.broadcast_shapes(shape, getattr(self.bound, "shape", ()))

    inverse_shape = forward_shape


class LessThanTransform(GreaterThanTransform):
    """``bound - exp(x)``, kept below ``bound`` and finite.

    Args:
        bound: number or tensor, the least upper bound of the values.

    Example:
        >>> LessThanTransform(3.0)(torch.tensor(0.0))
        tensor(2.)
    """

    sign = -1

    @tc.dependent_property(is_discrete=False, event_dim=0)
    def codomain(self) -> Any:
        """Numbers below the bound."""
        return tc.less_than(self.bound)

    def _call(self, x: Tensor) -> Tensor:
        return -GreaterThanTransform(-self.bound)._call(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (self.bound - y).log()


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return torch.equal(torch.as_tensor(a), torch.as_tensor(b))
    return bool(a == b)
