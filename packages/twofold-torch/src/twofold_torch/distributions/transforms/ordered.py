"""Maps that sort and maps that rearrange."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.transforms import Transform

from .. import constraints

__all__ = ["OrderedTransform", "Permute"]


class OrderedTransform(Transform):
    r"""Vectors to strictly increasing vectors: :math:`y_0 = x_0`, :math:`y_k = y_{k-1} + e^{x_k}`.

    Example:
        >>> OrderedTransform()(torch.zeros(3))
        tensor([0., 1., 2.])
    """

    domain = tc.real_vector
    codomain = constraints.ordered_vector
    bijective = True
    sign = 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrderedTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return torch.cat([x[..., :1], x[..., 1:].exp()], -1).cumsum(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.cat([y[..., :1], (y[..., 1:] - y[..., :-1]).log()], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Sum of all entries of ``x`` but the first."""
        return x[..., 1:].sum(-1)


class Permute(Transform):
    """Rearrange the entries along one dim.

    Args:
        permutation: whole numbers, each of ``0 .. n - 1`` once; entry ``i`` of the result is entry ``permutation[i]``.
        dim: which dim, counted from the right (negative). Default -1.

    Raises:
        ValueError: ``permutation`` is none, or ``dim`` is not negative.

    Example:
        >>> Permute(torch.tensor([2, 0, 1]))(torch.tensor([10.0, 11.0, 12.0]))
        tensor([12., 10., 11.])
    """

    bijective = True

    def __init__(self, permutation: Tensor, *, dim: int = -1, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        permutation = torch.as_tensor(permutation).long()
        whole = torch.arange(permutation.numel(), device=permutation.device)
        if permutation.dim() != 1 or not torch.equal(permutation.sort().values, whole):
            raise ValueError(f"Permute: {permutation.tolist()} does not hold each of 0 .. n - 1 once")
        if dim >= 0:
            raise ValueError(f"Permute: dim must be negative, not {dim}")
        self.permutation, self.dim = permutation, dim

    @tc.dependent_property(is_discrete=False)
    def domain(self) -> constraints.Constraint:
        """Arrays with at least ``-dim`` dims."""
        return tc.independent(tc.real, -self.dim)

    @tc.dependent_property(is_discrete=False)
    def codomain(self) -> constraints.Constraint:
        """Arrays with at least ``-dim`` dims."""
        return tc.independent(tc.real, -self.dim)

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same map, remembering its last result or not."""
        return (
            self if cache_size == self._cache_size else Permute(self.permutation, dim=self.dim, cache_size=cache_size)
        )

    def _call(self, x: Tensor) -> Tensor:
        return x.index_select(self.dim, self.permutation)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.index_select(self.dim, self.permutation.argsort())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Zero."""
        return x.new_zeros(x.shape[: self.dim])
