"""The LKJ law of correlation matrices, in terms of their Cholesky factors."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jax.typing import ArrayLike

from ..errors import ShapeError
from ..ops.arrays import finfo
from ..ops.kernel import kernel
from ..ops.linalg import from_strict_lower
from . import constraints
from .base import Distribution, Shape

__all__ = ["LKJCholesky"]


def _row_concentration(concentration: Array, dimension: int) -> Array:
    """For each row below the first one, the second concentration of the Beta law of its squared length."""
    rows = np.arange(1, dimension)
    return jnp.asarray(concentration)[..., None] + 0.5 * (dimension - 1 - rows)


@kernel(static=("dimension",))
def _log_prob(value: Array, concentration: Array, dimension: int) -> Array:
    rows = np.arange(1, dimension)
    beta = _row_concentration(concentration, dimension)
    diagonal = jnp.diagonal(value, axis1=-2, axis2=-1)[..., 1:]
    log_norm = gammaln(beta + 0.5 * rows) - gammaln(beta) - 0.5 * rows * math.log(math.pi)
    return jnp.sum(2.0 * (beta - 1.0) * jnp.log(diagonal) + log_norm, axis=-1)


@kernel(static=("dimension", "shape"))
def _onion(key: Array, concentration: Array, dimension: int, shape: Shape) -> Array:
    """Rows with uniform directions and Beta squared lengths; what is missing to length 1 stands on the diagonal."""
    dtype = jnp.result_type(float, concentration)
    length_key, direction_key = jax.random.split(key)
    rows = np.arange(1, dimension)
    beta = _row_concentration(concentration, dimension).astype(dtype)
    square = jax.random.beta(length_key, jnp.asarray(0.5 * rows, dtype), beta, (*shape, dimension - 1), dtype)
    entries = jax.random.normal(direction_key, (*shape, dimension * (dimension - 1) // 2), dtype)
    direction = from_strict_lower(entries, dimension)[..., 1:, :]
    direction = direction / jnp.sqrt(jnp.sum(jnp.square(direction), axis=-1, keepdims=True))
    lower = jnp.pad(direction * jnp.sqrt(square)[..., None], [(0, 0)] * len(shape) + [(1, 0), (0, 0)])
    rest = jnp.maximum(1.0 - square, finfo(dtype).tiny)
    diagonal = jnp.concatenate([jnp.ones((*shape, 1), dtype), jnp.sqrt(rest)], axis=-1)
    return lower + diagonal[..., None] * jnp.eye(dimension, dtype=dtype)


@kernel(static=("dimension", "shape"))
def _cvine(key: Array, concentration: Array, dimension: int, shape: Shape) -> Array:
    """Partial correlations from Beta laws, each a share of what its row has left."""
    dtype = jnp.result_type(float, concentration)
    column = np.tril_indices(dimension, -1)[1]
    beta = (jnp.asarray(concentration)[..., None] + 0.5 * (dimension - 2 - column)).astype(dtype)
    count = dimension * (dimension - 1) // 2
    share = from_strict_lower(2.0 * jax.random.beta(key, beta, beta, (*shape, count), dtype) - 1.0, dimension)
    left = jnp.cumsum(jnp.log1p(-jnp.minimum(jnp.square(share), 1.0 - finfo(dtype).epsneg)), axis=-1)
    before = jnp.pad(left[..., :-1], [(0, 0)] * (len(shape) + 1) + [(1, 0)])
    return (share + jnp.eye(dimension, dtype=dtype)) * jnp.exp(0.5 * before)


class LKJCholesky(Distribution):
    """Law of Cholesky factors ``L`` of correlation matrices whose density is proportional to ``det(L @ L.T)**(c - 1)``.

    Args:
        dimension: side of the matrix, at least 2.
        concentration: ``c``, positive; 1 is uniform over correlation matrices, larger is closer to the identity.
        sample_method: ``"onion"`` or ``"cvine"``, two ways to draw from the same law.

    Raises:
        ShapeError: ``dimension`` is below 2.
        ValueError: ``sample_method`` is neither.

    Source: Lewandowski, Kurowicka and Joe (2009), J. Multivariate Analysis 100(9), sections 2.3 and 3.2.

    Example:
        >>> round(float(LKJCholesky(2, 1.0).log_prob(jnp.eye(2))), 4)
        -0.6931
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    reparametrized_params = ("concentration",)
    pytree_aux_fields = ("dimension", "sample_method")

    dimension: int
    concentration: Array

    def __init__(
        self,
        dimension: int,
        concentration: ArrayLike = 1.0,
        sample_method: str = "onion",
        *,
        validate_args: bool | None = None,
    ) -> None:
        if dimension < 2:
            raise ShapeError("LKJCholesky needs a dimension of at least 2", seen=dimension)
        if sample_method not in ("onion", "cvine"):
            raise ValueError(f"LKJCholesky draws by 'onion' or 'cvine', not {sample_method!r}")
        self.dimension, self.sample_method = dimension, sample_method
        self._set(validate_args, concentration=concentration)

    def _infer_event_shape(self) -> Shape:
        return (self.dimension, self.dimension)

    def _sample(self, key: Array, shape: Shape) -> Array:
        draw = _onion if self.sample_method == "onion" else _cvine
        return draw(key, self.concentration, dimension=self.dimension, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.concentration, dimension=self.dimension)
