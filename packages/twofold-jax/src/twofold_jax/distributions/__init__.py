"""Laws of probability, their domains, and the bijections between them."""

from . import constraints, transforms
from .base import Distribution
from .bernoulli import Bernoulli, BernoulliLogits, BernoulliProbs
from .beta import Beta
from .binomial import Binomial, BinomialLogits, BinomialProbs
from .categorical import Categorical, CategoricalLogits, CategoricalProbs
from .cauchy import Cauchy, HalfCauchy
from .delta import Delta, ImproperUniform, Unit
from .dirichlet import Dirichlet
from .exponential import Exponential
from .gamma import Chi2, Gamma, InverseGamma
from .geometric import Geometric, GeometricLogits, GeometricProbs
from .gumbel import Gumbel
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .lkj import LKJCholesky
from .logistic import Logistic
from .low_rank_multivariate_normal import LowRankMultivariateNormal
from .mixture import MixtureSameFamily
from .multinomial import Multinomial, MultinomialLogits, MultinomialProbs
from .multivariate_normal import MultivariateNormal
from .negative_binomial import (
    NegativeBinomial,
    NegativeBinomialLogits,
    NegativeBinomialProbs,
)
from .normal import HalfNormal, LogNormal, Normal
from .one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalLogits,
    OneHotCategoricalProbs,
)
from .pareto import Pareto
from .poisson import Poisson
from .student_t import StudentT
from .transformed import TransformedDistribution
from .transforms import biject_to
from .uniform import Uniform
from .von_mises import VonMises
from .weibull import Weibull
from .wrappers import ExpandedDistribution, Independent, MaskedDistribution

__all__ = [
    "Bernoulli",
    "BernoulliLogits",
    "BernoulliProbs",
    "Beta",
    "Binomial",
    "BinomialLogits",
    "BinomialProbs",
    "Categorical",
    "CategoricalLogits",
    "CategoricalProbs",
    "Cauchy",
    "Chi2",
    "Delta",
    "Dirichlet",
    "Distribution",
    "ExpandedDistribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "GeometricLogits",
    "GeometricProbs",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "ImproperUniform",
    "Independent",
    "InverseGamma",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "Logistic",
    "LowRankMultivariateNormal",
    "MaskedDistribution",
    "MixtureSameFamily",
    "Multinomial",
    "MultinomialLogits",
    "MultinomialProbs",
    "MultivariateNormal",
    "NegativeBinomial",
    "NegativeBinomialLogits",
    "NegativeBinomialProbs",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalLogits",
    "OneHotCategoricalProbs",
    "Pareto",
    "Poisson",
    "StudentT",
    "TransformedDistribution",
    "Uniform",
    "Unit",
    "VonMises",
    "Weibull",
    "biject_to",
    "constraints",
    "kl_divergence",
    "register_kl",
    "transforms",
]
