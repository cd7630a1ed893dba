"""Laws of probability, their domains, and the bijections between them."""

from twofold_jax.distributions import constraints
from twofold_jax.distributions.base import Distribution
from twofold_jax.distributions.delta import Delta, Unit
from twofold_jax.distributions.normal import HalfNormal, Normal
from twofold_jax.distributions.wrappers import ExpandedDistribution, Independent, MaskedDistribution

__all__ = [
    "Delta",
    "Distribution",
    "ExpandedDistribution",
    "HalfNormal",
    "Independent",
    "MaskedDistribution",
    "Normal",
    "Unit",
    "constraints",
]
