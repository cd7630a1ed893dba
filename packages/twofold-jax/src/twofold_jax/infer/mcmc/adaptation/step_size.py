"""Step size: dual averaging towards an acceptance probability, and a first guess."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from twofold_jax.infer.mcmc.dynamics import DensityAndGradient, Metric, Point, kinetic_energy, leapfrog
from twofold_jax.ops.arrays import finfo

__all__ = [
    "DualAveraging",
    "averaged_step_size",
    "find_reasonable_step_size",
    "start_dual_averaging",
    "update_dual_averaging",
]

_SHRINKAGE, _DELAY, _DECAY = 0.05, 10.0, 0.75  # gamma, t0, kappa of the paper


class DualAveraging(NamedTuple):
    """State of the stochastic optimisation of ``log(step_size)``."""

    log_step_size: Array
    log_average: Array
    error_sum: Array
    """Running average of target minus acceptance."""
    num_updates: Array
    centre: Array
    """``log(10 * first step size)``: towards it the iterates shrink."""


def start_dual_averaging(step_size: Array) -> DualAveraging:
    """Begin (again) at a step size."""
    log_step_size = jnp.log(step_size)
    zero = jnp.zeros_like(log_step_size)
    return DualAveraging(log_step_size, zero, zero, zero, jnp.log(10.0) + log_step_size)


def update_dual_averaging(state: DualAveraging, accept_prob: Array, target: float | Array) -> DualAveraging:
    """Take in the acceptance probability of one iteration.

    Source: Hoffman and Gelman (2014), JMLR 15, algorithm 5 (equation 6).
    """
    count = state.num_updates + 1.0
    weight = 1.0 / (count + _DELAY)
    error_sum = (1.0 - weight) * state.error_sum + weight * (target - accept_prob)
    log_step_size = state.centre - jnp.sqrt(count) / _SHRINKAGE * error_sum
    forgetting = count**-_DECAY
    log_average = forgetting * log_step_size + (1.0 - forgetting) * state.log_average
    return DualAveraging(log_step_size, log_average, error_sum, count, state.centre)


def averaged_step_size(state: DualAveraging) -> Array:
    """The step size to keep when adaptation ends; before any update, the one it began with."""
    return jnp.exp(jnp.where(state.num_updates > 0, state.log_average, state.log_step_size))


def find_reasonable_step_size(
    density: DensityAndGradient, metric: Metric, point: Point, step_size: Array, target: float | Array
) -> Array:
    """Double or halve ``step_size`` until the acceptance of one leapfrog step crosses ``target``.

    Source: Hoffman and Gelman (2014), JMLR 15, algorithm 4, with ``target`` for one half.
    """
    initial = point.log_density - kinetic_energy(metric, point.momentum)

    def accepts(size: Array) -> Array:
        end = leapfrog(density, metric, size, point)
        log_ratio = end.log_density - kinetic_energy(metric, end.momentum) - initial
        is_likely: Array = log_ratio > jnp.log(target)  # nan compares False
        return is_likely

    grows = accepts(step_size)
    factor = jnp.where(grows, 2.0, 0.5)
    low, high = finfo(step_size.dtype).tiny * 1e3, jnp.asarray(1e7, step_size.dtype)

    def goes_on(state: tuple[Array, Array]) -> Array:
        size, accepted = state
        return jnp.equal(accepted, grows) & jnp.greater(size, low) & jnp.less(size, high)

    def scale(state: tuple[Array, Array]) -> tuple[Array, Array]:
        size = state[0] * factor
        return size, accepts(size)

    found: Array = lax.while_loop(goes_on, scale, (step_size, grows))[0]
    return found
