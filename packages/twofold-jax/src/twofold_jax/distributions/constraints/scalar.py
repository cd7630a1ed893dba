"""Constraints of single numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from jax.typing import ArrayLike

from ...ops.arrays import constant_like, namespace
from .base import Constraint, SingletonConstraint

__all__ = [
    "boolean",
    "circular",
    "complex",
    "greater_than",
    "greater_than_eq",
    "integer",
    "integer_greater_than",
    "integer_interval",
    "interval",
    "less_than",
    "less_than_eq",
    "nonnegative",
    "nonnegative_integer",
    "open_interval",
    "positive",
    "positive_integer",
    "real",
    "softplus_positive",
    "unit_interval",
]


class Real(SingletonConstraint):
    """Finite real numbers."""

    def __call__(self, x: ArrayLike) -> Any:
        return math.isfinite(x) if isinstance(x, float) else namespace(x).isfinite(x)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, 0)


class Complex(SingletonConstraint):
    """Complex numbers that are not NaN."""

    def __call__(self, x: ArrayLike) -> Any:
        return namespace(x).equal(x, x)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, 0)


class greater_than(Constraint):
    """Numbers ``x > lower_bound``.

    Args:
        lower_bound: real, any shape that broadcasts with the values.
    """

    leaf_names: ClassVar[tuple[str, ...]] = ("lower_bound",)

    def __init__(self, lower_bound: ArrayLike) -> None:
        self.lower_bound = lower_bound

    def __call__(self, x: Any) -> Any:
        return x > self.lower_bound

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, self.lower_bound + 1)


class greater_than_eq(greater_than):
    """Numbers ``x >= lower_bound``."""

    def __call__(self, x: Any) -> Any:
        return x >= self.lower_bound


class less_than(Constraint):
    """Numbers ``x < upper_bound``.

    Args:
        upper_bound: real, any shape that broadcasts with the values.
    """

    leaf_names: ClassVar[tuple[str, ...]] = ("upper_bound",)

    def __init__(self, upper_bound: ArrayLike) -> None:
        self.upper_bound = upper_bound

    def __call__(self, x: Any) -> Any:
        return x < self.upper_bound

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, self.upper_bound - 1)


class less_than_eq(less_than):
    """Numbers ``x <= upper_bound``."""

    def __call__(self, x: Any) -> Any:
        return x <= self.upper_bound


class interval(Constraint):
    """Numbers ``lower_bound <= x <= upper_bound``.

    Args:
        lower_bound: real, any shape that broadcasts with the values.
        upper_bound: real, at least ``lower_bound``.
    """

    leaf_names: ClassVar[tuple[str, ...]] = ("lower_bound", "upper_bound")

    def __init__(self, lower_bound: ArrayLike, upper_bound: ArrayLike) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def __call__(self, x: Any) -> Any:
        return (x >= self.lower_bound) & (x <= self.upper_bound)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, 0.5 * self.lower_bound + 0.5 * self.upper_bound)


class open_interval(interval):
    """Numbers ``lower_bound < x < upper_bound``."""

    def __call__(self, x: Any) -> Any:
        return (x > self.lower_bound) & (x < self.upper_bound)


class integer_interval(Constraint):
    """Integers from ``lower_bound`` to ``upper_bound``, both included.

    Args:
        lower_bound: integer, any shape that broadcasts with the values.
        upper_bound: integer, at least ``lower_bound``.
    """

    is_discrete = True
    leaf_names: ClassVar[tuple[str, ...]] = ("lower_bound", "upper_bound")

    def __init__(self, lower_bound: ArrayLike, upper_bound: ArrayLike) -> None:
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def __call__(self, x: Any) -> Any:
        return (x >= self.lower_bound) & (x <= self.upper_bound) & _is_integer(x)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, self.lower_bound)


class integer_greater_than(Constraint):
    """Integers ``x >= lower_bound`` (the bound itself belongs to the set).

    Args:
        lower_bound: integer, any shape that broadcasts with the values.
    """

    is_discrete = True
    leaf_names: ClassVar[tuple[str, ...]] = ("lower_bound",)

    def __init__(self, lower_bound: ArrayLike) -> None:
        self.lower_bound = lower_bound

    def __call__(self, x: Any) -> Any:
        return (x >= self.lower_bound) & _is_integer(x)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, self.lower_bound)


def _is_integer(x: Any) -> Any:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return True if dtype.kind in "iub" else namespace(x).floor(x) == x


class Positive(greater_than, SingletonConstraint):
    """Numbers ``x > 0``."""

    leaf_names = ()
    lower_bound = 0.0

    def __init__(self) -> None:
        pass


class SoftplusPositive(Positive):
    """Numbers ``x > 0``, reached from the real line by softplus instead of exp."""


class Nonnegative(greater_than_eq, SingletonConstraint):
    """Numbers ``x >= 0``."""

    leaf_names = ()
    lower_bound = 0.0

    def __init__(self) -> None:
        pass


class UnitInterval(interval, SingletonConstraint):
    """Numbers ``0 <= x <= 1``."""

    leaf_names = ()
    lower_bound, upper_bound = 0.0, 1.0

    def __init__(self) -> None:
        pass


class Circular(interval, SingletonConstraint):
    """Angles ``-pi <= x <= pi``."""

    leaf_names = ()
    lower_bound, upper_bound = -math.pi, math.pi

    def __init__(self) -> None:
        pass


class Boolean(integer_interval, SingletonConstraint):
    """The numbers 0 and 1, or False and True."""

    leaf_names = ()
    lower_bound, upper_bound = 0, 1

    def __init__(self) -> None:
        pass

    def __call__(self, x: Any) -> Any:
        return (x == 0) | (x == 1)


class NonnegativeInteger(integer_greater_than, SingletonConstraint):
    """The integers 0, 1, 2, …"""

    leaf_names = ()
    lower_bound = 0

    def __init__(self) -> None:
        pass


class PositiveInteger(integer_greater_than, SingletonConstraint):
    """The integers 1, 2, 3, …"""

    leaf_names = ()
    lower_bound = 1

    def __init__(self) -> None:
        pass


class Integer(SingletonConstraint):
    """All integers."""

    is_discrete = True

    def __call__(self, x: Any) -> Any:
        return namespace(x).isfinite(x) & _is_integer(x)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return constant_like(prototype, 0)


real = Real()
complex = Complex()
positive = Positive()
softplus_positive = SoftplusPositive()
nonnegative = Nonnegative()
unit_interval = UnitInterval()
circular = Circular()
boolean = Boolean()
nonnegative_integer = NonnegativeInteger()
positive_integer = PositiveInteger()
integer = Integer()
