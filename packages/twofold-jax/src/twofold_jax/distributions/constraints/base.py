"""What a constraint is: a set of values, with a membership test and a member."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from jax.typing import ArrayLike

from ...ops.arrays import namespace
from ...ops.records import Record

__all__ = ["Constraint", "SingletonConstraint", "dependent", "dependent_property", "independent", "is_dependent"]


class Constraint(Record):
    """Set of values of a parameter or a random variable.

    ``constraint(x)`` tells for each entry, or each event for constraints of vectors and matrices, whether it lies in
    the set; NumPy arguments are answered by NumPy, JAX arguments by JAX.  Constraints are pytrees whose leaves are
    their bounds, compare by value, and survive pickling.

    Example:
        >>> from twofold_jax.distributions import constraints
        >>> constraints.interval(0.0, 2.0)(np.array([-1.0, 1.0]))
        array([False,  True])
    """

    is_discrete: bool = False
    """Whether the values are isolated points."""
    event_dim: int = 0
    """Number of rightmost dims that make up one value."""

    def __call__(self, x: ArrayLike) -> Any:
        """Whether each entry (or event) of ``x`` lies in the set."""
        raise NotImplementedError(f"{type(self).__name__} defines no membership test")

    def check(self, value: ArrayLike) -> Any:
        """Another name of calling the constraint."""
        return self(value)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        """A member of the set, of the shape and dtype of ``prototype``."""
        raise NotImplementedError(f"{type(self).__name__} names no feasible value")


class SingletonConstraint(Constraint):
    """Constraint without bounds: one instance per class, also after pickling, so that ``is`` compares."""

    _instance: ClassVar[Constraint | None] = None

    def __new__(cls) -> Self:
        instance = cls.__dict__.get("_instance")
        if instance is None:
            instance = super().__new__(cls)
            cls._instance = instance
        return instance

    @classmethod
    def tree_unflatten(cls, static: tuple[Any, ...], bounds: tuple[Any, ...]) -> Self:
        return cls()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class Dependent(Constraint):
    """Set that depends on other arguments of the law; it cannot be tested by itself.

    Args:
        is_discrete: whether its values are isolated points, where that is known.
        event_dim: number of dims of one value, where that is known.
    """

    static_names: ClassVar[tuple[str, ...]] = ("is_discrete", "event_dim")

    def __init__(self, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, x: Any = None, *, is_discrete: bool | None = None, event_dim: int | None = None) -> Any:
        """With keywords only, a dependent constraint with those properties; membership itself cannot be decided."""
        if x is not None:
            raise ValueError("a dependent constraint has no membership test; ask the `support` of an instance")
        return Dependent(
            is_discrete=self.is_discrete if is_discrete is None else is_discrete,
            event_dim=self.event_dim if event_dim is None else event_dim,
        )


dependent = Dependent()


def is_dependent(constraint: object) -> bool:
    """Whether ``constraint`` can only be known from an instance of its law.

    Example:
        >>> is_dependent(dependent)
        True
    """
    return isinstance(constraint, (Dependent, dependent_property))


class dependent_property(property):
    """Property of a law that returns a constraint depending on its arguments.

    Args:
        fn: function of the law.
        is_discrete: whether the values are isolated points.
        event_dim: number of dims of one value.

    Example:
        >>> class Law:
        ...     @dependent_property(is_discrete=False, event_dim=0)
        ...     def support(self):
        ...         return dependent
        >>> is_dependent(Law.support)
        True
    """

    def __init__(self, fn: Any = None, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        super().__init__(fn)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fn: Any) -> dependent_property:
        """Decorate ``fn`` after the keywords were given."""
        return dependent_property(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


class independent(Constraint):
    """All of the last ``reinterpreted_batch_ndims`` batch dims of ``base_constraint`` together.

    Args:
        base_constraint: constraint of the parts.
        reinterpreted_batch_ndims: how many dims become part of the event.

    Example:
        >>> from twofold_jax.distributions import constraints
        >>> print(independent(constraints.positive, 1)(np.array([[1.0, 2.0], [1.0, -2.0]])))
        [ True False]
    """

    leaf_names: ClassVar[tuple[str, ...]] = ("base_constraint",)
    static_names: ClassVar[tuple[str, ...]] = ("reinterpreted_batch_ndims",)

    base_constraint: Constraint
    reinterpreted_batch_ndims: int

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        if isinstance(base_constraint, independent):
            reinterpreted_batch_ndims += base_constraint.reinterpreted_batch_ndims
            base_constraint = base_constraint.base_constraint
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, independent):
            return False
        same_dims = self.reinterpreted_batch_ndims == other.reinterpreted_batch_ndims
        return same_dims and self.base_constraint == other.base_constraint

    def __hash__(self) -> int:
        return hash((self.base_constraint, self.reinterpreted_batch_ndims))

    def __call__(self, x: ArrayLike) -> Any:
        inside = self.base_constraint(x)
        ndims = min(self.reinterpreted_batch_ndims, np.ndim(inside))
        return namespace(inside).all(inside, axis=tuple(range(-ndims, 0)))

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return self.base_constraint.feasible_like(prototype)
