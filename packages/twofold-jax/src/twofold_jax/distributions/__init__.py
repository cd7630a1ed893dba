"""Laws of probability, their domains, and the bijections between them."""

from twofold_jax.distributions import constraints, transforms
from twofold_jax.distributions.base import Distribution
from twofold_jax.distributions.bernoulli import Bernoulli, BernoulliLogits, BernoulliProbs
from twofold_jax.distributions.beta import Beta
from twofold_jax.distributions.binomial import Binomial, BinomialLogits, BinomialProbs
from twofold_jax.distributions.categorical import Categorical, CategoricalLogits, CategoricalProbs
from twofold_jax.distributions.cauchy import Cauchy, HalfCauchy
from twofold_jax.distributions.delta import Delta, ImproperUniform, Unit
from twofold_jax.distributions.dirichlet import Dirichlet
from twofold_jax.distributions.exponential import Exponential
from twofold_jax.distributions.gamma import Chi2, Gamma, InverseGamma
from twofold_jax.distributions.geometric import Geometric, GeometricLogits, GeometricProbs
from twofold_jax.distributions.gumbel import Gumbel
from twofold_jax.distributions.kl import kl_divergence, register_kl
from twofold_jax.distributions.laplace import Laplace
from twofold_jax.distributions.lkj import LKJCholesky
from twofold_jax.distributions.logistic import Logistic
from twofold_jax.distributions.low_rank_multivariate_normal import LowRankMultivariateNormal
from twofold_jax.distributions.mixture import MixtureSameFamily
from twofold_jax.distributions.multinomial import Multinomial, MultinomialLogits, MultinomialProbs
from twofold_jax.distributions.multivariate_normal import MultivariateNormal
from twofold_jax.distributions.negative_binomial import (
    NegativeBinomial,
    NegativeBinomialLogits,
    NegativeBinomialProbs,
)
from twofold_jax.distributions.normal import HalfNormal, LogNormal, Normal
from twofold_jax.distributions.one_hot_categorical import (
    OneHotCategorical,
    OneHotCategoricalLogits,
    OneHotCategoricalProbs,
)
from twofold_jax.distributions.pareto import Pareto
from twofold_jax.distributions.poisson import Poisson
from twofold_jax.distributions.student_t import StudentT
from twofold_jax.distributions.transformed import TransformedDistribution
from twofold_jax.distributions.transforms import biject_to
from twofold_jax.distributions.uniform import Uniform
from twofold_jax.distributions.von_mises import VonMises
from twofold_jax.distributions.weibull import Weibull
from twofold_jax.distributions.wrappers import ExpandedDistribution, Independent, MaskedDistribution

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
