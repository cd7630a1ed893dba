"""The map to Cholesky factors of correlation matrices."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.transforms import Transform
from torch.nn.functional import pad, softplus

from .triangle import matrix_shape, matrix_size, strict_matrix, strict_vector, vector_shape

__all__ = ["CorrCholeskyTransform"]


class CorrCholeskyTransform(Transform):
    r"""Vectors of length n (n - 1) / 2 to Cholesky factors of correlation matrices of size n.

    .. math:: y_{ij} = \tanh(x_{ij}) \textstyle\prod_{k<j} \operatorname{sech}(x_{ik}), \quad j < i,
              \qquad y_{ii} = \prod_{k<i} \operatorname{sech}(x_{ik})

    The products are sums of logarithms, so rows far out keep their accuracy, and so does the determinant.

    Source: Stan Reference Manual, "Cholesky factors of correlation matrices".

    Example:
        >>> CorrCholeskyTransform()(torch.zeros(1))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = tc.real_vector
    codomain = tc.corr_cholesky
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CorrCholeskyTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        size = matrix_size(x.shape[-1], diagonal=False)
        log_rest = strict_matrix(_log_sech(x), size).cumsum(-1)
        rest = pad(log_rest[..., :-1], [1, 0]).exp().tril()
        return rest * (strict_matrix(x.tanh(), size) + torch.eye(size, dtype=x.dtype, device=x.device))

    def _inverse(self, y: Tensor) -> Tensor:
        # what is left of a row after entry j is the length of its tail: a sum of squares, without cancellation
        tail = y.square().flip(-1).cumsum(-1).flip(-1)[..., 1:]
        rest = pad(tail, [0, 1], value=1.0).clamp(min=torch.finfo(y.dtype).tiny).sqrt()
        return strict_vector(y / rest).asinh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Log determinant of the map to the entries below the diagonal."""
        size = y.shape[-1]
        rows, columns = torch.tril_indices(size, size, -1, device=x.device)
        # entry (i, j) has slope sech^2 in its own place and a factor sech in each of the i - 1 - j after it
        return ((rows - columns + 1).to(x.dtype) * _log_sech(x)).sum(-1)

    def forward_shape(self, shape: Any) -> torch.Size:
        """Shape of the matrices."""
        return matrix_shape(shape, diagonal=False)

    def inverse_shape(self, shape: Any) -> torch.Size:
        """Shape of the vectors."""
        return vector_shape(shape, diagonal=False)


def _log_sech(x: Tensor) -> Tensor:
    size = x.abs()
    return math.log(2) - size - softplus(-2 * size)
