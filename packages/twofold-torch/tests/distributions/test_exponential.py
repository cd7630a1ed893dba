"""The exponential law against SciPy."""

import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Exponential


def test_exponential_log_prob_equals_scipy(check):
    oracle = lambda rate, x: stats.expon(scale=1 / rate).logpdf(x)  # noqa: E731
    check.log_prob(Exponential, oracle, [(1e-3,), (1.0,), (50.0,)], [0.0, 1e-30, 0.3, 40.0, 1e6])


def test_densities_integrate_to_one(check):
    check.normalised(Exponential(2.0), 0, 40)


def test_draws_follow_their_distribution_functions(check):
    check.draws_follow(Exponential(2.0), stats.expon(scale=0.5).cdf)
    check.draws_follow(Exponential(1.0), stats.expon().cdf)
    check.moments(Exponential(2.0), 0.5, 0.25)


def test_gradients_equal_finite_differences(check):
    check.gradients(Exponential, [1.7], [0.2, 2.0])
    check.reparameterised(Exponential, [1.7])
    check.traceable(Exponential, [1.7], torch.tensor([0.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Exponential(1.0), Exponential(torch.ones(3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Exponential(0.0), "rate", "Exponential")
    check.refuses(lambda: Exponential(1.0).log_prob(torch.tensor([1.0, -2.0])), "Exponential", "-2 at 1", "0 or more")
