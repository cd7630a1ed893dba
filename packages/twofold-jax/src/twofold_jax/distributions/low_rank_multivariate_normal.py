"""The Normal law of vectors whose covariance is a diagonal plus a matrix of low rank."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..errors import ShapeError
from ..ops.arrays import broadcast_shapes, shape_of
from ..ops.kernel import kernel
from ..ops.linalg import cholesky, half_log_det, solve_lower
from . import constraints
from .base import Distribution, Shape

__all__ = ["LowRankMultivariateNormal"]

_LOG_TWO_PI = math.log(2.0 * math.pi)


def _capacitance(cov_factor: Array, cov_diag: Array) -> tuple[Array, Array]:
    """``cov_factor.T / cov_diag``, and the Cholesky factor of ``I + cov_factor.T / cov_diag @ cov_factor``."""
    weighted = jnp.swapaxes(cov_factor / cov_diag[..., None], -2, -1)
    inner = jnp.eye(cov_factor.shape[-1], dtype=weighted.dtype) + jnp.matmul(weighted, cov_factor)
    return weighted, cholesky(inner)


@kernel
def _log_prob(value: Array, loc: Array, cov_factor: Array, cov_diag: Array) -> Array:
    shift = value - loc
    weighted, factor = _capacitance(cov_factor, cov_diag)
    white = solve_lower(factor, jnp.einsum("...ij,...j->...i", weighted, shift))
    distance = jnp.sum(shift * shift / cov_diag, axis=-1) - jnp.sum(white * white, axis=-1)
    log_det = 2.0 * half_log_det(factor) + jnp.sum(jnp.log(cov_diag), axis=-1)
    return -0.5 * (distance + log_det + cov_factor.shape[-2] * _LOG_TWO_PI)


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, cov_factor: Array, cov_diag: Array, shape: Shape) -> Array:
    dtype = jnp.result_type(float, loc, cov_factor, cov_diag)
    size, rank = cov_factor.shape[-2:]
    factor_key, diagonal_key = jax.random.split(key)
    common = jax.random.normal(factor_key, (*shape, rank), dtype)
    own = jax.random.normal(diagonal_key, (*shape, size), dtype)
    return loc + jnp.einsum("...ij,...j->...i", cov_factor, common) + jnp.sqrt(cov_diag) * own


@kernel
def _entropy(cov_factor: Array, cov_diag: Array) -> Array:
    log_det = half_log_det(_capacitance(cov_factor, cov_diag)[1]) + 0.5 * jnp.sum(jnp.log(cov_diag), axis=-1)
    return 0.5 * cov_factor.shape[-2] * (1.0 + _LOG_TWO_PI) + log_det


class LowRankMultivariateNormal(Distribution):
    """Normal law of vectors with covariance ``cov_factor @ cov_factor.T + diag(cov_diag)``.

    Args:
        loc: mean, of shape ``batch_shape + (n,)``.
        cov_factor: any real, of shape ``batch_shape + (n, rank)``.
        cov_diag: positive, of shape ``batch_shape + (n,)``.

    Raises:
        ShapeError: the last dims do not fit.

    Source: Woodbury (1950), Inverting modified matrices, Princeton Statistical Research Group, Memo 42.

    Example:
        >>> law = LowRankMultivariateNormal(jnp.zeros(2), jnp.zeros((2, 1)), jnp.ones(2))
        >>> round(float(law.log_prob(jnp.zeros(2))), 4)
        -1.8379
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.real_matrix,
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    reparametrized_params = ("loc", "cov_factor", "cov_diag")

    loc: Array
    cov_factor: Array
    cov_diag: Array

    def __init__(
        self, loc: ArrayLike, cov_factor: ArrayLike, cov_diag: ArrayLike, *, validate_args: bool | None = None
    ) -> None:
        self._set(validate_args, loc=loc, cov_factor=cov_factor, cov_diag=cov_diag)

    def _infer_batch_shape(self) -> Shape:
        loc, factor, diag = shape_of(self.loc), shape_of(self.cov_factor), shape_of(self.cov_diag)
        if not loc or not diag or len(factor) < 2 or not loc[-1] == diag[-1] == factor[-2]:
            raise ShapeError(
                "the arguments of LowRankMultivariateNormal do not fit",
                seen=f"loc {loc}, cov_factor {factor}, cov_diag {diag}",
                expected="loc (..., n), cov_factor (..., n, rank), cov_diag (..., n)",
            )
        return broadcast_shapes(loc[:-1], factor[:-2], diag[:-1], what="the arguments of LowRankMultivariateNormal")

    def _infer_event_shape(self) -> Shape:
        return shape_of(self.loc)[-1:]

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.loc, self.cov_factor, self.cov_diag, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.loc, self.cov_factor, self.cov_diag)

    @property
    def covariance_matrix(self) -> Array:
        """Covariance of the entries."""
        outer = jnp.matmul(self.cov_factor, jnp.swapaxes(self.cov_factor, -2, -1))
        diagonal = jnp.asarray(self.cov_diag)[..., None] * jnp.eye(self.event_shape[0])
        return outer + diagonal

    @property
    def scale_tril(self) -> Array:
        """Cholesky factor of the covariance."""
        return cholesky(self.covariance_matrix)

    @property
    def mean(self) -> Array:
        return self._spread(self.loc)

    @property
    def variance(self) -> Array:
        return self._spread(jnp.sum(jnp.square(self.cov_factor), axis=-1) + self.cov_diag)

    @property
    def mode(self) -> Array:
        return self.mean

    def entropy(self) -> Array:
        return jnp.broadcast_to(_entropy(self.cov_factor, self.cov_diag), self.batch_shape)
