"""`biject_to`: for each constraint the bijection from unconstrained space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from .. import constraints
from ..constraints import Constraint
from .base import (
    ComposeTransform,
    IdentityTransform,
    IndependentTransform,
    Transform,
)
from .concatenated import CatTransform
from .elementwise import (
    AffineTransform,
    ExpTransform,
    SigmoidTransform,
    SoftplusTransform,
)
from .matrix import (
    CholeskyTransform,
    CorrCholeskyTransform,
    CorrMatrixCholeskyTransform,
    LowerCholeskyTransform,
    ScaledUnitLowerCholeskyTransform,
    SoftplusLowerCholeskyTransform,
)
from .vector import (
    L1BallTransform,
    OrderedTransform,
    StickBreakingTransform,
    ZeroSumTransform,
)

__all__ = ["ConstraintRegistry", "biject_to"]

Factory = Callable[[Any], Transform]
F = TypeVar("F", bound=Factory)


class ConstraintRegistry:
    """From constraints to transforms onto them.

    Example:
        >>> from twofold_jax.distributions import constraints
        >>> float(biject_to(constraints.positive)(0.0))
        1.0
    """

    def __init__(self) -> None:
        self._factories: dict[type, Factory] = {}

    @overload
    def register(self, constraint: type[Constraint] | Constraint) -> Callable[[F], F]: ...

    @overload
    def register(self, constraint: type[Constraint] | Constraint, factory: F) -> F: ...

    def register(self, constraint: type[Constraint] | Constraint, factory: F | None = None) -> F | Callable[[F], F]:
        """Use ``factory(constraint)`` for constraints of a class; without ``factory``, a decorator.

        Args:
            constraint: a class of constraints, or one of its instances.
            factory: from an instance to the transform.
        """
        if factory is None:
            return lambda fn: self.register(constraint, fn)
        self._factories[constraint if isinstance(constraint, type) else type(constraint)] = factory
        return factory

    def __call__(self, constraint: Constraint) -> Transform:
        """Transform from unconstrained space onto ``constraint``.

        Raises:
            NotImplementedError: none is known.
        """
        for cls in type(constraint).__mro__:
            factory = self._factories.get(cls)
            if factory is not None:
                return factory(constraint)
        reason = "its values are discrete" if getattr(constraint, "is_discrete", False) else "none is registered"
        raise NotImplementedError(f"no bijection from unconstrained space onto {constraint!r}: {reason}")


biject_to = ConstraintRegistry()
"""Bijection from unconstrained space onto a constraint."""


@biject_to.register(constraints.real)
def _real(constraint: Constraint) -> Transform:
    return IdentityTransform()


@biject_to.register(constraints.independent)
def _independent(constraint: Any) -> Transform:
    return IndependentTransform(biject_to(constraint.base_constraint), constraint.reinterpreted_batch_ndims)


@biject_to.register(constraints.positive)
@biject_to.register(constraints.nonnegative)
def _positive(constraint: Constraint) -> Transform:
    return ExpTransform()


@biject_to.register(constraints.softplus_positive)
def _softplus_positive(constraint: Constraint) -> Transform:
    return SoftplusTransform()


@biject_to.register(constraints.greater_than)
def _greater_than(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.lower_bound, 1.0, constraints.positive)])


@biject_to.register(constraints.less_than)
def _less_than(constraint: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint.upper_bound, -1.0, constraints.positive)])


@biject_to.register(constraints.unit_interval)
def _unit_interval(constraint: Constraint) -> Transform:
    return SigmoidTransform()


@biject_to.register(constraints.interval)
def _interval(constraint: Any) -> Transform:
    width = constraint.upper_bound - constraint.lower_bound
    return ComposeTransform(
        [SigmoidTransform(), AffineTransform(constraint.lower_bound, width, constraints.unit_interval)]
    )


@biject_to.register(constraints.cat)
def _cat(constraint: Any) -> Transform:
    return CatTransform([biject_to(c) for c in constraint.cseq], constraint.dim, constraint.lengths)


@biject_to.register(constraints.zero_sum)
def _zero_sum(constraint: Any) -> Transform:
    return ZeroSumTransform(constraint.event_dim)


@biject_to.register(constraints.positive_ordered_vector)
def _positive_ordered_vector(constraint: Constraint) -> Transform:
    return ComposeTransform([OrderedTransform(), ExpTransform(constraints.ordered_vector)])


@biject_to.register(constraints.positive_definite)
@biject_to.register(constraints.positive_semidefinite)
def _positive_definite(constraint: Constraint) -> Transform:
    return ComposeTransform([LowerCholeskyTransform(), CholeskyTransform().inv])


@biject_to.register(constraints.corr_matrix)
def _corr_matrix(constraint: Constraint) -> Transform:
    return ComposeTransform([CorrCholeskyTransform(), CorrMatrixCholeskyTransform().inv])


for _constraint, _transform in (
    (constraints.simplex, StickBreakingTransform),
    (constraints.ordered_vector, OrderedTransform),
    (constraints.l1_ball, L1BallTransform),
    (constraints.lower_cholesky, LowerCholeskyTransform),
    (constraints.softplus_lower_cholesky, SoftplusLowerCholeskyTransform),
    (constraints.scaled_unit_lower_cholesky, ScaledUnitLowerCholeskyTransform),
    (constraints.corr_cholesky, CorrCholeskyTransform),
):
    biject_to.register(_constraint, lambda _, transform=_transform: transform())
