"""Guides made from a model."""

from twofold_jax.infer.autoguide.base import AutoGuide
from twofold_jax.infer.autoguide.continuous import AutoContinuous
from twofold_jax.infer.autoguide.delta import AutoDelta
from twofold_jax.infer.autoguide.multivariate_normal import (
    AutoDiagonalNormal,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
)
from twofold_jax.infer.autoguide.normal import AutoNormal

__all__ = [
    "AutoContinuous",
    "AutoDelta",
    "AutoDiagonalNormal",
    "AutoGuide",
    "AutoLowRankMultivariateNormal",
    "AutoMultivariateNormal",
    "AutoNormal",
]
