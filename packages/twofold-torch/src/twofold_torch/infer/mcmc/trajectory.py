"""The trajectories of NUTS: doubling, multinomial choice of a state, and the U-turn test; all chains in lockstep.

A trajectory grows by subtrees of 1, 2, 4, ... leaves, to either side.  Inside a subtree the leaves come one by one; the
finished parts of it (1, 2, 4, ... leaves, like the digits of a binary counter) wait until their sibling is complete,
and every join is tested for a U-turn.  A chain that has finished waits for the others; what it computes meanwhile is
thrown away.

Source: Hoffman and Gelman (2014), JMLR 15; Betancourt (2017), arXiv:1701.02434, appendix A.4 (multinomial choice,
generalised criterion); Phan, Pradhan and Jankowiak (2019), arXiv:1912.11554, appendix A (iteration for recursion).
The tests across subtrees are those of Stan since 2.21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from .dynamics import DensityAndGradient, Metric, Point, kinetic_energy, leapfrog, velocity

T = TypeVar("T", bound=Any)

__all__ = ["MAX_ENERGY_ERROR", "Trajectory", "sample_trajectory"]

MAX_ENERGY_ERROR = 1000.0
"""A trajectory whose energy error exceeds this is divergent (the value of Stan)."""


class Segment(NamedTuple):
    """A contiguous part of each trajectory, as the U-turn test sees it; momenta of shape (chains, dim)."""

    first: Tensor
    """At the end that was reached first."""
    last: Tensor
    total: Tensor
    """Sum over all leaves."""


class Choice(NamedTuple):
    """The state chosen so far among the leaves of each (sub)tree, and the leaves' total weight."""

    position: Tensor
    gradient: Tensor
    log_density: Tensor
    energy: Tensor
    log_weight: Tensor
    """Logarithm of the summed ``exp(initial energy - energy)``."""


class _Subtree(NamedTuple):
    frontier: Point
    choice: Choice
    whole: Segment
    num_leaves: Tensor
    sum_accept: Tensor
    is_turning: Tensor
    is_diverging: Tensor


class Trajectory(NamedTuple):
    """What one run of the doubling yields; every array has the chains as first dim."""

    choice: Choice
    left: Point
    right: Point
    total: Tensor
    """Sum of all momenta, (chains, dim)."""
    depth: Tensor
    num_leaves: Tensor
    """Leapfrog steps, without the start."""
    sum_accept: Tensor
    """Sum over the leaves of ``min(1, exp(initial energy - energy))``."""
    is_diverging: Tensor


def sample_trajectory(
    density: DensityAndGradient,
    metric: Metric,
    step_size: Tensor,
    start: Point,
    max_tree_depth: int,
    streams: Sequence[torch.Generator],
) -> Trajectory:
    """Grow trajectories from ``start`` until they turn, diverge or have doubled ``max_tree_depth`` times.

    Args:
        density: log densities and gradients.
        metric: the inverse mass matrices.
        step_size: positive, (chains,).
        start: with fresh momenta.
        max_tree_depth: most doublings.
        streams: random numbers of each chain; a chain that has finished takes none.
    """
    initial_energy = kinetic_energy(metric, start.momentum) - start.log_density
    zero = torch.zeros_like(initial_energy)
    choice = Choice(start.position, start.gradient, start.log_density, initial_energy, zero)
    never = torch.zeros_like(zero, dtype=torch.bool)
    count = torch.zeros_like(zero, dtype=torch.int64)
    tree = Trajectory(choice, start, start, start.momentum, count, count, zero, never)
    active = ~never
    for depth in range(max_tree_depth):
        to_right, uniforms = _draw_choices(streams, active, depth, initial_energy)
        edge = _select(to_right, tree.right, tree.left)
        step = torch.where(to_right, step_size, -step_size).unsqueeze(-1)
        subtree = _grow(density, metric, step, edge, initial_energy, depth, active, uniforms[:, 1:])
        tree, is_finished = _join(metric, tree, subtree, to_right, active, uniforms[:, 0])
        active = active & ~is_finished
        if not active.any():
            break
    return tree


def _draw_choices(
    streams: Sequence[torch.Generator], active: Tensor, depth: int, like: Tensor
) -> tuple[Tensor, Tensor]:
    """For each chain a direction, and uniform numbers: for the join, then for each of the ``2**depth`` leaves."""
    count = 2**depth + 2
    rows = [
        torch.rand(count, generator=stream, dtype=like.dtype) if goes_on else torch.ones(count, dtype=like.dtype)
        for stream, goes_on in zip(streams, active.tolist(), strict=True)
    ]
    table = torch.stack(rows)
    return table[:, 0] < 0.5, table[:, 1:]


