"""The Normal law of vectors, by covariance, precision or Cholesky factor."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..errors import ShapeError, SupportError
from ..ops.arrays import broadcast_shapes, shape_of
from ..ops.kernel import kernel
from ..ops.linalg import cholesky, cholesky_of_inverse, half_log_det, solve_lower
from . import constraints
from .base import Distribution, Shape
from .kl import register_kl
from .normal import Normal
from .wrappers import Independent

__all__ = ["MultivariateNormal"]

_LOG_TWO_PI = math.log(2.0 * math.pi)


def _float(*arrays: Array) -> list[Array]:
    dtype = jnp.result_type(float, *arrays)
    return [jnp.asarray(array, dtype) for array in arrays]


@kernel
def _tril_log_prob(value: Array, loc: Array, scale_tril: Array) -> Array:
    shift, factor = _float(value - loc, scale_tril)
    shift = jnp.broadcast_to(shift, (*shift.shape[:-1], factor.shape[-1]))
    white = solve_lower(factor, shift)
    return -0.5 * jnp.sum(white * white, axis=-1) - half_log_det(factor) - 0.5 * factor.shape[-1] * _LOG_TWO_PI


@kernel
def _precision_log_prob(value: Array, loc: Array, precision_matrix: Array) -> Array:
    shift, precision = _float(value - loc, precision_matrix)
    factor = cholesky(precision)
    white = jnp.einsum("...ij,...i->...j", factor, shift)
    return -0.5 * jnp.sum(white * white, axis=-1) + half_log_det(factor) - 0.5 * factor.shape[-1] * _LOG_TWO_PI


@kernel
def _cholesky(covariance_matrix: Array) -> Array:
    return cholesky(_float(covariance_matrix)[0])


@kernel
def _cholesky_of_inverse(precision_matrix: Array) -> Array:
    return cholesky_of_inverse(_float(precision_matrix)[0])


@kernel
def _outer(scale_tril: Array) -> Array:
    return jnp.matmul(scale_tril, jnp.swapaxes(scale_tril, -2, -1))


@kernel
def _inverse_outer(scale_tril: Array) -> Array:
    identity = jnp.broadcast_to(jnp.eye(scale_tril.shape[-1]), jnp.shape(scale_tril))
    inverse = jax.scipy.linalg.solve_triangular(scale_tril, identity, lower=True)
    return jnp.matmul(jnp.swapaxes(inverse, -2, -1), inverse)


@kernel(static=("shape",))
def _sample(key: Array, loc: Array, scale_tril: Array, shape: Shape) -> Array:
    loc, factor = _float(loc, scale_tril)
    white = jax.random.normal(key, (*shape, factor.shape[-1]), factor.dtype)
    return loc + jnp.einsum("...ij,...j->...i", factor, white)


class MultivariateNormal(Distribution):
    """Normal law of vectors with mean ``loc`` and covariance ``scale_tril @ scale_tril.T``.

    Args:
        loc: mean, of shape ``batch_shape + (n,)``, or a scalar for all entries.  Default 0.
        covariance_matrix: positive definite, of shape ``batch_shape + (n, n)``.
        precision_matrix: its inverse.
        scale_tril: its Cholesky factor; the cheapest of the three.  Give exactly one.

    Raises:
        SupportError: none of the three matrices is given, or more than one.
        ShapeError: ``loc`` and the matrix do not fit.

    Source: Kotz, Balakrishnan and Johnson (2000), Continuous Multivariate Distributions 1, ch. 45.

    Example:
        >>> law = MultivariateNormal(jnp.zeros(2), scale_tril=jnp.eye(2))
        >>> round(float(law.log_prob(jnp.zeros(2))), 4)
        -1.8379
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    reparametrized_params = ("loc", "covariance_matrix", "precision_matrix", "scale_tril")

    loc: Array

    def __init__(
        self,
        loc: ArrayLike = 0.0,
        covariance_matrix: ArrayLike | None = None,
        precision_matrix: ArrayLike | None = None,
        scale_tril: ArrayLike | None = None,
        *,
        validate_args: bool | None = None,
    ) -> None:
        named = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given: dict[str, Any] = {name: matrix for name, matrix in named.items() if matrix is not None}
        if len(given) != 1:
            raise SupportError(
                "MultivariateNormal needs exactly one matrix",
                seen=", ".join(given) or "none",
                expected="one of covariance_matrix, precision_matrix and scale_tril",
            )
        self._set(validate_args, loc=loc, **given)

    @property
    def _matrix(self) -> tuple[str, Any]:
        """Name and value of the matrix that was given."""
        own = self.__dict__
        for name in ("scale_tril", "covariance_matrix", "precision_matrix"):
            if name in own:
                return name, own[name]
        raise AttributeError("MultivariateNormal without a matrix")

    def _infer_batch_shape(self) -> Shape:
        name, matrix = self._matrix
        shape, loc = shape_of(matrix), shape_of(self.loc)
        if len(shape) < 2 or shape[-1] != shape[-2] or (loc and loc[-1] not in (1, shape[-1])):
            raise ShapeError(
                f"loc and {name} of MultivariateNormal do not fit",
                seen=f"loc {loc}, {name} {shape}",
                expected="loc (..., n) and a matrix (..., n, n)",
                suggestion="for independent entries use Normal(...).to_event(1)",
            )
        return broadcast_shapes(loc[:-1], shape[:-2], what=f"loc and {name} of MultivariateNormal")

    def _infer_event_shape(self) -> Shape:
        return shape_of(self._matrix[1])[-1:]

    @property
    def scale_tril(self) -> Array:
        """Cholesky factor of the covariance."""
        name, matrix = self._matrix
        if name == "scale_tril":
            return matrix
        return _cholesky(matrix) if name == "covariance_matrix" else _cholesky_of_inverse(matrix)

    @property
    def covariance_matrix(self) -> Array:
        """Covariance of the entries."""
        name, matrix = self._matrix
        return matrix if name == "covariance_matrix" else _outer(self.scale_tril)

    @property
    def precision_matrix(self) -> Array:
        """Inverse of the covariance."""
        name, matrix = self._matrix
        return matrix if name == "precision_matrix" else _inverse_outer(self.scale_tril)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.loc, self.scale_tril, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        name, matrix = self._matrix
        if name == "precision_matrix":
            return _precision_log_prob(value, self.loc, matrix)
        return _tril_log_prob(value, self.loc, self.scale_tril)

    @property
    def mean(self) -> Array:
        return self._spread(self.loc)

    @property
    def variance(self) -> Array:
        return self._spread(jnp.sum(jnp.square(self.scale_tril), axis=-1))

    @property
    def mode(self) -> Array:
        return self.mean

    def entropy(self) -> Array:
        constant = 0.5 * self.event_shape[0] * (1.0 + _LOG_TWO_PI)
        return jnp.broadcast_to(constant + half_log_det(self.scale_tril), self.batch_shape)


