"""Mixtures against their definition."""

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal, Normal
from twofold_torch.errors import ShapeError


def _law(dtype=torch.float64):
    return MixtureSameFamily(
        Categorical(torch.tensor([0.3, 0.7], dtype=dtype)), Normal(torch.tensor([-2.0, 3.0], dtype=dtype), 1.0)
    )


def test_log_prob_is_the_log_of_the_weighted_sum(check):
    x = np.linspace(-5, 5, 7)
    expected = np.log(0.3 * stats.norm(-2).pdf(x) + 0.7 * stats.norm(3).pdf(x))
    np.testing.assert_allclose(_law().log_prob(torch.tensor(x)).numpy(), expected, rtol=1e-9)
    check.normalised(_law(), -20, 20, [-2, 3])


def test_draws_follow_the_mixture(check):
    check.draws_follow(_law(), lambda x: 0.3 * stats.norm(-2).cdf(x) + 0.7 * stats.norm(3).cdf(x))
    check.moments(_law(), 0.3 * -2 + 0.7 * 3, 1 + 0.21 * 25)


@pytest.mark.parametrize(
    "law",
    [
        _law(),
        MixtureSameFamily(Categorical(torch.ones(2)), Normal(torch.zeros(3, 2), 1.0)),
        MixtureSameFamily(Categorical(torch.ones(2)), MultivariateNormal(torch.zeros(2, 3), torch.eye(3))),
    ],
)
def test_shapes(check, law):
    check.shapes(law)


def test_components_without_batch_are_refused():
    with pytest.raises(ShapeError, match="no batch dim"):
        MixtureSameFamily(Categorical(torch.ones(2)), Normal(0.0, 1.0))
