"""Triangles and quadratic forms of batches of matrices."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import solve_triangular

from .arrays import broadcast_shapes

__all__ = ["cholesky", "cholesky_of_inverse", "from_strict_lower", "half_log_det", "solve_lower", "strict_lower"]


def from_strict_lower(entries: Array, n: int) -> Array:
    """``n`` by ``n`` matrices that are 0 but for ``entries`` below the diagonal, row by row.

    Example:
        >>> print(from_strict_lower(jnp.array([1.0, 2.0, 3.0]), 3))
        [[0. 0. 0.]
         [1. 0. 0.]
         [2. 3. 0.]]
    """
    rows, columns = np.tril_indices(n, -1)
    return jnp.zeros((*entries.shape[:-1], n, n), entries.dtype).at[..., rows, columns].set(entries)


def strict_lower(matrix: Array) -> Array:
    """Entries below the diagonal, row by row: the inverse of `from_strict_lower`."""
    rows, columns = np.tril_indices(matrix.shape[-1], -1)
    return matrix[..., rows, columns]


def cholesky(matrix: Array) -> Array:
    """Lower Cholesky factor of a symmetric positive definite matrix."""
    factor: Array = jnp.linalg.cholesky(matrix)
    return factor


def half_log_det(factor: Array) -> Array:
    """Sum of the logarithms of the diagonal of a triangular matrix."""
    return jnp.sum(jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)


def solve_lower(factor: Array, vector: Array) -> Array:
    """``factor**-1 @ vector`` for lower triangular ``factor``; batch dims broadcast, and vectors that share one
    factor are solved together.

    Example:
        >>> print(solve_lower(jnp.array([[2.0, 0.0], [2.0, 1.0]]), jnp.array([2.0, 3.0])))
        [1. 1.]
    """
    n = factor.shape[-1]
    if factor.ndim == 2:
        columns = jnp.reshape(vector, (-1, n)).T
        return jnp.reshape(solve_triangular(factor, columns, lower=True).T, vector.shape)
    batch = broadcast_shapes(factor.shape[:-2], vector.shape[:-1])
    spread = jnp.broadcast_to(vector, (*batch, n))[..., None]
    return solve_triangular(jnp.broadcast_to(factor, (*batch, n, n)), spread, lower=True)[..., 0]


def cholesky_of_inverse(precision: Array) -> Array:
    """Cholesky factor of the inverse of a positive definite matrix, without forming the inverse."""
    flipped = cholesky(jnp.flip(jnp.asarray(precision), (-2, -1)))
    upper = jnp.swapaxes(jnp.flip(flipped, (-2, -1)), -2, -1)
    identity = jnp.broadcast_to(jnp.eye(upper.shape[-1], dtype=upper.dtype), upper.shape)
    return solve_triangular(upper, identity, lower=True)