@kernel
def _kl(p_loc: Array, p_tril: Array, q_loc: Array, q_tril: Array) -> Array:
    size = q_tril.shape[-1]
    batch = broadcast_shapes(p_tril.shape[:-2], q_tril.shape[:-2])
    p_tril, q_tril = (jnp.broadcast_to(factor, (*batch, size, size)) for factor in (p_tril, q_tril))
    ratio = jax.scipy.linalg.solve_triangular(q_tril, p_tril, lower=True)
    shift = jnp.broadcast_to(p_loc - q_loc, broadcast_shapes(jnp.shape(p_loc - q_loc), (size,)))
    distance = jnp.sum(jnp.square(solve_lower(q_tril, shift)), axis=-1)
    spread = jnp.sum(jnp.square(ratio), axis=(-2, -1))
    return 0.5 * (spread + distance - size) + half_log_det(q_tril) - half_log_det(p_tril)


@register_kl(MultivariateNormal, MultivariateNormal)
def _kl_mvn_mvn(p: MultivariateNormal, q: MultivariateNormal) -> Array:
    return _kl(p.loc, p.scale_tril, q.loc, q.scale_tril)


@register_kl(Independent, MultivariateNormal)
def _kl_independent_mvn(p: Independent, q: MultivariateNormal) -> Array:
    base = p.base_dist
    if not isinstance(base, Normal) or p.reinterpreted_batch_ndims != 1:
        raise NotImplementedError(f"no closed form is known for the divergence of {q} from {p}")
    scale = jnp.broadcast_to(base.scale, (*base.batch_shape[:-1], q.event_shape[0]))
    return _kl(base.loc, scale[..., None] * jnp.eye(q.event_shape[0], dtype=scale.dtype), q.loc, q.scale_tril)
