"""Laws, their domains and the maps between them; knows nothing about models or handlers."""

from torch.distributions import ExponentialFamily

from . import constraints, transforms
from .base import Distribution, ScoreParts, TorchDistribution, TorchDistributionMixin
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy, HalfCauchy
from .delta import Delta, ImproperUniform, Unit
from .dirichlet import Dirichlet
from .exponential import Exponential
from .gamma import Chi2, Gamma, InverseGamma
from .geometric import Geometric
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .logistic import Logistic
from .low_rank_multivariate_normal import LowRankMultivariateNormal
from .mixture import MixtureSameFamily
from .multinomial import Multinomial
from .multivariate_normal import MultivariateNormal
from .negative_binomial import NegativeBinomial
from .normal import HalfNormal, LogNormal, Normal
from .one_hot_categorical import OneHotCategorical
from .poisson import Poisson
from .student_t import StudentT
from .transformed import TransformedDistribution
from .transforms import biject_to, transform_to
from .uniform import Uniform
from .wrapped import (
    ContinuousBernoulli,
    FisherSnedecor,
    Gumbel,
    Kumaraswamy,
    LKJCholesky,
    LogisticNormal,
    OneHotCategoricalStraightThrough,
    Pareto,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
    VonMises,
    Weibull,
    Wishart,
)
from .wrappers import ExpandedDistribution, Independent, MaskedDistribution

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "Delta",
    "Dirichlet",
    "Distribution",
    "ExpandedDistribution",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "ImproperUniform",
    "Independent",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "Logistic",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "MaskedDistribution",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "ScoreParts",
    "StudentT",
    "TorchDistribution",
    "TorchDistributionMixin",
    "TransformedDistribution",
    "Uniform",
    "Unit",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "constraints",
    "kl_divergence",
    "register_kl",
    "transform_to",
    "transforms",
]
