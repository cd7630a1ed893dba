"""Warm-up as a whole: what is known about the tuning, and how one iteration adds to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from twofold_jax.infer.mcmc.adaptation.mass_matrix import Welford, start_welford, update_welford, welford_covariance
from twofold_jax.infer.mcmc.adaptation.schedule import Schedule
from twofold_jax.infer.mcmc.adaptation.step_size import (
    DualAveraging,
    averaged_step_size,
    start_dual_averaging,
    update_dual_averaging,
)
from twofold_jax.infer.mcmc.dynamics import make_metric
from twofold_jax.infer.mcmc.kernels.base import Tuning

__all__ = ["AdaptState", "adapt", "start_adaptation"]


class AdaptState(NamedTuple):
    """The tuning in force, and the evidence for the next."""

    tuning: Tuning
    step: DualAveraging
    draws: Welford


def start_adaptation(step_size: Array, inverse_mass: Array) -> AdaptState:
    """Nothing learnt yet."""
    tuning = Tuning(step_size, make_metric(inverse_mass))
    return AdaptState(tuning, start_dual_averaging(step_size), start_welford(inverse_mass))


def adapt(kernel: Any, state: AdaptState, position: Array, accept_prob: Array, now: Schedule) -> AdaptState:
    """Learn from one iteration of the warm-up; ``now`` is its row of the schedule."""
    if kernel.adapt_step_size:
        step = update_dual_averaging(state.step, accept_prob, kernel.target_accept_prob)
        step_size = jnp.where(now.is_warmup_end, averaged_step_size(step), jnp.exp(step.log_step_size))
        state = AdaptState(state.tuning._replace(step_size=step_size), step, state.draws)
    if kernel.adapt_mass_matrix:
        draws = jax.tree.map(
            lambda new, old: jnp.where(now.is_slow, new, old), update_welford(state.draws, position), state.draws
        )
        state = lax.cond(now.is_window_end, lambda s: _renew(kernel, s), lambda s: s, state._replace(draws=draws))
    return state


def _renew(kernel: Any, state: AdaptState) -> AdaptState:
    """The end of a slow window: a new metric, and the step size begins anew around its average."""
    inverse_mass = welford_covariance(state.draws, kernel.regularize_mass_matrix)
    step_size = averaged_step_size(state.step) if kernel.adapt_step_size else state.tuning.step_size
    return AdaptState(
        Tuning(step_size, make_metric(inverse_mass)), start_dual_averaging(step_size), start_welford(inverse_mass)
    )