def _grow(
    density: DensityAndGradient,
    metric: Metric,
    step: Tensor,
    edge: Point,
    initial_energy: Tensor,
    depth: int,
    active: Tensor,
    uniforms: Tensor,
) -> _Subtree:
    """Subtrees of ``2**depth`` leaves beyond ``edge``, or as much of them as comes before a U-turn or a divergence."""
    log_uniforms = uniforms.log().unbind(1)
    empty = torch.full_like(initial_energy, -torch.inf)
    choice = Choice(edge.position, edge.gradient, edge.log_density, initial_energy, empty)
    point, growing = edge, active
    sum_accept, num_leaves = torch.zeros_like(initial_energy), torch.zeros_like(active, dtype=torch.int64)
    is_turning = is_diverging = torch.zeros_like(active)
    waiting: list[tuple[int, Segment]] = []
    for leaf in range(2**depth):
        point = leapfrog(density, metric, step, point)
        energy = kinetic_energy(metric, point.momentum) - point.log_density
        error = (energy - initial_energy).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
        log_weight = torch.logaddexp(choice.log_weight, -error)
        takes = growing & (log_uniforms[leaf] < -error - log_weight)
        taken = Choice(point.position, point.gradient, point.log_density, energy, log_weight)
        choice = _select(takes, taken, choice)._replace(log_weight=log_weight)
        sum_accept = sum_accept + torch.where(growing, (-error).clamp(max=0.0).exp(), 0.0)
        num_leaves = num_leaves + growing
        is_diverging = is_diverging | (growing & (error > MAX_ENERGY_ERROR))
        is_turning = is_turning | (growing & _carry(metric, waiting, point.momentum))
        growing = growing & ~(is_turning | is_diverging)
        if not growing.any():
            break
    return _Subtree(point, choice, waiting[-1][1], num_leaves, sum_accept, is_turning, is_diverging)


def _carry(metric: Metric, waiting: list[tuple[int, Segment]], momentum: Tensor) -> Tensor:
    """Add a leaf to the finished parts (``level`` means ``2**level`` leaves), joining equal ones: does a join turn?"""
    level, part = 0, Segment(momentum, momentum, momentum)
    turns = torch.zeros(len(momentum), dtype=torch.bool)
    while waiting and waiting[-1][0] == level:
        sibling = waiting.pop()[1]
        turns = turns | _turns(metric, sibling, part)
        level, part = level + 1, Segment(sibling.first, part.last, sibling.total + part.total)
    waiting.append((level, part))
    return turns


def _join(
    metric: Metric, tree: Trajectory, subtree: _Subtree, to_right: Tensor, active: Tensor, uniform: Tensor
) -> tuple[Trajectory, Tensor]:
    """The trees with a new subtree at one end, and which of them are finished.

    An unfinished subtree contributes its statistics only.
    """
    is_whole = active & ~subtree.is_turning & ~subtree.is_diverging
    log_ratio = subtree.choice.log_weight - tree.choice.log_weight  # biased towards the new half: progressive sampling
    chosen = _select(is_whole & (uniform.log() < log_ratio), subtree.choice, tree.choice)
    log_weight = torch.logaddexp(tree.choice.log_weight, subtree.choice.log_weight)
    near = torch.where(to_right.unsqueeze(-1), tree.right.momentum, tree.left.momentum)
    far = torch.where(to_right.unsqueeze(-1), tree.left.momentum, tree.right.momentum)
    turns = _turns(metric, Segment(far, near, tree.total), subtree.whole)
    joined = Trajectory(
        choice=chosen._replace(log_weight=log_weight),
        left=_select(to_right, tree.left, subtree.frontier),
        right=_select(to_right, subtree.frontier, tree.right),
        total=tree.total + subtree.whole.total,
        depth=tree.depth + active,
        num_leaves=tree.num_leaves + subtree.num_leaves,
        sum_accept=tree.sum_accept + subtree.sum_accept,
        is_diverging=tree.is_diverging | subtree.is_diverging,
    )
    return joined, ~is_whole | turns


def _turns(metric: Metric, older: Segment, newer: Segment) -> Tensor:
    """Whether the join of two neighbours makes a U-turn: as a whole, or across their seam."""
    total = torch.stack((older.total + newer.total, older.total + newer.first, older.last + newer.total))
    first = torch.stack((older.first, older.first, older.last))
    last = torch.stack((newer.last, newer.first, newer.last))
    motion = velocity(metric, total)
    return (((first * motion).sum(-1) <= 0) | ((last * motion).sum(-1) <= 0)).any(0)


def _select(condition: Tensor, left: T, right: T) -> T:
    """For each chain the record ``left`` or ``right``."""
    column = condition.unsqueeze(-1)
    pairs = zip(left, right, strict=True)
    return type(left)(*(torch.where(column if a.dim() == 2 else condition, a, b) for a, b in pairs))
