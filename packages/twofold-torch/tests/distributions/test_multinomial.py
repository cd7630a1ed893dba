"""Counts of several categories against SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Multinomial

WEIGHTS = np.array([0.2, 0.5, 0.3])


def test_log_prob_equals_scipy():
    counts = np.array([[5, 0, 0], [1, 2, 2], [0, 0, 5]])
    law = Multinomial(5, torch.tensor(WEIGHTS))
    np.testing.assert_allclose(law.log_prob(torch.tensor(counts)).numpy(), stats.multinomial(5, WEIGHTS).logpmf(counts))


def test_log_prob_keeps_single_precision_accuracy_for_many_draws():
    counts = np.array([200_100, 499_900, 300_000])
    law = Multinomial(1_000_000, torch.tensor(WEIGHTS, dtype=torch.float32))
    exact = stats.multinomial(1_000_000, law.probs.double().numpy() / law.probs.double().sum().item()).logpmf(counts)
    assert float(law.log_prob(torch.tensor(counts).float())) == pytest.approx(exact, abs=0.1)


def test_impossible_categories_with_no_counts_have_finite_gradient():
    weights = torch.tensor([0.0, 0.5, 0.5], requires_grad=True)
    Multinomial(2, weights).log_prob(torch.tensor([0.0, 1.0, 1.0])).backward()
    assert bool(weights.grad.isfinite().all())


@pytest.mark.parametrize("law", [Multinomial(5, torch.ones(3)), Multinomial(5, logits=torch.zeros(2, 3))])
def test_shapes(check, law):
    check.shapes(law)


def test_draws_sum_to_the_total_and_have_the_right_mean(check):
    law = Multinomial(5, torch.tensor(WEIGHTS))
    assert bool((law.sample((100,)).sum(-1) == 5).all())
    check.moments(law, 5 * WEIGHTS, 5 * WEIGHTS * (1 - WEIGHTS))


def test_wrong_values_are_named(check):
    law = Multinomial(5, torch.ones(3))
    check.refuses(lambda: law.log_prob(torch.tensor([6.0, 0.0, 0.0])), "Multinomial")
    check.refuses(lambda: Multinomial(5, torch.tensor([-1.0, 2.0])))
