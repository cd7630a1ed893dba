"""Linear algebra of triangular factors."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["cholesky", "cholesky_of_inverse", "squared_length"]


def cholesky(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Lower Cholesky factor, and whether each matrix is positive definite.

    Args:
        matrix: symmetric, shape ``(..., n, n)``.

    Returns:
        The factor ``(..., n, n)``, of no use where the flag, of shape ``(...)``, is False.

    Example:
        >>> cholesky(4 * torch.eye(1))
        (tensor([[2.]]), tensor(True))
    """
    factor, info = torch.linalg.cholesky_ex(matrix)
    return factor, info == 0


def cholesky_of_inverse(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Lower Cholesky factor of the inverse of ``matrix``, without forming the inverse.

    With rows and columns in reverse order the factor ``U`` of the matrix is upper triangular, and ``inv(U).T`` is the
    factor of the inverse.

    Returns:
        The factor, and whether each matrix is positive definite.

    Example:
        >>> cholesky_of_inverse(4 * torch.eye(1))
        (tensor([[0.5000]]), tensor(True))
    """
    reversed_factor, info = torch.linalg.cholesky_ex(matrix.flip(-2, -1))
    upper = reversed_factor.flip(-2, -1)
    eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return torch.linalg.solve_triangular(upper, eye, upper=True).mT, info == 0


def squared_length(scale_tril: Tensor, x: Tensor) -> Tensor:
    """Squared length of ``inv(scale_tril) @ x``.

    Args:
        scale_tril: lower triangular, ``(..., n, n)``.
        x: vectors ``(..., n)``; batch dims broadcast.

    Returns:
        Shape of the broadcast batch dims.

    Example:
        >>> squared_length(2 * torch.eye(2), torch.tensor([2.0, 4.0]))
        tensor(5.)
    """
    if scale_tril.dim() == 2 and x.dim() > 1:  # one factor for all: one solve with many columns
        columns = x.reshape(-1, x.shape[-1]).T
        return torch.linalg.solve_triangular(scale_tril, columns, upper=False).square().sum(0).reshape(x.shape[:-1])
    solution = torch.linalg.solve_triangular(scale_tril, x.unsqueeze(-1), upper=False)
    return solution.squeeze(-1).square().sum(-1)
