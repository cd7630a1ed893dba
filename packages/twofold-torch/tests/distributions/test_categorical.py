"""Categories against closed forms."""

import math

import numpy as np
import pytest
import torch

from twofold_torch.distributions import Categorical
from twofold_torch.errors import ShapeError

WEIGHTS = torch.tensor([[1.0, 2.0, 5.0], [0.0, 3.0, 1.0]], dtype=torch.float64)


def test_log_prob_by_probs_is_the_log_of_the_normalised_weight():
    law = Categorical(WEIGHTS)
    seen = law.log_prob(torch.tensor([2, 1]))
    np.testing.assert_allclose(seen.numpy(), [math.log(5 / 8), math.log(3 / 4)], rtol=1e-14)
    assert float(law.log_prob(torch.tensor([2, 0]))[1]) == -math.inf


def test_log_prob_by_logits_is_exact_for_any_size():
    logits = torch.tensor([-1e4, 0.0, 1e4, -math.inf], dtype=torch.float64)
    seen = Categorical(logits=logits).log_prob(torch.arange(4))
    np.testing.assert_allclose(seen.numpy(), [-2e4, -1e4, 0.0, -math.inf])


def test_values_broadcast_against_the_batch():
    law = Categorical(WEIGHTS)
    values = torch.arange(1, 3).reshape(2, 1)
    expected = [[math.log(2 / 8), math.log(3 / 4)], [math.log(5 / 8), math.log(1 / 4)]]
    np.testing.assert_allclose(law.log_prob(values).numpy(), expected)
    np.testing.assert_allclose(Categorical(WEIGHTS[0]).log_prob(values).numpy(), np.log([[2 / 8], [5 / 8]]))


def test_probabilities_of_all_values_sum_to_one():
    for law in (Categorical(WEIGHTS), Categorical(logits=WEIGHTS)):
        total = law.log_prob(law.enumerate_support()).exp().sum(0)
        np.testing.assert_allclose(total.numpy(), 1.0)


def test_draws_come_with_their_probabilities():
    """Each frequency within 5 standard errors: error rate 6e-7 each, 4e-6 in all."""
    law, num = Categorical(WEIGHTS), 5000
    draws = law.sample((num,))
    for index in range(3):
        p = law.probs[:, index]
        error = ((draws == index).double().mean(0) - p).abs()
        assert bool((error <= 5 * (p * (1 - p) / num).sqrt()).all())


def test_gradient_is_finite_beside_an_impossible_category():
    weights = torch.tensor([0.0, 3.0, 1.0], requires_grad=True)
    Categorical(weights).log_prob(torch.tensor(1)).backward()
    np.testing.assert_allclose(weights.grad.numpy(), [-1 / 4, 1 / 3 - 1 / 4, -1 / 4], rtol=1e-6)


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_gradients_equal_finite_differences(check, name):
    values = torch.tensor([0.0, 2.0], dtype=torch.float64)
    weights = [0.2, 0.5, 0.4]
    check.traceable(lambda a: Categorical(**{name: a}), [weights], values)
    parameter = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: Categorical(**{name: a}).log_prob(values), (parameter,))


@pytest.mark.parametrize(
    "law",
    [
        Categorical(torch.ones(3)),
        Categorical(logits=torch.zeros(4, 2, 3)),
    ],
)
def test_shapes(check, law):
    check.shapes(law)


def test_support_is_enumerated():
    law = Categorical(WEIGHTS)
    assert law.enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert law.enumerate_support(expand=False).shape == (3, 1)


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Categorical(torch.tensor([0.5, -0.5])), "probs", "Categorical")
    check.refuses(lambda: Categorical(torch.zeros(3)), "probs", "without any weight")
    check.refuses(lambda: Categorical(logits=torch.tensor([0.0, math.nan])), "logits", "NaN")
    check.refuses(lambda: Categorical(torch.ones(3)).log_prob(torch.tensor(3)), "Categorical", "3", "0 to 2")
    check.refuses(lambda: Categorical(), "neither")
    with pytest.raises(ShapeError, match="no dim"):
        Categorical(torch.tensor(1.0))
