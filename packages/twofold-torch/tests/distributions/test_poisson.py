"""The Poisson law against mpmath."""

import mpmath
import pytest
import torch

from twofold_torch.distributions import Poisson


def _exact(rate, counts):
    mpmath.mp.dps = 60
    rate = mpmath.mpf(float(rate))
    return [float(int(k) * mpmath.log(rate) - rate - mpmath.loggamma(int(k) + 1)) for k in counts]


def test_log_prob_equals_mpmath_also_for_large_counts(check):
    grid = [(1e-9,), (0.3,), (7.0,), (1e6,)]
    check.log_prob(Poisson, _exact, grid, [0.0, 1.0, 30.0, 1e6], rtol=1e-8)


def test_rate_zero_gives_zero_with_certainty_and_finite_gradient():
    rate = torch.zeros((), requires_grad=True)
    log_prob = Poisson(rate).log_prob(torch.tensor(0.0))
    log_prob.backward()
    assert (float(log_prob.detach()), float(rate.grad)) == (0.0, -1.0)
    assert float(Poisson(0.0).log_prob(torch.tensor(1.0))) == -torch.inf


def test_sparse_log_prob_equals_dense():
    counts = torch.tensor([0.0, 0.0, 3.0, 1.0, 0.0])
    rate = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    torch.testing.assert_close(Poisson(rate, is_sparse=True).log_prob(counts), Poisson(rate).log_prob(counts))


def test_probabilities_sum_to_one_and_draws_have_the_right_moments(check):
    check.sums_to_one(Poisson(7.0), range(100))
    check.moments(Poisson(7.0), 7.0, 7.0)


def test_gradients_equal_finite_differences(check):
    check.gradients(Poisson, [[0.3, 6.0]], [0.0, 4.0], of_value=False)
    check.traceable(Poisson, [0.3], torch.tensor([0.0, 3.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Poisson(3.0), Poisson(torch.ones(2, 3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Poisson(-1.0), "rate", "Poisson", "-1")
    check.refuses(lambda: Poisson(1.0).log_prob(torch.tensor([1.0, 0.5])), "Poisson", "0.5 at 1", "whole number")
