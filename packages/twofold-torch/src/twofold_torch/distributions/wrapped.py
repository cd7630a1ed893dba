"""Laws that are torch's own, with our surface and checks.

Their formulas and arguments are described in the documentation of ``torch.distributions``.
"""

from __future__ import annotations

from torch import distributions as td

from .base import ArgumentCheck
from .lean import WrappedLaw

__all__ = [
    "ContinuousBernoulli",
    "FisherSnedecor",
    "Gumbel",
    "Kumaraswamy",
    "LKJCholesky",
    "LogisticNormal",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "VonMises",
    "Weibull",
    "Wishart",
]


class ContinuousBernoulli(WrappedLaw, td.ContinuousBernoulli, ArgumentCheck):
    """Density proportional to ``probs**x * (1 - probs)**(1 - x)`` on the unit interval."""


class FisherSnedecor(WrappedLaw, td.FisherSnedecor, ArgumentCheck):
    """Ratio of two mean squares with ``df1`` and ``df2`` degrees of freedom."""


class Gumbel(WrappedLaw, td.Gumbel, ArgumentCheck):
    """Law of the largest of many draws, moved to ``loc`` and stretched by ``scale``."""


class Kumaraswamy(WrappedLaw, td.Kumaraswamy, ArgumentCheck):
    """A relative of the beta law with a closed form of its distribution function."""


class LKJCholesky(WrappedLaw, td.LKJCholesky, ArgumentCheck):
    """Cholesky factors of correlation matrices of size ``dim``; ``concentration`` 1 is uniform over the matrices."""


class LogisticNormal(WrappedLaw, td.LogisticNormal, ArgumentCheck):
    """Law on the simplex, the stick-breaking image of a normal vector."""


class OneHotCategoricalStraightThrough(WrappedLaw, td.OneHotCategoricalStraightThrough, ArgumentCheck):
    """One-hot categories whose draws pass gradients straight to the probabilities."""


class Pareto(WrappedLaw, td.Pareto, ArgumentCheck):
    """Power law above ``scale`` with exponent ``alpha``."""


class RelaxedBernoulli(WrappedLaw, td.RelaxedBernoulli, ArgumentCheck):
    """Differentiable relaxation of a coin toss, at a ``temperature``."""


class RelaxedOneHotCategorical(WrappedLaw, td.RelaxedOneHotCategorical, ArgumentCheck):
    """Differentiable relaxation of a one-hot category, at a ``temperature``."""


class VonMises(WrappedLaw, td.VonMises, ArgumentCheck):
    """Law of an angle around ``loc``, the narrower the larger ``concentration``."""


class Weibull(WrappedLaw, td.Weibull, ArgumentCheck):
    """Law of a life time with ``scale`` and shape ``concentration``."""


class Wishart(WrappedLaw, td.Wishart, ArgumentCheck):
    """Law of the scatter matrix of ``df`` normal vectors."""
