"""When to adapt what: a fast interval, slow windows that double, a fast interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Schedule", "build_schedule", "slow_windows"]


class Schedule(NamedTuple):
    """One entry an iteration, each an array of booleans."""

    is_warmup: np.ndarray
    is_slow: np.ndarray
    """The draw counts for the mass matrix."""
    is_window_end: np.ndarray
    """The mass matrix is renewed after this iteration."""
    is_warmup_end: np.ndarray


def slow_windows(num_warmup: int) -> list[tuple[int, int]]:
    """Start and end of each slow window: 75 iterations after the start, 25, 50, 100, ... long, 50 before the end.

    A warm-up of less than 150 iterations is shared out as 15%, 75% and 10%; one of less than 20 has no slow window.

    Source: Stan Reference Manual, section "Automatic parameter tuning".

    Example:
        >>> slow_windows(1000)
        [(75, 100), (100, 150), (150, 250), (250, 450), (450, 950)]
    """
    if num_warmup < 20:
        return []
    first, last, width = 75, 50, 25
    if first + last + width > num_warmup:
        first, last = int(0.15 * num_warmup), int(0.1 * num_warmup)
        return [(first, num_warmup - last)]
    windows, start, end = [], first, num_warmup - last
    while start < end:
        stop = start + width if start + 3 * width <= end else end
        windows.append((start, stop))
        start, width = stop, 2 * width
    return windows


def build_schedule(num_warmup: int, num_samples: int) -> Schedule:
    """The schedule of a whole run."""
    index = np.arange(num_warmup + num_samples)
    is_slow, is_window_end = np.zeros(len(index), bool), np.zeros(len(index), bool)
    for start, stop in slow_windows(num_warmup):
        is_slow[start:stop] = True
        is_window_end[stop - 1] = True
    return Schedule(index < num_warmup, is_slow, is_window_end, index == num_warmup - 1)
