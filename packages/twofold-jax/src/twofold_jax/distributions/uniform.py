"""The Uniform law on an interval."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ..errors import SupportError
from ..ops.arrays import is_concrete
from ..ops.kernel import kernel
from . import constraints
from .base import Distribution, Shape
from .constraints import Constraint

__all__ = ["Uniform"]


@kernel
def _log_prob(value: Array, low: Array, high: Array) -> Array:
    inside = (value >= low) & (value <= high)
    return jnp.where(inside, -jnp.log(jnp.asarray(high - low, jnp.result_type(float, low, high))), -jnp.inf)


@kernel(static=("shape",))
def _sample(key: Array, low: Array, high: Array, shape: Shape) -> Array:
    draws = low + (high - low) * jax.random.uniform(key, shape, jnp.result_type(float, low, high))
    return jnp.clip(draws, low, high)  # rounding may step over the upper end


class Uniform(Distribution):
    """Uniform law: density ``1 / (high - low)`` from ``low`` to ``high``.

    Args:
        low: lower end, any real.  Default 0.
        high: upper end, greater than ``low``.  Default 1.

    Raises:
        SupportError: checks are on and some ``low`` is not less than its ``high``.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 26.

    Example:
        >>> round(float(Uniform(0.0, 2.0).log_prob(0.5)), 4)
        -0.6931
    """

    arg_constraints = {"low": constraints.real, "high": constraints.real}
    reparametrized_params = ("low", "high")

    low: Array
    high: Array

    def __init__(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0, *, validate_args: bool | None = None) -> None:
        self._set(validate_args, low=low, high=high)
        if self._is_checked and is_concrete(self.low) and is_concrete(self.high):
            ends = np.broadcast_arrays(np.asarray(self.low), np.asarray(self.high))
            wrong = np.argwhere(~(ends[0] < ends[1]))
            if len(wrong):
                at = tuple(wrong[0])
                raise SupportError(
                    "argument 'high' of Uniform is not greater than 'low'",
                    seen=f"low {ends[0][at]}, high {ends[1][at]}" + (f" at {list(map(int, at))}" if at else ""),
                    expected="low < high",
                    suggestion="swap the ends, or use Delta for a single value",
                )

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:
        """From ``low`` to ``high``."""
        return constraints.interval(self.low, self.high)

    def _sample(self, key: Array, shape: Shape) -> Array:
        return _sample(key, self.low, self.high, shape=shape)

    def _log_prob(self, value: ArrayLike) -> Array:
        return _log_prob(value, self.low, self.high)

    @property
    def mean(self) -> Array:
        return self._spread(0.5 * self.low + 0.5 * self.high)

    @property
    def variance(self) -> Array:
        return self._spread(jnp.square(self.high - self.low) / 12.0)

    def cdf(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        return jnp.clip((value - self.low) / (self.high - self.low), 0.0, 1.0)

    def icdf(self, q: ArrayLike) -> Array:
        q = jnp.asarray(q)
        return self.low + q * (self.high - self.low)

    def entropy(self) -> Array:
        return self._spread(jnp.log(self.high - self.low))
