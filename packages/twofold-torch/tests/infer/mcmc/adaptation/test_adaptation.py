"""Step size, mass matrix and schedule of the warm-up."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from twofold_torch.infer import NUTS
from twofold_torch.infer.mcmc.adaptation.base import adapt, start_adaptation
from twofold_torch.infer.mcmc.adaptation.mass_matrix import start_welford, update_welford, welford_covariance
from twofold_torch.infer.mcmc.adaptation.schedule import Schedule, build_schedule, slow_windows
from twofold_torch.infer.mcmc.adaptation.step_size import (
    averaged_step_size,
    find_reasonable_step_size,
    start_dual_averaging,
    update_dual_averaging,
)
from twofold_torch.infer.mcmc.dynamics import Point, make_metric

DRAWS = torch.randn(50, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("num_warmup", [20, 50, 149, 150, 151, 200, 500, 1000, 3000])
def test_slow_windows_follow_each_other_without_a_gap(num_warmup: int) -> None:
    windows = slow_windows(num_warmup)
    assert windows[0][0] > 0
    assert windows[-1][1] < num_warmup
    assert all(a[1] == b[0] for a, b in itertools.pairwise(windows))
    lengths = [stop - start for start, stop in windows]
    assert lengths == sorted(lengths)


def test_short_warm_up_has_no_slow_window_and_none_is_fine() -> None:
    assert slow_windows(19) == []
    assert not build_schedule(0, 10).is_warmup.any()


def test_schedule_marks_the_ends() -> None:
    schedule = build_schedule(1000, 7)
    assert len(schedule.is_warmup) == 1007
    assert int(schedule.is_warmup.sum()) == 1000
    assert np.flatnonzero(schedule.is_warmup_end).tolist() == [999]
    assert np.flatnonzero(schedule.is_window_end).tolist() == [99, 149, 249, 449, 949]


@pytest.mark.parametrize("dense", [False, True])
def test_welford_gives_the_sample_covariance_of_each_chain(dense: bool) -> None:
    state = start_welford(torch.eye(3, dtype=torch.float64).expand(2, 3, 3) if dense else torch.ones(2, 3).double())
    for draw in DRAWS:
        state = update_welford(state, draw)
    found = welford_covariance(state, regularize=False)
    for chain in range(2):
        covariance = DRAWS[:, chain].T.cov()
        torch.testing.assert_close(found[chain], covariance if dense else covariance.diagonal())


@pytest.mark.parametrize("dense", [False, True])
def test_regularisation_shrinks_towards_a_small_multiple_of_the_identity(dense: bool) -> None:
    state = start_welford(torch.eye(3).expand(1, 3, 3) if dense else torch.ones(1, 3))
    one = torch.eye(3)[None] if dense else torch.ones(1, 3)
    torch.testing.assert_close(welford_covariance(state), 1e-3 * one)


def test_dual_averaging_finds_the_step_size_of_the_target() -> None:
    """Acceptance falls with the step size as 1 / (1 + e); the target 0.8 is met at 0.25."""
    state = start_dual_averaging(torch.tensor([1.0, 5.0]))
    for _ in range(2000):
        state = update_dual_averaging(state, 1.0 / (1.0 + state.log_step_size.exp()), 0.8)
    torch.testing.assert_close(averaged_step_size(state), torch.tensor([0.25, 0.25]), atol=0.01, rtol=0.0)


def test_dual_averaging_takes_the_steps_of_the_paper() -> None:
    state = update_dual_averaging(start_dual_averaging(torch.tensor([0.5])), torch.tensor([0.6]), 0.8)
    error = (1 / 11) * 0.2
    log_step = math.log(5.0) - 1 / 0.05 * error
    assert float(state.log_step_size) == pytest.approx(log_step, rel=1e-5)
    assert float(state.log_average) == pytest.approx(log_step, rel=1e-5)


def test_before_any_update_the_average_is_the_beginning() -> None:
    assert float(averaged_step_size(start_dual_averaging(torch.tensor([0.5])))) == pytest.approx(0.5)


@pytest.mark.parametrize("first", [1e-4, 1.0, 1e4])
def test_reasonable_step_size_is_near_the_scale_of_the_density(first: float) -> None:
    def density(position: Tensor) -> tuple[Tensor, Tensor]:
        return -0.5 * (position / 0.1).square().sum(-1), -position / 0.01

    position = torch.tensor([[0.1, -0.05]])
    point = Point(position, torch.tensor([[1.0, -1.0]]), *density(position))
    metric = make_metric(torch.ones(1, 2))
    found = find_reasonable_step_size(density, metric, point, torch.tensor([first]), 0.8)
    assert 0.02 < float(found) < 0.5


def now(schedule: Schedule, index: int) -> Schedule:
    return Schedule(*(column[index] for column in schedule))


def test_the_mass_matrix_is_renewed_at_the_end_of_a_window_only() -> None:
    kernel, schedule = NUTS(potential_fn=lambda z: z), build_schedule(100, 0)
    state = start_adaptation(torch.tensor([0.1]), torch.ones(1, 3))
    end = int(np.flatnonzero(schedule.is_window_end)[0])
    for index in range(end + 1):
        former = state.tuning.metric.inverse_mass
        assert torch.equal(former, torch.ones(1, 3))
        position = 3.0 * torch.randn(1, 3, generator=torch.Generator().manual_seed(index))
        state = adapt(kernel, state, position, torch.tensor([0.8]), now(schedule, index))
    variances = state.tuning.metric.inverse_mass
    assert bool(((variances > 3) & (variances < 27)).all())
    assert state.draws.num_updates == 0
    assert state.step.num_updates == 0


def test_what_is_not_to_be_adapted_stays() -> None:
    kernel = NUTS(potential_fn=lambda z: z, adapt_step_size=False, adapt_mass_matrix=False)
    schedule, state = build_schedule(100, 0), start_adaptation(torch.tensor([0.1]), torch.ones(1, 3))
    for index in range(100):
        state = adapt(kernel, state, torch.randn(1, 3), torch.tensor([0.1]), now(schedule, index))
    assert float(state.tuning.step_size) == pytest.approx(0.1)
    assert torch.equal(state.tuning.metric.inverse_mass, torch.ones(1, 3))
