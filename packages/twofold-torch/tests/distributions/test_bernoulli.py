"""Coin tosses against closed forms."""

import math

import mpmath
import numpy as np
import pytest
import torch

from twofold_torch.distributions import Bernoulli


def _by_logits(logits, values):
    mpmath.mp.dps = 60
    return [float(-mpmath.log1p(mpmath.exp(-mpmath.mpf(float(logits)) * (2 * float(x) - 1)))) for x in values]


def test_log_prob_by_logits_equals_mpmath_far_into_both_tails(check):
    grid = [(-1e4,), (-100.0,), (-1.0,), (0.0,), (20.0,), (1e4,)]
    check.log_prob(lambda logits: Bernoulli(logits=logits), _by_logits, grid, [0.0, 1.0], atol=0.0)


def test_log_prob_by_probs_is_exact_for_rare_and_for_certain_events(check):
    oracle = lambda p, x: np.where(x == 1, np.log(p), np.log1p(-p))  # noqa: E731
    check.log_prob(lambda p: Bernoulli(probs=p), oracle, [(1e-30,), (0.3,), (1 - 2**-20,)], [0.0, 1.0], atol=0.0)
    for p in (0.0, 1.0):
        assert Bernoulli(p).log_prob(torch.tensor([p, 1 - p])).tolist() == [0.0, -math.inf]


def test_gradients_are_finite_at_certainty():
    probs = torch.tensor([0.0, 1.0], requires_grad=True)
    Bernoulli(probs).log_prob(torch.tensor([0.0, 1.0])).sum().backward()
    assert probs.grad.tolist() == [-1.0, 1.0]


def test_integer_and_boolean_values_score_as_floats():
    for law in (Bernoulli(0.3), Bernoulli(logits=torch.tensor(0.4)), Bernoulli(torch.tensor(0.3))):
        expected = law.log_prob(torch.tensor([0.0, 1.0]))
        torch.testing.assert_close(law.log_prob(torch.tensor([0, 1])), expected)
        torch.testing.assert_close(law.log_prob(torch.tensor([False, True])), expected)


def test_soft_values_interpolate_with_checks_off():
    p, x = 0.3, 0.25
    expected = x * math.log(p) + (1 - x) * math.log(1 - p)
    soft = torch.tensor(x)
    assert float(Bernoulli(p, validate_args=False).log_prob(soft)) == pytest.approx(expected)
    law = Bernoulli(logits=torch.tensor(p).logit(), validate_args=False)
    assert float(law.log_prob(soft)) == pytest.approx(expected)


def test_probabilities_sum_to_one(check):
    check.sums_to_one(Bernoulli(0.3), [0, 1])


def test_draws_have_the_right_moments(check):
    check.moments(Bernoulli(0.3), 0.3, 0.21)


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_gradients_equal_finite_differences(check, name):
    make = lambda a: Bernoulli(**{name: a})  # noqa: E731
    check.gradients(make, [[0.3, 0.6]], [0.0, 1.0], of_value=False)
    check.traceable(make, [0.3], torch.tensor([0.0, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("law", [Bernoulli(0.3), Bernoulli(logits=torch.zeros(2, 3))])
def test_shapes(check, law):
    check.shapes(law)


def test_support_is_enumerated():
    law = Bernoulli(torch.full((2, 3), 0.5))
    assert law.has_enumerate_support
    assert law.enumerate_support().shape == (2, 2, 3)
    assert law.enumerate_support(expand=False).shape == (2, 1, 1)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Bernoulli(1.5), "probs", "Bernoulli", "1.5", "between 0 and 1")
    check.refuses(lambda: Bernoulli(), "neither")
    check.refuses(lambda: Bernoulli(0.5, logits=0.0), "both")
    check.refuses(lambda: Bernoulli(0.5).log_prob(torch.tensor(0.5)), "0 or 1")
