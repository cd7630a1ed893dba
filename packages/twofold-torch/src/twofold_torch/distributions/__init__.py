"""Laws, their domains and the maps between them; knows nothing about models or handlers."""

from . import constraints
from .base import Distribution, ScoreParts, TorchDistribution, TorchDistributionMixin
from .delta import Delta, ImproperUniform, Unit
from .normal import HalfNormal, LogNormal, Normal
from .wrappers import ExpandedDistribution, Independent, MaskedDistribution

__all__ = [
    "Delta",
    "Distribution",
    "ExpandedDistribution",
    "HalfNormal",
    "ImproperUniform",
    "Independent",
    "LogNormal",
    "MaskedDistribution",
    "Normal",
    "ScoreParts",
    "TorchDistribution",
    "TorchDistributionMixin",
    "Unit",
    "constraints",
]
