"""Student's t against mpmath."""

import itertools

import mpmath
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import StudentT


def _exact(df, loc, scale, values):
    mpmath.mp.dps = 60
    df, loc, scale = (mpmath.mpf(float(a)) for a in (df, loc, scale))
    height = (
        mpmath.loggamma((df + 1) / 2) - mpmath.loggamma(df / 2) - mpmath.log(df * mpmath.pi) / 2 - mpmath.log(scale)
    )
    z = [(mpmath.mpf(float(x)) - loc) / scale for x in values]
    return [float(height - (df + 1) / 2 * mpmath.log1p(t**2 / df)) for t in z]


def test_log_prob_equals_mpmath_from_heavy_to_nearly_normal_tails(check):
    grid = list(itertools.product([0.1, 1.0, 3.0, 39.0, 41.0, 1e4, 1e10], [-3.0, 0.0], [1e-2, 7.0]))
    values = [-1e9, -20.0, 0.0, 0.3, 1e3, 1e25]
    check.log_prob(StudentT, _exact, grid, values, rtol=1e-9, atol=1e-10, float32_rtol=0)


def test_log_prob_in_single_precision_keeps_its_accuracy(check):
    grid = list(itertools.product([0.5, 3.0, 100.0], [0.0], [1.0, 7.0]))
    check.log_prob(StudentT, _exact, grid, [-20.0, 0.0, 0.3, 1e3, 1e25])


def test_density_integrates_to_one(check):
    check.normalised(StudentT(4.0, 1.0, 2.0), -5000, 5000, [-50, 1, 50])


def test_draws_follow_the_distribution_function(check):
    check.draws_follow(StudentT(4.0, 1.0, 2.0), stats.t(4, 1, 2).cdf)
    check.draws_follow(StudentT(1.0, 1.0, 2.0), stats.t(1, 1, 2).cdf)  # by logarithms
    check.moments(StudentT(8.0, 1.0, 2.0), 1.0, stats.t(8, 1, 2).var())


def test_gradients_equal_finite_differences(check):
    check.gradients(StudentT, [3.0, 0.3, 1.7], [0.2, 2.0, -30.0])
    check.gradients(StudentT, [90.0, 0.3, 1.7], [0.2, 2.0])
    check.reparameterised(StudentT, [3.0, 0.3, 1.7])
    check.traceable(StudentT, [3.0, 0.3, 1.7], torch.tensor([0.0, 2.0], dtype=torch.float64))


def test_gradient_in_df_is_finite_at_its_ends():
    for df in (1e-3, 1e6):
        parameter = torch.tensor(df, requires_grad=True)
        StudentT(parameter).log_prob(torch.tensor(1.0)).backward()
        assert bool(parameter.grad.isfinite())


@pytest.mark.parametrize("law", [StudentT(3.0), StudentT(3.0, torch.zeros(2, 1), torch.ones(3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: StudentT(0.0), "df", "StudentT")
    check.refuses(lambda: StudentT(1.0, float("nan")), "loc")
