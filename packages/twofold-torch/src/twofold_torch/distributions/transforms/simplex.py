"""Maps onto the simplex and the l1 ball by breaking sticks, computed in logarithms."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.transforms import Transform
from torch.nn.functional import logsigmoid, pad, softplus

from .. import constraints

__all__ = ["L1BallTransform", "StickBreakingTransform"]


class StickBreakingTransform(Transform):
    r"""Vectors of length n onto the simplex with n + 1 entries.

    .. math:: z_k = \operatorname{sigmoid}(x_k - \log(n - k)), \quad y_k = z_k \textstyle\prod_{j<k} (1 - z_j)

    The zero vector goes to the middle. All products are sums of logarithms, so entries as small as the floating point
    format allows keep their full accuracy, and so does the determinant.

    Source: Stan Reference Manual, "Unit simplex".

    Example:
        >>> StickBreakingTransform()(torch.zeros(3))
        tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain = tc.real_vector
    codomain = constraints.simplex
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickBreakingTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        x = x - _log_counts(x)
        log_rest = pad(logsigmoid(-x).cumsum(-1), [1, 0])  # log of what is left before each break
        return (pad(logsigmoid(x), [0, 1]) + log_rest).exp()

    def _inverse(self, y: Tensor) -> Tensor:
        y = y.clamp(min=torch.finfo(y.dtype).tiny)
        rest = y.flip(-1).cumsum(-1).flip(-1)[..., 1:]  # a sum of what is left has no cancellation, 1 - sum has
        head = y[..., :-1]
        return head.log() - rest.log() + _log_counts(head)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Log determinant of the map to all entries but the last."""
        x = x - _log_counts(x)
        stay = logsigmoid(-x)
        # break k enters its own entry, by z (1 - z), and everything after it, by (1 - z)
        num_after = torch.arange(x.shape[-1] - 1, -1, -1, dtype=x.dtype, device=x.device)
        return (logsigmoid(x) + stay + num_after * stay).sum(-1)

    def forward_shape(self, shape: Any) -> torch.Size:
        """One more entry."""
        return torch.Size(shape[:-1]) + (shape[-1] + 1,)

    def inverse_shape(self, shape: Any) -> torch.Size:
        """One entry less."""
        return torch.Size(shape[:-1]) + (shape[-1] - 1,)


def _log_counts(x: Tensor) -> Tensor:
    """log n, ..., log 2, log 1."""
    return torch.arange(x.shape[-1], 0, -1, dtype=x.dtype, device=x.device).log()


class L1BallTransform(Transform):
    r"""Vectors onto the inside of the l1 ball: :math:`y_k = \tanh(x_k) \prod_{j<k} (1 - |\tanh x_j|)`.

    Example:
        >>> bool(L1BallTransform()(torch.tensor([3.0, -3.0])).abs().sum() < 1)
        True
    """

    domain = tc.real_vector
    codomain = constraints.l1_ball
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, L1BallTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        log_rest = pad(_log_rest(x).cumsum(-1)[..., :-1], [1, 0])
        return x.tanh() * log_rest.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        size = y.abs()
        rest = (1 - pad(size.cumsum(-1)[..., :-1], [1, 0])).clamp(min=torch.finfo(y.dtype).tiny)
        return (y / rest).clamp(-1 + torch.finfo(y.dtype).eps, 1 - torch.finfo(y.dtype).eps).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Log determinant of the Jacobian."""
        num_after = torch.arange(x.shape[-1] - 1, -1, -1, dtype=x.dtype, device=x.device)
        log_slope = 2 * (math.log(2) - x.abs() - softplus(-2 * x.abs()))
        return (log_slope + num_after * _log_rest(x)).sum(-1)


def _log_rest(x: Tensor) -> Tensor:
    """``log(1 - abs(tanh(x)))``."""
    return math.log(2) - softplus(2 * x.abs())
