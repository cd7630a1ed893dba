"""The Laplace law against closed forms."""

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Laplace


def test_laplace_log_prob_equals_scipy(check):
    grid = [(-3.0, 0.1), (0.0, 1.0), (5.0, 50.0)]
    oracle = lambda loc, scale, x: -np.abs(x - loc) / scale - np.log(2 * scale)  # noqa: E731
    check.log_prob(Laplace, oracle, grid, [-1e6, -1.0, 0.0, 0.3, 40.0])


def test_density_integrates_to_one_and_draws_follow_it(check):
    check.normalised(Laplace(1.0, 2.0), -80, 80, [1])
    check.draws_follow(Laplace(1.0, 2.0), stats.laplace(1, 2).cdf)
    check.moments(Laplace(1.0, 2.0), 1.0, 8.0)


def test_gradients_equal_finite_differences(check):
    check.gradients(Laplace, [0.3, 1.7], [0.2, 2.0])
    check.reparameterised(Laplace, [0.3, 1.7])
    check.traceable(Laplace, [0.3, 1.7], torch.tensor([0.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Laplace(0.0, 1.0), Laplace(torch.zeros(2, 1), torch.ones(3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Laplace(0.0, -1.0), "scale", "Laplace", "-1")
