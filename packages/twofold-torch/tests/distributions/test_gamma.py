"""The gamma family against mpmath and SciPy."""

import itertools

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Chi2, Gamma, InverseGamma


def _gamma(a, b, values):
    mpmath.mp.dps = 50
    a, b = mpmath.mpf(float(a)), mpmath.mpf(float(b))
    return [
        float(
            a * mpmath.log(b)
            - mpmath.loggamma(a)
            + (a - 1) * mpmath.log(mpmath.mpf(float(x)))
            - b * mpmath.mpf(float(x))
        )
        for x in values
    ]


def test_gamma_log_prob_equals_mpmath_for_small_and_large_concentration(check):
    grid = list(itertools.product([1e-6, 0.3, 1.0, 7.0, 1e3], [1e-3, 1.0, 50.0]))
    check.log_prob(Gamma, _gamma, grid, [1e-30, 1e-3, 0.3, 5.0, 1e3], float32_rtol=1e-4)


def test_inverse_gamma_log_prob_equals_scipy(check):
    grid = list(itertools.product([0.3, 1.0, 7.0], [0.01, 1.0, 50.0]))
    oracle = lambda a, b, x: stats.invgamma(a, scale=b).logpdf(x)  # noqa: E731
    check.log_prob(InverseGamma, oracle, grid, [1e-3, 0.3, 5.0, 1e6])


def test_chi2_log_prob_equals_scipy(check):
    make = lambda df: Chi2(torch.as_tensor(df, dtype=getattr(df, "dtype", torch.float64)))  # noqa: E731
    check.log_prob(make, lambda df, x: stats.chi2(df).logpdf(x), [(0.5,), (3.0,), (40.0,)], [1e-3, 0.3, 5.0, 100.0])


def test_densities_integrate_to_one(check):
    check.normalised(Gamma(2.5, 1.5), 0, 60, [1])
    check.normalised(InverseGamma(3.0, 2.0), 1e-3, 1e4, [1, 10, 100])


def test_draws_follow_their_distribution_functions(check):
    check.draws_follow(Gamma(2.5, 1.5), stats.gamma(2.5, scale=1 / 1.5).cdf)
    check.draws_follow(Gamma(2.5, 1.0), stats.gamma(2.5).cdf)
    check.draws_follow(Gamma(0.2, 1.5), stats.gamma(0.2, scale=1 / 1.5).cdf)
    check.draws_follow(InverseGamma(3.0, 2.0), stats.invgamma(3, scale=2).cdf)
    check.draws_follow(Chi2(torch.tensor(3.0)), stats.chi2(3).cdf)
    check.moments(Gamma(2.5, 1.5), 2.5 / 1.5, 2.5 / 1.5**2)
    check.moments(InverseGamma(6.0, 2.0), stats.invgamma(6, scale=2).mean(), stats.invgamma(6, scale=2).var())


def test_gradients_equal_finite_differences(check):
    check.gradients(Gamma, [2.5, 1.7], [0.2, 2.0])
    check.gradients(InverseGamma, [2.5, 1.7], [0.2, 2.0])
    check.reparameterised(Gamma, [2.5, 1.7])
    check.reparameterised(InverseGamma, [2.5, 1.7])
    check.traceable(Gamma, [2.5, 1.7], torch.tensor([0.1, 2.0], dtype=torch.float64))
    check.traceable(InverseGamma, [2.5, 1.7], torch.tensor([0.1, 2.0], dtype=torch.float64))


def test_gradient_at_zero_is_finite_where_the_density_is():
    value = torch.zeros((), requires_grad=True)
    concentration, rate = torch.ones((), requires_grad=True), torch.full((), 2.0, requires_grad=True)
    log_prob = Gamma(concentration, rate).log_prob(value)
    log_prob.backward()
    assert float(log_prob.detach()) == pytest.approx(np.log(2))
    assert float(value.grad) == pytest.approx(-2)
    assert float(rate.grad) == pytest.approx(0.5)
    assert bool(concentration.grad.isfinite())


@pytest.mark.parametrize("a", [0.05, 0.7, 3.0])
def test_gradients_of_draws_are_unbiased(a):
    """E log x = digamma(a), E x = a: the mean gradients within 5 standard errors (rate 6e-7 each)."""
    concentration = torch.full((4000,), a, dtype=torch.float64, requires_grad=True)
    draws = Gamma(concentration, 1.0).rsample()
    trigamma = torch.polygamma(1, torch.tensor(a, dtype=torch.float64))
    for statistic, exact in ((draws.log(), trigamma), (draws, torch.ones(()))):
        (slopes,) = torch.autograd.grad(statistic.sum(), concentration, retain_graph=True)
        assert float((slopes.mean() - exact).abs()) <= 5 * float(slopes.std()) / 4000**0.5


def test_draws_of_tiny_concentration_are_positive():
    draws = Gamma(1e-4, 1.0).sample((1000,))
    assert bool((draws > 0).all())
    assert bool(Gamma(1e-4, 1.0).log_prob(draws).isfinite().all())


@pytest.mark.parametrize(
    "law",
    [Gamma(1.0, 2.0), Gamma(torch.ones(2, 1), torch.ones(3)), InverseGamma(2.0, torch.ones(3)), Chi2(torch.ones(3))],
)
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Gamma(-1.0, 1.0), "concentration", "Gamma", "-1")
    check.refuses(lambda: InverseGamma(1.0, torch.tensor([1.0, 0.0])), "rate", "0 at 1")
    check.refuses(lambda: Chi2(torch.tensor(-3.0)), "Chi2")
