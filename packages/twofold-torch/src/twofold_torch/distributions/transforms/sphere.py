"""Maps onto the sphere, and onto arrays that sum to zero."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.transforms import Transform

from .. import constraints

__all__ = ["Normalize", "ZeroSumTransform"]


class Normalize(Transform):
    """Vectors to vectors of length 1, by division; not one-to-one.

    Example:
        >>> Normalize()(torch.tensor([3.0, 4.0]))
        tensor([0.6000, 0.8000])
    """

    domain = tc.real_vector
    codomain = constraints.sphere
    bijective = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Normalize)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)

    def _inverse(self, y: Tensor) -> Tensor:
        return y


class ZeroSumTransform(Transform):
    r"""Arrays to arrays with one more entry along each of the last ``transform_ndims`` dims, each of which sums to 0.

    The map is an isometry: it keeps lengths, so its determinant is 1. Along one dim, with n the new size and s the sum
    of x, the entries are :math:`x_i - s/(n + \sqrt n)` and, last, :math:`-s/\sqrt n`.

    Args:
        transform_ndims: number of dims, 1 or more.

    Example:
        >>> y = ZeroSumTransform(1)(torch.tensor([1.0, 2.0]))
        >>> round(float(y.sum()), 6) + 0.0, round(float(y.square().sum()), 4)
        (0.0, 5.0)
    """

    bijective = True

    def __init__(self, transform_ndims: int = 1, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.transform_ndims = transform_ndims

    @tc.dependent_property(is_discrete=False)
    def domain(self) -> constraints.Constraint:
        """Real arrays."""
        return tc.independent(tc.real, self.transform_ndims)

    @tc.dependent_property(is_discrete=False)
    def codomain(self) -> constraints.Constraint:
        """Arrays that sum to zero."""
        return constraints.zero_sum(self.transform_ndims)

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same map, remembering its last result or not."""
        return self if cache_size == self._cache_size else ZeroSumTransform(self.transform_ndims, cache_size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZeroSumTransform) and self.transform_ndims == other.transform_ndims

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        for dim in range(-self.transform_ndims, 0):
            size = x.shape[dim] + 1
            total = x.sum(dim, keepdim=True)
            x = torch.cat([x - total / (size + size**0.5), -total / size**0.5], dim)
        return x

    def _inverse(self, y: Tensor) -> Tensor:
        for dim in range(-self.transform_ndims, 0):
            size = y.shape[dim]
            last = y.narrow(dim, size - 1, 1)
            y = y.narrow(dim, 0, size - 1) - last / (1 + size**0.5)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Zero."""
        return x.new_zeros(x.shape[: x.dim() - self.transform_ndims])

    def forward_shape(self, shape: Any) -> torch.Size:
        """One more entry along each dim."""
        split = len(shape) - self.transform_ndims
        return torch.Size((*shape[:split], *(size + 1 for size in shape[split:])))

    def inverse_shape(self, shape: Any) -> torch.Size:
        """One entry less along each dim."""
        split = len(shape) - self.transform_ndims
        return torch.Size((*shape[:split], *(size - 1 for size in shape[split:])))
