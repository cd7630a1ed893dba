"""Bijections between sets of values, and the registry that finds one for a constraint."""

from twofold_jax.distributions.transforms.base import (
    ComposeTransform,
    IdentityTransform,
    IndependentTransform,
    Transform,
)
from twofold_jax.distributions.transforms.concatenated import CatTransform
from twofold_jax.distributions.transforms.elementwise import (
    AbsTransform,
    AffineTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
)
from twofold_jax.distributions.transforms.matrix import (
    CholeskyTransform,
    CorrCholeskyTransform,
    CorrMatrixCholeskyTransform,
    LowerCholeskyAffine,
    LowerCholeskyTransform,
    ScaledUnitLowerCholeskyTransform,
    SoftplusLowerCholeskyTransform,
)
from twofold_jax.distributions.transforms.registry import ConstraintRegistry, biject_to
from twofold_jax.distributions.transforms.vector import (
    L1BallTransform,
    OrderedTransform,
    PermuteTransform,
    ReshapeTransform,
    StickBreakingTransform,
    UnpackTransform,
    ZeroSumTransform,
)

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "CholeskyTransform",
    "ComposeTransform",
    "ConstraintRegistry",
    "CorrCholeskyTransform",
    "CorrMatrixCholeskyTransform",
    "ExpTransform",
    "IdentityTransform",
    "IndependentTransform",
    "L1BallTransform",
    "LowerCholeskyAffine",
    "LowerCholeskyTransform",
    "OrderedTransform",
    "PermuteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "ScaledUnitLowerCholeskyTransform",
    "SigmoidTransform",
    "SoftplusLowerCholeskyTransform",
    "SoftplusTransform",
    "StickBreakingTransform",
    "Transform",
    "UnpackTransform",
    "ZeroSumTransform",
    "biject_to",
]
