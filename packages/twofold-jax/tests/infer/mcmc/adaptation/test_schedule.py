"""Laws of the warm-up's schedule."""

from itertools import pairwise

import numpy as np
import pytest

from twofold_jax.infer.mcmc.adaptation.schedule import build_schedule, slow_windows


@pytest.mark.parametrize("num_warmup", [0, 1, 19, 20, 57, 149, 150, 151, 300, 1000, 1234])
def test_slow_windows_follow_each_other_inside_the_warm_up(num_warmup):
    windows = slow_windows(num_warmup)
    assert all(end == start for (_, end), (start, _) in pairwise(windows))
    assert all(0 <= start < end < num_warmup for start, end in windows)
    assert bool(windows) == (num_warmup >= 20)


def test_windows_are_those_of_stan():
    assert slow_windows(1000) == [(75, 100), (100, 150), (150, 250), (250, 450), (450, 950)]


@pytest.mark.parametrize(("num_warmup", "num_samples", "chunk"), [(100, 50, 50), (30, 5, 50), (0, 7, 3)])
def test_schedule_covers_the_run_and_fills_up_chunks(num_warmup, num_samples, chunk):
    schedule = build_schedule(num_warmup, num_samples, chunk)
    assert len(schedule.is_active) % chunk == 0
    assert schedule.is_active.sum() == num_warmup + num_samples
    assert schedule.is_warmup.sum() == num_warmup
    assert schedule.is_warmup_end.sum() == (num_warmup > 0)
    assert schedule.is_window_end.sum() == len(slow_windows(num_warmup))
    assert not np.any(schedule.is_slow & ~schedule.is_warmup)
