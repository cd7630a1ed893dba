"""seed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from twofold_torch import HandlerError, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import seed


def model() -> float:
    return sample("x", dist.Normal(0.0, 1.0)).item()


def test_equal_seeds_give_equal_draws_and_the_generators_go_on_as_before() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = torch.rand(1)
    assert seed(model, rng_seed=1)() == seed(model, rng_seed=1)() != seed(model, rng_seed=2)()
    with pytest.raises(ZeroDivisionError), seed(rng_seed=3):
        _ = 1 / 0
    assert torch.equal(torch.cat([first, torch.rand(2)]), expected)


def test_numpy_and_python_are_seeded_and_restored_too() -> None:
    random.seed(0)
    np.random.seed(0)
    expected = random.random(), np.random.rand()
    random.seed(0)
    np.random.seed(0)
    with seed(rng_seed=1):
        inside = random.random(), np.random.rand()
    assert (random.random(), np.random.rand()) == expected != inside


@pytest.mark.parametrize("good", [0, np.int64(0), torch.tensor(0)])
def test_any_integer_is_a_seed(good: Any) -> None:
    assert seed(model, rng_seed=good)() == seed(model, rng_seed=0)()


@pytest.mark.parametrize("bad", ["0", 0.0, None, [0], torch.tensor(0.5)])
def test_anything_else_is_not(bad: Any) -> None:
    with pytest.raises(HandlerError, match="integer"):
        seed(model, rng_seed=bad)
