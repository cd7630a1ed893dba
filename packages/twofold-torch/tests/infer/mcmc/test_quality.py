"""Plain words about draws: when they come, and when they do not."""

from __future__ import annotations

import warnings

import pytest
import torch

from twofold_torch.errors import InferenceWarning
from twofold_torch.infer.mcmc.chains import Record
from twofold_torch.infer.mcmc.kernels.base import Info
from twofold_torch.infer.mcmc.quality import warn_of_draws


def record(draws: int = 500, diverging: int = 0, saturated: int = 0, shift: float = 0.0) -> Record:
    """Four chains of independent normal draws, with what is wrong with them put in."""
    position = torch.randn(4, draws, 2, generator=torch.Generator().manual_seed(0))
    position[0] += shift
    flags = torch.zeros(4 * draws, dtype=torch.bool)
    flags[:diverging] = True
    depth = torch.full((4 * draws,), 3)
    depth[:saturated] = 10
    number = torch.zeros(4, draws)
    info = Info(number, depth.reshape(4, -1), flags.reshape(4, -1), depth.reshape(4, -1), number)
    return Record(position, number, number, info)


def test_good_draws_are_not_spoken_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_draws(record(), 10)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (record(diverging=3), "3 of 2000 draws diverged"),
        (record(saturated=200), "200 of 2000 trajectories reached max_tree_depth=10"),
        (record(shift=1.0), "largest R-hat"),
    ],
)
def test_what_is_wrong_is_said(bad: Record, words: str) -> None:
    with pytest.warns(InferenceWarning, match=words):
        warn_of_draws(bad, 10)


def test_a_few_saturated_trees_are_fine() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_draws(record(saturated=50), 10)


def test_short_runs_are_not_judged_by_r_hat() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_draws(record(draws=50, shift=1.0), None)
