"""Guides that are made from a model, one family a file."""

from ..initialization import (
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)
from .base import AutoGuide
from .continuous import AutoContinuous
from .delta import AutoDelta
from .multivariate_normal import AutoDiagonalNormal, AutoMultivariateNormal
from .normal import AutoNormal

__all__ = [
    "AutoContinuous",
    "AutoDelta",
    "AutoDiagonalNormal",
    "AutoGuide",
    "AutoMultivariateNormal",
    "AutoNormal",
    "init_to_feasible",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
]
