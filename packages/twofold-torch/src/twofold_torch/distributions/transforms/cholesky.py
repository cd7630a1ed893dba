"""Maps to triangular factors, between factors and matrices, and by factors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.transforms import Transform
from torch.nn.functional import softplus

from twofold_torch.ops.special import softplus_inverse

from .. import constraints
from .triangle import matrix_shape, matrix_size, strict_matrix, strict_vector, vector_shape

__all__ = [
    "CholeskyTransform",
    "CorrMatrixCholeskyTransform",
    "LowerCholeskyAffine",
    "LowerCholeskyVectorTransform",
    "ScaledUnitLowerCholeskyTransform",
    "SoftplusLowerCholeskyTransform",
    "UnitLowerCholeskyTransform",
]


class _Stateless(Transform):
    bijective = True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = Transform.__hash__


class LowerCholeskyVectorTransform(_Stateless):
    """Vectors of length n (n + 1) / 2 to lower triangular matrices with a positive diagonal.

    The first entries fill the triangle below the diagonal row by row; the last n are the logarithms of the diagonal.
    (``LowerCholeskyTransform`` is torch's map from whole matrices, which is not one-to-one.)

    Example:
        >>> LowerCholeskyVectorTransform()(torch.tensor([5.0, 0.0, 0.0]))
        tensor([[1., 0.],
                [5., 1.]])
    """

    domain = tc.real_vector
    codomain: constraints.Constraint = tc.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        size = matrix_size(x.shape[-1], diagonal=True)
        return strict_matrix(x[..., :-size], size) + self._to_diagonal(x[..., -size:]).diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.cat([strict_vector(y), self._from_diagonal(y.diagonal(dim1=-2, dim2=-1))], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Sum of the log slopes along the diagonal."""
        return self._log_slope(x[..., -y.shape[-1] :]).sum(-1)

    def _to_diagonal(self, x: Tensor) -> Tensor:
        return x.exp()

    def _from_diagonal(self, y: Tensor) -> Tensor:
        return y.log()

    def _log_slope(self, x: Tensor) -> Tensor:
        return x

    def forward_shape(self, shape: Any) -> torch.Size:
        """Shape of the matrices."""
        return matrix_shape(shape, diagonal=True)

    def inverse_shape(self, shape: Any) -> torch.Size:
        """Shape of the vectors."""
        return vector_shape(shape, diagonal=True)


class SoftplusLowerCholeskyTransform(LowerCholeskyVectorTransform):
    """As :class:`LowerCholeskyVectorTransform`, with softplus for the diagonal instead of exp.

    Example:
        >>> SoftplusLowerCholeskyTransform()(torch.zeros(1))
        tensor([[0.6931]])
    """

    codomain = constraints.softplus_lower_cholesky

    def _to_diagonal(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _from_diagonal(self, y: Tensor) -> Tensor:
        return softplus_inverse(y)

    def _log_slope(self, x: Tensor) -> Tensor:
        return -softplus(-x)


class ScaledUnitLowerCholeskyTransform(SoftplusLowerCholeskyTransform):
    """A unit lower triangle times a positive diagonal matrix: correlation and scale stay apart.

    Example:
        >>> ScaledUnitLowerCholeskyTransform()(torch.tensor([2.0, 0.0, 0.0]))
        tensor([[0.6931, 0.0000],
                [1.3863, 0.6931]])
    """

    codomain = constraints.scaled_unit_lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        size = matrix_size(x.shape[-1], diagonal=True)
        scale = softplus(x[..., -size:])
        return strict_matrix(x[..., :-size], size) * scale.unsqueeze(-2) + scale.diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        scale = y.diagonal(dim1=-2, dim2=-1)
        return torch.cat([strict_vector(y / scale.unsqueeze(-2)), softplus_inverse(scale)], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Log slopes along the diagonal, and each scale once for every entry below it."""
        size = y.shape[-1]
        num_below = torch.arange(size - 1, -1, -1, dtype=x.dtype, device=x.device)
        scale = y.diagonal(dim1=-2, dim2=-1)
        return (self._log_slope(x[..., -size:]) + num_below * scale.log()).sum(-1)


class UnitLowerCholeskyTransform(_Stateless):
    """Vectors of length n (n - 1) / 2 to lower triangular matrices with ones on the diagonal.

    Example:
        >>> UnitLowerCholeskyTransform()(torch.tensor([5.0]))
        tensor([[1., 0.],
                [5., 1.]])
    """

    domain = tc.real_vector
    codomain = constraints.unit_lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        size = matrix_size(x.shape[-1], diagonal=False)
        return strict_matrix(x, size) + torch.eye(size, dtype=x.dtype, device=x.device)

    def _inverse(self, y: Tensor) -> Tensor:
        return strict_vector(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Zero."""
        return x.new_zeros(x.shape[:-1])

    def forward_shape(self, shape: Any) -> torch.Size:
        """Shape of the matrices."""
        return matrix_shape(shape, diagonal=False)

    def inverse_shape(self, shape: Any) -> torch.Size:
        """Shape of the vectors."""
        return vector_shape(shape, diagonal=False)


class CholeskyTransform(_Stateless):
    """Positive definite matrices to their lower Cholesky factors.

    Example:
        >>> CholeskyTransform()(4 * torch.eye(1))
        tensor([[2.]])
    """

    domain: constraints.Constraint = tc.positive_definite
    codomain: constraints.Constraint = tc.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return torch.linalg.cholesky_ex(x).L

    def _inverse(self, y: Tensor) -> Tensor:
        return y @ y.mT

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Minus the log determinant of ``L -> L L'`` between lower triangles.

        Source: Magnus and Neudecker (1999), Matrix Differential Calculus, ch. 9: ``2^n prod L_ii^(n - i)``.
        """
        size = y.shape[-1]
        powers = torch.arange(size, 0, -1, dtype=y.dtype, device=y.device)
        log_diagonal = y.diagonal(dim1=-2, dim2=-1).log()
        return -(powers * log_diagonal).sum(-1) - size * torch.log(y.new_full((), 2.0))


class CorrMatrixCholeskyTransform(CholeskyTransform):
    """Correlation matrices to their lower Cholesky factors.

    Example:
        >>> CorrMatrixCholeskyTransform()(torch.eye(1))
        tensor([[1.]])
    """

    domain = constraints.corr_matrix
    codomain = tc.corr_cholesky

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Minus the log determinant of ``L -> L L'`` between strict lower triangles."""
        size = y.shape[-1]
        powers = torch.arange(size - 1, -1, -1, dtype=y.dtype, device=y.device)
        return -(powers * y.diagonal(dim1=-2, dim2=-1).log()).sum(-1)


class LowerCholeskyAffine(Transform):
    """``loc + scale_tril @ x``.

    Args:
        loc: vector.
        scale_tril: lower triangular matrix with a positive diagonal.

    Example:
        >>> LowerCholeskyAffine(torch.ones(2), 2 * torch.eye(2))(torch.ones(2))
        tensor([3., 3.])
    """

    domain = tc.real_vector
    codomain = tc.real_vector
    bijective = True

    def __init__(self, loc: Tensor, scale_tril: Tensor, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.loc, self.scale_tril = loc, scale_tril

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same map, remembering its last result or not."""
        return self if cache_size == self._cache_size else LowerCholeskyAffine(self.loc, self.scale_tril, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + (self.scale_tril @ x.unsqueeze(-1)).squeeze(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        shifted = (y - self.loc).unsqueeze(-1)
        return torch.linalg.solve_triangular(self.scale_tril, shifted, upper=False).squeeze(-1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Sum of the log diagonal, for each vector."""
        log_det = self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return log_det.expand(torch.broadcast_shapes(log_det.shape, x.shape[:-1]))

    def forward_shape(self, shape: Any) -> torch.Size:
        """Shape of the result, broadcast with the parameters."""
        return torch.broadcast_shapes(shape, self.loc.shape, self.scale_tril.shape[:-1])

    inverse_shape = forward_shape
