"""Bijections between spaces of values, each with the log determinant of its Jacobian, and the registry of them.

``biject_to(constraint)`` maps unconstrained space one-to-one onto the constraint; ``transform_to(constraint)`` may use
more coordinates than needed, or clamp, and suits optimisers. Both know every continuous constraint of this package.
"""

from torch.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

from .bounded import GreaterThanTransform, LessThanTransform, PositiveTransform
from .cholesky import (
    CholeskyTransform,
    CorrMatrixCholeskyTransform,
    LowerCholeskyAffine,
    LowerCholeskyVectorTransform,
    ScaledUnitLowerCholeskyTransform,
    SoftplusLowerCholeskyTransform,
    UnitLowerCholeskyTransform,
)
from .correlation import CorrCholeskyTransform
from .ordered import OrderedTransform, Permute
from .registry import ConstraintRegistry, biject_to, transform_to
from .simplex import L1BallTransform, StickBreakingTransform
from .sphere import Normalize, ZeroSumTransform

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "CholeskyTransform",
    "ComposeTransform",
    "ConstraintRegistry",
    "CorrCholeskyTransform",
    "CorrMatrixCholeskyTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "GreaterThanTransform",
    "IndependentTransform",
    "L1BallTransform",
    "LessThanTransform",
    "LowerCholeskyAffine",
    "LowerCholeskyTransform",
    "LowerCholeskyVectorTransform",
    "Normalize",
    "OrderedTransform",
    "Permute",
    "PositiveDefiniteTransform",
    "PositiveTransform",
    "PowerTransform",
    "ReshapeTransform",
    "ScaledUnitLowerCholeskyTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusLowerCholeskyTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "UnitLowerCholeskyTransform",
    "ZeroSumTransform",
    "biject_to",
    "identity_transform",
    "transform_to",
]
