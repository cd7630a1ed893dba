"""The uniform law."""

import math

import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Uniform


def test_log_prob_is_flat_inside_both_ends_included(check):
    grid = [(0.0, 1.0), (-1.0, 3.0), (0.0, 1e-6)]
    oracle = lambda low, high, x: [-math.log(high - low)] * len(x)  # noqa: E731
    check.log_prob(Uniform, oracle, grid, [0.0, 1e-7])


def test_log_prob_outside_is_minus_infinity_with_checks_off():
    law = Uniform(0.0, 1.0, validate_args=False)
    assert law.log_prob(torch.tensor([-1.0, 2.0])).tolist() == [-math.inf, -math.inf]


def test_log_prob_keeps_double_precision():
    seen = Uniform(0.0, 3.0).log_prob(torch.tensor(1.0, dtype=torch.float64))
    assert seen.dtype == torch.float64
    assert float(seen) == pytest.approx(-math.log(3), rel=1e-15)


def test_draws_follow_the_distribution_function(check):
    check.draws_follow(Uniform(-1.0, 3.0), stats.uniform(-1, 4).cdf)
    check.moments(Uniform(-1.0, 3.0), 1.0, 16 / 12)


def test_gradients_equal_finite_differences(check):
    check.gradients(Uniform, [-1.0, 3.0], [0.2, 0.9], of_value=False)
    check.reparameterised(Uniform, [-1.0, 3.0])
    check.traceable(Uniform, [-1.0, 3.0], torch.tensor([0.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Uniform(0.0, 1.0), Uniform(torch.zeros(2, 1), torch.ones(3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Uniform(1.0, 1.0), "high", "Uniform", "low")
    check.refuses(lambda: Uniform(torch.tensor([0.0, 2.0]), 1.0), "high")
    check.refuses(lambda: Uniform(0.0, float("nan")), "high")
    check.refuses(lambda: Uniform(0.0, 1.0).log_prob(torch.tensor(1.5)), "Uniform", "1.5", "between 0 and 1")
