"""Step size: dual averaging towards an acceptance probability, and a first guess; each chain its own."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..dynamics import DensityAndGradient, Metric, Point, kinetic_energy, leapfrog

__all__ = [
    "DualAveraging",
    "averaged_step_size",
    "find_reasonable_step_size",
    "start_dual_averaging",
    "update_dual_averaging",
]

_SHRINKAGE, _DELAY, _DECAY = 0.05, 10.0, 0.75  # gamma, t0, kappa of the paper


class DualAveraging(NamedTuple):
    """State of the stochastic optimisation of ``log(step_size)``; tensors of shape (chains,)."""

    log_step_size: Tensor
    log_average: Tensor
    error_sum: Tensor
    """Running average of target minus acceptance."""
    num_updates: int
    centre: Tensor
    """``log(10 * first step size)``: towards it the iterates shrink."""


def start_dual_averaging(step_size: Tensor) -> DualAveraging:
    """Begin (again) at a step size."""
    log_step_size = step_size.log()
    zero = torch.zeros_like(log_step_size)
    return DualAveraging(log_step_size, zero, zero, 0, math.log(10.0) + log_step_size)


def update_dual_averaging(state: DualAveraging, accept_prob: Tensor, target: float) -> DualAveraging:
    """Take in the acceptance probability of one iteration.

    Source: Hoffman and Gelman (2014), JMLR 15, algorithm 5 (equation 6).
    """
    count = state.num_updates + 1
    weight = 1.0 / (count + _DELAY)
    error_sum = (1.0 - weight) * state.error_sum + weight * (target - accept_prob)
    log_step_size = state.centre - math.sqrt(count) / _SHRINKAGE * error_sum
    forgetting = count**-_DECAY
    log_average = forgetting * log_step_size + (1.0 - forgetting) * state.log_average
    return DualAveraging(log_step_size, log_average, error_sum, count, state.centre)


def averaged_step_size(state: DualAveraging) -> Tensor:
    """The step size to keep when adaptation ends; before any update, the one it began with."""
    return (state.log_average if state.num_updates else state.log_step_size).exp()


def find_reasonable_step_size(
    density: DensityAndGradient, metric: Metric, point: Point, step_size: Tensor, target: float
) -> Tensor:
    """Double or halve ``step_size`` until the acceptance of one leapfrog step crosses ``target``.

    Source: Hoffman and Gelman (2014), JMLR 15, algorithm 4, with ``target`` for one half.
    """
    initial = point.log_density - kinetic_energy(metric, point.momentum)

    def accepts(size: Tensor) -> Tensor:
        end = leapfrog(density, metric, size.unsqueeze(-1), point)
        return end.log_density - kinetic_energy(metric, end.momentum) - initial > math.log(target)

    accepted = grows = accepts(step_size)
    factor = torch.where(grows, 2.0, 0.5)
    low, high = torch.finfo(step_size.dtype).tiny * 1e3, 1e7
    while True:
        searching = (accepted == grows) & (step_size > low) & (step_size < high)
        if not searching.any():
            return step_size
        step_size = torch.where(searching, step_size * factor, step_size)
        accepted = torch.where(searching, accepts(step_size), accepted)
