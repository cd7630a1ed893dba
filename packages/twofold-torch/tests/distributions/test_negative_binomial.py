"""Successes before a number of failures against SciPy."""

import itertools

import pytest
import torch
from scipy import stats

from twofold_torch.distributions import NegativeBinomial


def test_negative_binomial_log_prob_equals_scipy(check):
    oracle = lambda r, p, k: stats.nbinom(r, 1 - p).logpmf(k)  # noqa: E731
    grid = list(itertools.product([0.3, 5.0, 100.0], [0.01, 0.3, 0.9]))
    check.log_prob(lambda r, p: NegativeBinomial(r, p), oracle, grid, [0.0, 1.0, 30.0, 1000.0], rtol=1e-9)


def test_negative_binomial_of_no_failures_is_zero_with_certainty():
    law = NegativeBinomial(torch.tensor(0.0), 0.5)
    assert float(law.log_prob(torch.tensor(0.0))) == 0


def test_probabilities_sum_to_one_and_draws_have_the_right_moments(check):
    check.sums_to_one(NegativeBinomial(3.0, 0.3), range(200))
    check.moments(NegativeBinomial(3.0, 0.3), 9 / 7, 9 / 4.9)


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_gradients_equal_finite_differences(check, name):
    make = lambda a: NegativeBinomial(7.0, **{name: a})  # noqa: E731
    check.gradients(make, [[0.3, 0.6]], [0.0, 4.0], of_value=False)
    check.traceable(make, [0.3], torch.tensor([0.0, 3.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [NegativeBinomial(3, 0.3), NegativeBinomial(3, torch.full((2,), 0.3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: NegativeBinomial(3, 1.0), "probs", "below 1")
    check.refuses(lambda: NegativeBinomial(-1.0, 0.5), "total_count", "0 or more")
