"""Warm-up as a whole: what is known about the tuning, and how one iteration adds to it."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from ..dynamics import make_metric
from ..kernels.base import Tuning
from .mass_matrix import Welford, start_welford, update_welford, welford_covariance
from .schedule import Schedule
from .step_size import DualAveraging, averaged_step_size, start_dual_averaging, update_dual_averaging

__all__ = ["AdaptState", "adapt", "start_adaptation"]


class AdaptState(NamedTuple):
    """The tuning in force, and the evidence for the next."""

    tuning: Tuning
    step: DualAveraging
    draws: Welford


def start_adaptation(step_size: Tensor, inverse_mass: Tensor) -> AdaptState:
    """Nothing learnt yet."""
    tuning = Tuning(step_size, make_metric(inverse_mass))
    return AdaptState(tuning, start_dual_averaging(step_size), start_welford(inverse_mass))


def adapt(kernel: Any, state: AdaptState, position: Tensor, accept_prob: Tensor, now: Schedule) -> AdaptState:
    """Learn from one iteration of the warm-up; ``now`` is its row of the schedule."""
    if kernel.adapt_step_size:
        step = update_dual_averaging(state.step, accept_prob, kernel.target_accept_prob)
        step_size = averaged_step_size(step) if now.is_warmup_end else step.log_step_size.exp()
        state = AdaptState(state.tuning._replace(step_size=step_size), step, state.draws)
    if kernel.adapt_mass_matrix and now.is_slow:
        state = state._replace(draws=update_welford(state.draws, position))
        if now.is_window_end:
            return _renew(kernel, state)
    return state


def _renew(kernel: Any, state: AdaptState) -> AdaptState:
    """The end of a slow window: a new metric, and the step size begins anew around its average."""
    inverse_mass = welford_covariance(state.draws, kernel.regularize_mass_matrix)
    step_size = averaged_step_size(state.step) if kernel.adapt_step_size else state.tuning.step_size
    return start_adaptation(step_size, inverse_mass)
