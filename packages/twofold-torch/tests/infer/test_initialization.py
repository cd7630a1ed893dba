"""Strategies for the first value of a latent."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch.infer import (
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)
from twofold_torch.infer.autoguide import initialization as other_spelling

LAWS = [
    dist.Normal(torch.zeros(3), 1.0),
    dist.Gamma(2.0, 1.0),
    dist.Uniform(3.0, 4.0),
    dist.Dirichlet(torch.ones(4)),
    dist.LKJCholesky(3, 1.0),
    dist.HalfCauchy(1.0),
]
STRATEGIES = [
    init_to_uniform,
    init_to_uniform(radius=0.5),
    init_to_median,
    init_to_median(num_samples=5),
    init_to_mean,
    init_to_mean(),
    init_to_sample,
    init_to_sample(),
    init_to_feasible,
    init_to_feasible(),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategy_gives_a_value_of_the_support_in_the_shape_of_the_site(strategy: Any, law: Any) -> None:
    value = strategy({"name": "x", "fn": law})
    assert value.shape == law.shape()
    assert bool(law.support.check(value).all())


def test_uniform_stays_within_its_radius() -> None:
    values = init_to_uniform({"name": "x", "fn": dist.Normal(torch.zeros(1000), 1.0)}, radius=0.1)
    assert float(values.abs().max()) <= 0.1


def test_mean_is_the_mean_of_the_prior() -> None:
    assert float(init_to_mean({"name": "x", "fn": dist.Gamma(3.0, 2.0)})) == pytest.approx(1.5)


def test_mean_that_is_not_finite_gives_way_to_the_median() -> None:
    assert bool(init_to_mean({"name": "x", "fn": dist.HalfCauchy(1.0)}).isfinite())


def test_law_without_a_sampler_is_left_to_the_uniform_strategy() -> None:
    law = dist.ImproperUniform(dist.constraints.positive, (), ())
    assert init_to_median({"name": "x", "fn": law}) is None
    assert init_to_sample({"name": "x", "fn": law}) is None


def test_value_gives_what_is_named_and_leaves_the_rest() -> None:
    strategy = init_to_value(values={"x": tensor(2.0)})
    assert float(strategy({"name": "x", "fn": LAWS[1]})) == 2.0
    assert strategy({"name": "y", "fn": LAWS[1]}) is None


def test_random_strategies_follow_the_seed() -> None:
    draws = []
    for _ in range(2):
        tf.set_rng_seed(7)
        draws.append(init_to_uniform({"name": "x", "fn": LAWS[0]}))
    assert torch.equal(*draws)


def test_autoguide_spelling_names_the_same_functions() -> None:
    assert other_spelling.init_to_median is init_to_median
