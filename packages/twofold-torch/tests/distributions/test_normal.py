"""The normal family against SciPy."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import HalfNormal, LogNormal, Normal

GRID = list(itertools.product([-3.0, 0.0, 1e4], [1e-3, 1.0, 50.0]))
FAR = [-1e8, -40.0, -1.0, 0.0, 1e-30, 0.3, 40.0, 1e8]


def test_normal_log_prob_equals_scipy_far_into_both_tails(check):
    check.log_prob(Normal, lambda loc, scale, x: stats.norm(loc, scale).logpdf(x), GRID, FAR)


def test_half_normal_log_prob_equals_scipy(check):
    grid = [(1e-3,), (1.0,), (50.0,)]
    check.log_prob(HalfNormal, lambda scale, x: stats.halfnorm(0, scale).logpdf(x), grid, [0.0, 1e-30, 0.3, 40.0])


def test_log_normal_log_prob_equals_scipy(check):
    grid = list(itertools.product([-3.0, 0.0, 5.0], [0.1, 1.0, 4.0]))
    values = [1e-30, 0.01, 0.3, 1.0, 40.0, 1e30]
    check.log_prob(LogNormal, lambda m, s, x: stats.lognorm(s, scale=np.exp(m)).logpdf(x), grid, values, rtol=1e-9)


def test_densities_integrate_to_one(check):
    check.normalised(Normal(1.0, 2.0), -30, 30, [1])
    check.normalised(HalfNormal(2.0), 0, 30)
    check.normalised(LogNormal(0.5, 0.7), 1e-9, 200, [1, 10])


def test_draws_follow_their_distribution_functions(check):
    check.draws_follow(Normal(1.0, 2.0), stats.norm(1, 2).cdf)
    check.draws_follow(HalfNormal(2.0), stats.halfnorm(0, 2).cdf)
    check.draws_follow(LogNormal(0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5)).cdf)


def test_moments_equal_closed_forms(check):
    check.moments(Normal(1.0, 2.0), 1.0, 4.0)
    check.moments(HalfNormal(2.0), stats.halfnorm(0, 2).mean(), stats.halfnorm(0, 2).var())
    reference = stats.lognorm(0.5, scale=np.exp(0.2))
    check.moments(LogNormal(0.2, 0.5), reference.mean(), reference.var())


@pytest.mark.parametrize("law", [Normal, LogNormal])
def test_gradients_of_two_parameter_laws_equal_finite_differences(check, law):
    check.gradients(law, [0.3, 1.7], [0.2, 2.0])
    check.reparameterised(law, [[0.3, 1.0], 1.7])
    check.traceable(law, [0.3, 1.7], torch.tensor([0.2, 2.0], dtype=torch.float64))


def test_gradients_of_half_normal_equal_finite_differences_and_are_finite_at_zero(check):
    check.gradients(HalfNormal, [1.7], [0.2, 2.0])
    check.reparameterised(HalfNormal, [[0.3, 1.0]])
    check.traceable(HalfNormal, [1.7], torch.tensor([0.0, 2.0], dtype=torch.float64))


def test_half_normal_is_impossible_below_zero():
    law = HalfNormal(torch.tensor(1.0), validate_args=False)
    assert float(law.log_prob(torch.tensor(-1e-3))) == -np.inf


@pytest.mark.parametrize(
    "law",
    [
        Normal(0.0, 1.0),
        Normal(torch.zeros(4, 1), torch.ones(3)),
        HalfNormal(torch.ones(3)),
        LogNormal(0.0, torch.ones(2)),
    ],
)
def test_shapes_of_the_normal_family(check, law):
    check.shapes(law)


def test_log_normal_and_half_normal_are_transformed_laws_of_torch():
    law = LogNormal(torch.zeros(2), 1.0)
    assert isinstance(law, torch.distributions.TransformedDistribution)
    assert isinstance(law.base_dist, Normal)
    value = torch.tensor([0.5, 2.0])
    rebuilt = torch.distributions.TransformedDistribution(law.base_dist, law.transforms)
    torch.testing.assert_close(rebuilt.log_prob(value), law.log_prob(value))
    assert isinstance(HalfNormal(1.0).base_dist, Normal)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Normal(0.0, -1.0), "scale", "Normal", "-1", "greater than 0")
    check.refuses(lambda: Normal(torch.tensor([0.0, torch.nan]), 1.0), "loc", "nan at 1")
    check.refuses(lambda: HalfNormal(torch.zeros(2)), "scale", "HalfNormal")
    check.refuses(lambda: LogNormal(0.0, float("nan")), "scale", "nan")


def test_cdf_and_icdf_invert_each_other_for_numbers():
    law = Normal(1.0, 2.0)
    probabilities = torch.tensor([0.1, 0.5, 0.9])
    torch.testing.assert_close(law.cdf(law.icdf(probabilities)), probabilities)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 0.5, 1.0, 1e12, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scales_given_as_numbers_may_be_extreme(scale, dtype):
    z = torch.tensor([-5.0, 0.0, 0.25, 3.0], dtype=torch.float64)
    value = (z * scale).to(dtype)
    expected = torch.as_tensor(stats.norm(0, scale).logpdf(z * scale), dtype=dtype)
    torch.testing.assert_close(Normal(0.0, scale).log_prob(value), expected, rtol=2e-6, atol=0)
    expected = torch.as_tensor(stats.halfnorm(0, scale).logpdf(z.abs() * scale), dtype=dtype)
    torch.testing.assert_close(HalfNormal(scale).log_prob(value.abs()), expected, rtol=2e-6, atol=0)


def test_a_square_does_not_overflow_in_half_precision():
    value = torch.tensor([0.0, 3e4], dtype=torch.float16)
    expected = torch.as_tensor(stats.norm(0, 1e4).logpdf([0.0, 3e4]), dtype=torch.float16)
    torch.testing.assert_close(Normal(0.0, 1e4).log_prob(value), expected)


@pytest.mark.parametrize("law", [Normal(0.0, 1.0), Normal(1.0, 2.0), HalfNormal(1.0), LogNormal(0.0, 1.0)])
def test_laws_of_numbers_draw_on_the_default_device(law):
    with torch.device("meta"):
        assert law.sample().device.type == "meta"
        assert law.sample((3,)).device.type == "meta"


def test_half_normal_has_no_density_below_zero_and_some_at_minus_zero():
    with_checks_off = HalfNormal(2.0, validate_args=False)
    densities = with_checks_off.log_prob(torch.tensor([-1.0, -0.0, float("nan")]))
    assert densities[0] == -torch.inf
    assert densities[1] == with_checks_off.log_prob(torch.tensor(0.0))
    assert densities[2].isnan()
