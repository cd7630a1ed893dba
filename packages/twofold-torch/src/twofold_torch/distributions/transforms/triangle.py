"""Lower triangles as vectors, row by row."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["matrix_shape", "matrix_size", "strict_matrix", "strict_vector", "vector_shape"]


def matrix_size(length: int, diagonal: bool) -> int:
    """Size of the matrix whose lower triangle has ``length`` entries, with or without its diagonal.

    Raises:
        ValueError: no matrix has such a triangle.
    """
    size = round(((1 + 8 * length) ** 0.5 + (-1 if diagonal else 1)) / 2)
    if size * (size + (1 if diagonal else -1)) // 2 != length:
        raise ValueError(f"a vector of length {length} does not fill a lower triangle")
    return size


def matrix_shape(shape: Any, diagonal: bool) -> torch.Size:
    """Shape of the matrices that vectors of the given shape fill."""
    size = matrix_size(shape[-1], diagonal)
    return torch.Size((*shape[:-1], size, size))


def vector_shape(shape: Any, diagonal: bool) -> torch.Size:
    """Shape of the vectors that fill matrices of the given shape."""
    size = shape[-1]
    return torch.Size((*shape[:-2], size * (size + (1 if diagonal else -1)) // 2))


def strict_matrix(vector: Tensor, size: int) -> Tensor:
    """The vector below the diagonal of a zero matrix, without writing in place (so that ``vmap`` can pass)."""
    rows, columns = torch.tril_indices(size, size, -1, device=vector.device)
    place = rows * size + columns
    flat = vector.new_zeros(vector.shape[:-1] + (size * size,)).index_add(-1, place, vector)
    return flat.unflatten(-1, (size, size))


def strict_vector(matrix: Tensor) -> Tensor:
    """The entries below the diagonal, row by row."""
    size = matrix.shape[-1]
    rows, columns = torch.tril_indices(size, size, -1, device=matrix.device)
    return matrix.flatten(-2).index_select(-1, rows * size + columns)
