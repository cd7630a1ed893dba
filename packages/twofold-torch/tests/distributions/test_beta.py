"""The beta law against mpmath."""

import itertools

import mpmath
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Beta


def _exact(a, b, values):
    mpmath.mp.dps = 60
    a, b = mpmath.mpf(float(a)), mpmath.mpf(float(b))
    log_beta = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
    return [
        float((a - 1) * mpmath.log(mpmath.mpf(float(x))) + (b - 1) * mpmath.log1p(-mpmath.mpf(float(x))) - log_beta)
        for x in values
    ]


def test_log_prob_equals_mpmath_near_both_ends(check):
    grid = list(itertools.product([0.01, 0.5, 1.0, 3.0, 200.0], repeat=2))
    check.log_prob(Beta, _exact, grid, [1e-30, 1e-9, 0.1, 0.5, 0.999, 1 - 2**-20], rtol=1e-9, float32_rtol=1e-4)


def test_log_prob_at_the_ends_is_exact():
    law = Beta(torch.tensor([1.0, 2.0, 0.5]), torch.ones(3))
    assert law.log_prob(torch.zeros(3)).tolist() == [0.0, -torch.inf, torch.inf]


def test_gradients_at_the_ends_are_finite_for_the_uniform_case():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    value = torch.tensor([0.0, 1.0], requires_grad=True)
    Beta(a, b).log_prob(value).sum().backward()
    for tensor in (a, b, value):
        assert bool(tensor.grad.isfinite().all())


def test_density_integrates_to_one(check):
    check.normalised(Beta(2.5, 1.5), 0, 1)


def test_draws_follow_the_distribution_function(check):
    check.draws_follow(Beta(2.5, 1.5), stats.beta(2.5, 1.5).cdf)
    check.draws_follow(Beta(0.5, 1.5), stats.beta(0.5, 1.5).cdf)  # by logarithms
    check.moments(Beta(2.5, 1.5), stats.beta(2.5, 1.5).mean(), stats.beta(2.5, 1.5).var())


def test_draws_stay_inside_the_open_interval_for_small_concentrations():
    draws = Beta(1e-3, 1e-3).sample((2000,))
    assert bool(((draws > 0) & (draws < 1)).all())
    assert bool(Beta(1e-3, 1e-3).log_prob(draws).isfinite().all())


def test_gradients_equal_finite_differences(check):
    check.gradients(Beta, [2.5, 1.7], [0.2, 0.9])
    check.reparameterised(Beta, [2.5, 1.7])
    check.traceable(Beta, [2.5, 1.7], torch.tensor([0.1, 0.7], dtype=torch.float64))


@pytest.mark.parametrize("law", [Beta(1.0, 2.0), Beta(torch.ones(2, 1), torch.ones(3))])
def test_shapes(check, law):
    check.shapes(law)


def test_entropy_and_mode_work_for_numbers():
    law = Beta(3.0, 2.0)
    assert float(law.entropy()) == pytest.approx(stats.beta(3, 2).entropy(), rel=1e-5)
    assert float(law.mode) == pytest.approx(2 / 3)


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Beta(0.0, 1.0), "concentration1", "Beta")
    check.refuses(lambda: Beta(1.0, 1.0).log_prob(torch.tensor(1.5)), "Beta", "1.5", "between 0 and 1")
