"""Counts of successes against mpmath."""

import itertools

import mpmath
import numpy as np
import pytest
import torch

from twofold_torch.distributions import Binomial


def _binomial(n, p, counts):
    mpmath.mp.dps = 60
    n, p = int(n), mpmath.mpf(float(p))

    def log_prob(k):
        return mpmath.log(mpmath.binomial(n, k)) + k * mpmath.log(p) + (n - k) * mpmath.log1p(-p)

    return [float(log_prob(int(k))) for k in counts]


def test_log_prob_equals_mpmath_for_small_counts(check):
    grid = list(itertools.product([7.0, 30.0], [1e-9, 0.3, 0.999]))
    check.log_prob(lambda n, p: Binomial(n, p), _binomial, grid, [0.0, 1.0, 7.0])


def test_log_prob_keeps_its_accuracy_for_a_million_tosses(check):
    check.log_prob(lambda n, p: Binomial(n, p), _binomial, [(1e6, 0.25)], [249000.0, 250000.0, 260000.0], rtol=1e-8)


def test_log_prob_by_logits_is_finite_for_extreme_odds():
    law = Binomial(10, logits=torch.tensor([-500.0, 500.0]))
    seen = law.log_prob(torch.tensor([2.0, 8.0]))
    np.testing.assert_allclose(seen.numpy(), np.log(45) - 1000, rtol=1e-6)


def test_log_prob_at_certainty_is_zero_with_finite_gradient():
    probs = torch.tensor([0.0, 1.0], requires_grad=True)
    log_prob = Binomial(5, probs).log_prob(torch.tensor([0.0, 5.0]))
    log_prob.sum().backward()
    assert log_prob.tolist() == [0.0, 0.0]
    assert probs.grad.tolist() == [-5.0, 5.0]


def test_probabilities_sum_to_one(check):
    check.sums_to_one(Binomial(9, 0.3), range(10))


def test_draws_have_the_right_moments(check):
    check.moments(Binomial(9, 0.3), 2.7, 1.89)


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_gradients_equal_finite_differences(check, name):
    make = lambda a: Binomial(7.0, **{name: a})  # noqa: E731
    check.gradients(make, [[0.3, 0.6]], [0.0, 4.0], of_value=False)
    check.traceable(make, [0.3], torch.tensor([0.0, 3.0], dtype=torch.float64))


@pytest.mark.parametrize(
    "law",
    [
        Binomial(3, 0.3),
        Binomial(torch.tensor([3, 4]), logits=torch.zeros(5, 2)),
    ],
)
def test_shapes(check, law):
    check.shapes(law)


def test_support_is_enumerated_for_equal_counts():
    values = Binomial(3, torch.full((2,), 0.5)).enumerate_support()
    assert values.tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Binomial(-1, 0.5), "total_count", "Binomial")
    check.refuses(lambda: Binomial(2.5, 0.5), "total_count", "2.5")
    check.refuses(lambda: Binomial(3, 1.5), "probs")
    check.refuses(lambda: Binomial(3, 0.5).log_prob(torch.tensor(4.0)), "Binomial", "4", "0 to 3")
