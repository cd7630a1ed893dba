"""Tosses before a success against SciPy."""

import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Geometric


def test_geometric_log_prob_equals_scipy(check):
    oracle = lambda p, k: stats.geom(p).logpmf(k + 1)  # noqa: E731
    check.log_prob(lambda p: Geometric(probs=p), oracle, [(1e-6,), (0.3,), (0.99,)], [0.0, 1.0, 30.0])
    by_logits = Geometric(logits=torch.tensor(-200.0)).log_prob(torch.tensor(2.0))
    assert float(by_logits) == pytest.approx(-200)


def test_probabilities_sum_to_one_and_draws_have_the_right_moments(check):
    check.sums_to_one(Geometric(0.3), range(200))
    check.moments(Geometric(0.3), 0.7 / 0.3, 0.7 / 0.09)


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_gradients_equal_finite_differences(check, name):
    make = lambda a: Geometric(**{name: a})  # noqa: E731
    check.gradients(make, [[0.3, 0.6]], [0.0, 1.0], of_value=False)
    check.traceable(make, [0.3], torch.tensor([0.0, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Geometric(0.5), Geometric(torch.full((3,), 0.3)), Geometric(logits=torch.zeros(2))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Geometric(0.0), "probs", "greater than 0")
    check.refuses(lambda: Geometric(1.5), "probs", "between 0 and 1")
    check.refuses(lambda: Geometric(), "neither")
