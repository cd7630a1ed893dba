"""From a constraint to a transform of unconstrained space onto it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.distributions import biject_to as torch_biject_to
from torch.distributions import constraint_registry
from torch.distributions import constraints as tc
from torch.distributions import transform_to as torch_transform_to
from torch.distributions.transforms import (
    AffineTransform,
    CatTransform,
    ComposeTransform,
    ExpTransform,
    IndependentTransform,
    SigmoidTransform,
    SoftplusTransform,
    StackTransform,
    Transform,
    identity_transform,
)

from .. import constraints
from .bounded import GreaterThanTransform, LessThanTransform, PositiveTransform
from .cholesky import (
    CholeskyTransform,
    CorrMatrixCholeskyTransform,
    LowerCholeskyVectorTransform,
    ScaledUnitLowerCholeskyTransform,
    SoftplusLowerCholeskyTransform,
    UnitLowerCholeskyTransform,
)
from .correlation import CorrCholeskyTransform
from .ordered import OrderedTransform
from .simplex import L1BallTransform, StickBreakingTransform
from .sphere import Normalize, ZeroSumTransform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]


class ConstraintRegistry(constraint_registry.ConstraintRegistry):
    """Finds the transform of a constraint: here, then among torch's, then for the classes that it derives from.

    ``register`` works as in torch; what is registered with torch's own registry is found as well.

    Args:
        fallback: torch's registry of the same kind.
    """

    def __init__(self, fallback: constraint_registry.ConstraintRegistry) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._fallback = fallback

    def register(self, constraint: Any, factory: Factory | None = None) -> Any:
        """Say which transform leads to a class of constraints.

        Args:
            constraint: the class, or an object of it.
            factory: gives the transform for a constraint of that class; without it, a decorator is returned.
        """
        return super().register(constraint, factory)  # type: ignore[no-untyped-call]

    def __call__(self, constraint: tc.Constraint) -> Transform:
        """The transform from unconstrained space onto ``constraint``.

        Raises:
            NotImplementedError: no transform is known; discrete constraints never have one.

        Example:
            >>> import torch
            >>> biject_to(constraints.interval(2.0, 4.0))(torch.tensor(0.0))
            tensor(3.)
        """
        for kind in type(constraint).__mro__:
            factory = self._registry.get(kind) or self._fallback._registry.get(kind)
            if factory is not None:
                transform: Transform = factory(constraint)
                return transform
        reason = "it is discrete" if _is_discrete(constraint) else "register one with .register(constraint_class)"
        raise NotImplementedError(f"no transform leads to the constraint {constraint}: {reason}")


def _is_discrete(constraint: tc.Constraint) -> bool:
    try:
        return bool(constraint.is_discrete)
    except NotImplementedError:
        return False


biject_to = ConstraintRegistry(torch_biject_to)
transform_to = ConstraintRegistry(torch_transform_to)


def _both(constraint: Any, factory: Factory) -> None:
    biject_to.register(constraint, factory)
    transform_to.register(constraint, factory)


def _interval(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, int | float) and isinstance(high, int | float) and (low, high) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(low, high - low)])


def _above(constraint: Any) -> Transform:
    bound = constraint.lower_bound
    if isinstance(bound, int | float) and bound == 0:
        return ExpTransform()
    return ComposeTransform([ExpTransform(), AffineTransform(bound, 1)])


def _above_clamped(constraint: Any) -> Transform:
    bound = constraint.lower_bound
    return PositiveTransform() if isinstance(bound, int | float) and bound == 0 else GreaterThanTransform(bound)


_both(tc.real, lambda constraint: identity_transform)
_both(type(tc.unit_interval), _interval)
_both(tc.half_open_interval, _interval)
for _kind in (tc.greater_than, tc.greater_than_eq):
    biject_to.register(_kind, _above)
    transform_to.register(_kind, _above_clamped)
biject_to.register(
    tc.less_than, lambda constraint: ComposeTransform([ExpTransform(), AffineTransform(constraint.upper_bound, -1)])
)
transform_to.register(tc.less_than, lambda constraint: LessThanTransform(constraint.upper_bound))
_both(constraints.softplus_positive, lambda constraint: SoftplusTransform())
biject_to.register(tc.simplex, lambda constraint: StickBreakingTransform())
_both(constraints.l1_ball, lambda constraint: L1BallTransform())
_both(constraints.ordered_vector, lambda constraint: OrderedTransform())
_both(
    constraints.positive_ordered_vector,
    lambda constraint: ComposeTransform([OrderedTransform(), IndependentTransform(ExpTransform(), 1)]),
)
transform_to.register(constraints.sphere, lambda constraint: Normalize())
_both(constraints.zero_sum, lambda constraint: ZeroSumTransform(constraint.event_dim))
biject_to.register(tc.lower_cholesky, lambda constraint: LowerCholeskyVectorTransform())
_both(constraints.softplus_lower_cholesky, lambda constraint: SoftplusLowerCholeskyTransform())
_both(constraints.scaled_unit_lower_cholesky, lambda constraint: ScaledUnitLowerCholeskyTransform())
_both(constraints.unit_lower_cholesky, lambda constraint: UnitLowerCholeskyTransform())
_both(tc.corr_cholesky, lambda constraint: CorrCholeskyTransform())
for _matrix in (tc.positive_definite, tc.positive_semidefinite):
    biject_to.register(
        _matrix, lambda constraint: ComposeTransform([LowerCholeskyVectorTransform(), CholeskyTransform().inv])
    )
_both(
    constraints.corr_matrix,
    lambda constraint: ComposeTransform([CorrCholeskyTransform(), CorrMatrixCholeskyTransform().inv]),
)


def _structures(registry: ConstraintRegistry) -> None:
    """Constraints made of constraints: each part is looked up again."""

    def independent(constraint: Any) -> Transform:
        base = registry(constraint.base_constraint)
        if base is identity_transform and constraint.reinterpreted_batch_ndims == 0:
            return base
        return IndependentTransform(base, constraint.reinterpreted_batch_ndims)

    registry.register(tc.independent, independent)
    registry.register(tc.cat, lambda c: CatTransform([registry(part) for part in c.cseq], dim=c.dim, lengths=c.lengths))
    registry.register(tc.stack, lambda c: StackTransform([registry(part) for part in c.cseq], dim=c.dim))


_structures(biject_to)
_structures(transform_to)
