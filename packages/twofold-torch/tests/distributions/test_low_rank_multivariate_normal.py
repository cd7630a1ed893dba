"""The normal law of low rank against SciPy."""

import numpy as np
import torch
from scipy import stats

from twofold_torch.distributions import LowRankMultivariateNormal

RNG = np.random.default_rng(1)
MEAN = RNG.normal(size=3)
VALUES = RNG.normal(size=(5, 3)) * 3


def test_low_rank_log_prob_equals_scipy():
    factor, diagonal = RNG.normal(size=(3, 1)), np.array([0.5, 1.0, 2.0])
    law = LowRankMultivariateNormal(*(torch.tensor(a) for a in (MEAN, factor, diagonal)))
    expected = stats.multivariate_normal(MEAN, factor @ factor.T + np.diag(diagonal)).logpdf(VALUES)
    np.testing.assert_allclose(law.log_prob(torch.tensor(VALUES)).numpy(), expected, rtol=1e-9)


def test_draws_have_the_right_moments(check):
    law = LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.tensor([1.0, 2.0]))
    check.moments(law, [0.0, 0.0], [2.0, 3.0])


def test_shapes(check):
    check.shapes(LowRankMultivariateNormal(torch.zeros(2, 3), torch.ones(3, 1), torch.ones(3)))


def test_wrong_arguments_are_named(check):
    make = lambda: LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.zeros(2))  # noqa: E731
    check.refuses(make, "cov_diag", "greater than 0")
