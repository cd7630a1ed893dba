"""Categories as unit vectors."""

import math

import numpy as np
import pytest
import torch

from twofold_torch.distributions import Categorical, OneHotCategorical

WEIGHTS = torch.tensor([[1.0, 2.0, 5.0], [0.0, 3.0, 1.0]], dtype=torch.float64)


def test_log_prob_is_that_of_the_index():
    index = torch.tensor([2, 1])
    value = torch.nn.functional.one_hot(index, 3)
    torch.testing.assert_close(OneHotCategorical(WEIGHTS).log_prob(value), Categorical(WEIGHTS).log_prob(index))


def test_probabilities_of_all_values_sum_to_one():
    law = OneHotCategorical(WEIGHTS)
    assert law.enumerate_support(expand=False).shape == (3, 1, 3)
    np.testing.assert_allclose(law.log_prob(law.enumerate_support()).exp().sum(0).numpy(), 1.0)


def test_draws_have_the_right_moments(check):
    probs = WEIGHTS / WEIGHTS.sum(-1, keepdim=True)
    check.moments(OneHotCategorical(WEIGHTS), probs, probs * (1 - probs))


@pytest.mark.parametrize("law", [OneHotCategorical(torch.ones(3)), OneHotCategorical(logits=torch.zeros(2, 3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_and_values_are_named(check):
    law = OneHotCategorical(torch.ones(2))
    check.refuses(lambda: law.log_prob(torch.tensor([1.0, 1.0])), "OneHotCategorical", "single 1")
    check.refuses(lambda: OneHotCategorical(torch.tensor([-1.0, 1.0])), "probs")
    check.refuses(lambda: OneHotCategorical(logits=torch.tensor([0.0, math.nan])), "logits")
