"""Laws that are no laws in the strict sense: a point mass, a pure factor, and a density of 1 everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..errors import ShapeError
from ..ops.arrays import broadcast_shapes, shape_of
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .constraints import Constraint

__all__ = ["Delta", "ImproperUniform", "Unit"]


@kernel(static=("event_dim",))
def _log_prob(value: Array, v: Array, log_density: Array, event_dim: int) -> Array:
    equal = jnp.equal(value, v)
    equal = jnp.all(equal, axis=tuple(range(-event_dim, 0))) if event_dim else equal
    return jnp.where(equal, log_density, -jnp.inf)


class Delta(Distribution):
    """Point mass at ``v``: log density ``log_density`` at ``v`` and ``-inf`` elsewhere.

    Args:
        v: the only value, of shape ``batch_shape + event_shape``.
        log_density: log density at ``v``, of batch shape; 0 by default.
        event_dim: number of dims of one value.

    Raises:
        ShapeError: ``v`` has fewer dims than ``event_dim``.

    Example:
        >>> float(Delta(2.0, log_density=0.5).log_prob(2.0))
        0.5
    """

    arg_constraints = {"v": constraints.real, "log_density": constraints.dependent}
    reparametrized_params = ("v", "log_density")
    pytree_aux_fields = ("_ndims",)

    def __init__(
        self,
        v: ArrayLike = 0.0,
        log_density: ArrayLike = 0.0,
        event_dim: int = 0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        self._ndims = event_dim
        if event_dim > len(np.shape(v) if isinstance(v, (list, tuple)) else shape_of(v)):
            raise ShapeError(f"Delta needs {event_dim} event dims", seen=shape_of(v), expected="at least as many dims")
        self._set(validate_args, v=v, log_density=log_density)

    def _infer_batch_shape(self) -> Shape:
        shape = shape_of(self.__dict__["v"])
        return broadcast_shapes(
            shape[: len(shape) - self._ndims], shape_of(self.__dict__["log_density"]), what="v and log_density of Delta"
        )

    def _infer_event_shape(self) -> Shape:
        shape = shape_of(self.__dict__["v"])
        return shape[len(shape) - self._ndims :]

    @property
    def support(self) -> Constraint:
        return constraints.independent(constraints.real, self._ndims) if self._ndims else constraints.real

    def _sample(self, key: Array | None, shape: Shape) -> Array:
        return jnp.broadcast_to(self.__dict__["v"], shape + self.event_shape)

    @property
    def _is_random(self) -> bool:
        return False

    def _log_prob(self, value: ArrayLike) -> Array:
        own = self.__dict__
        return _log_prob(value, own["v"], own["log_density"], event_dim=self._ndims)

    @property
    def mean(self) -> Array:
        return self._spread(self.__dict__["v"])

    @property
    def variance(self) -> Array:
        return jnp.zeros(self.shape())

    @property
    def mode(self) -> Array:
        return self.mean

    def cdf(self, value: ArrayLike) -> Array:
        return jnp.where(jnp.less(value, self.__dict__["v"]), 0.0, 1.0)

    def icdf(self, q: ArrayLike) -> Array:
        return jnp.broadcast_to(self.__dict__["v"], broadcast_shapes(np.shape(q), self.shape()))

    def entropy(self) -> Array:
        return -jnp.broadcast_to(jnp.asarray(self.__dict__["log_density"], jnp.result_type(float)), self.batch_shape)


class Unit(Distribution):
    """The law of one empty value, whose log density is ``log_factor``: how a factor enters a model.

    Args:
        log_factor: log density, of batch shape.

    Example:
        >>> law = Unit(-1.5)
        >>> float(law.log_prob(law.sample(None)))
        -1.5
    """

    arg_constraints = {"log_factor": constraints.dependent}
    reparametrized_params = ("log_factor",)
    support = constraints.real_vector

    def __init__(self, log_factor: ArrayLike, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, log_factor=log_factor)

    def _infer_event_shape(self) -> Shape:
        return (0,)

    def _sample(self, key: Array | None, shape: Shape) -> Array:
        return jnp.zeros((*shape, 0))

    @property
    def _is_random(self) -> bool:
        return False

    def _log_prob(self, value: ArrayLike) -> Array:
        factor = self.__dict__["log_factor"]
        shape = broadcast_shapes(shape_of(value)[:-1], self.batch_shape)
        return factor if isinstance(factor, Array) and factor.shape == shape else jnp.broadcast_to(factor, shape)


class ImproperUniform(Distribution):
    """Density 1 everywhere on ``support``, which need not have a finite volume; it cannot be drawn from.

    Args:
        support: set of the values.
        batch_shape: shape of independent laws.
        event_shape: shape of one value.

    Example:
        >>> law = ImproperUniform(constraints.positive, (), (3,))
        >>> float(law.log_prob(np.ones(3)))
        0.0
    """

    arg_constraints = {}
    pytree_data_fields = ("_support",)

    def __init__(
        self,
        support: Constraint,
        batch_shape: tuple[int, ...] = (),
        event_shape: tuple[int, ...] = (),
        *,
        validate_args: bool | None = None,
    ) -> None:
        self._support = constraints.independent(support, len(event_shape) - support.event_dim)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    @property
    def support(self) -> Constraint:
        return self._support

    @property
    def has_rsample(self) -> bool:
        return False

    def _log_prob(self, value: ArrayLike) -> Array:
        shape = shape_of(value)
        batch = broadcast_shapes(shape[: len(shape) - self.event_dim], self.batch_shape)
        return jnp.zeros(batch, jnp.result_type(float, value))

    def expand(self, batch_shape: Sequence[int]) -> Distribution:
        return ImproperUniform(self._support, tuple(batch_shape), self.event_shape, validate_args=self._validate_args)
