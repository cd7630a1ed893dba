"""The logistic law against SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Logistic


def test_log_prob_equals_the_closed_form_far_into_both_tails(check):
    def oracle(loc, scale, x):
        z = np.abs((x - loc) / scale)
        return -z - 2 * np.log1p(np.exp(-z)) - np.log(scale)

    check.log_prob(Logistic, oracle, [(-3.0, 0.1), (0.0, 1.0), (5.0, 50.0)], [-1e6, -1.0, 0.0, 0.3, 40.0, 1e6])


def test_density_integrates_to_one_and_draws_follow_it(check):
    check.normalised(Logistic(1.0, 2.0), -100, 100, [1])
    check.draws_follow(Logistic(1.0, 2.0), stats.logistic(1, 2).cdf)
    check.moments(Logistic(1.0, 2.0), 1.0, stats.logistic(1, 2).var())


def test_gradients_equal_finite_differences(check):
    check.gradients(Logistic, [0.3, 1.7], [0.2, 2.0])
    check.reparameterised(Logistic, [0.3, 1.7])
    check.traceable(Logistic, [0.3, 1.7], torch.tensor([0.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Logistic(0.0, 1.0), Logistic(torch.zeros(2, 1), torch.ones(3))])
def test_shapes(check, law):
    check.shapes(law)


def test_cdf_icdf_and_entropy_equal_scipy():
    law, reference = Logistic(1.0, 2.0), stats.logistic(1, 2)
    x = torch.tensor([-3.0, 0.5, 4.0], dtype=torch.float64)
    np.testing.assert_allclose(law.cdf(x).numpy(), reference.cdf(x))
    np.testing.assert_allclose(law.icdf(law.cdf(x)).numpy(), x.numpy())
    assert float(law.entropy()) == pytest.approx(reference.entropy())


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Logistic(0.0, 0.0), "scale", "Logistic")
