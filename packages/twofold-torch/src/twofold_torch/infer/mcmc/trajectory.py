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
    """A contiguous part of each trajectory, as the U-turn test sees it; every array of shape (chains, dim)."""

    first: Tensor
    """Momentum at the end that was reached first."""
    last: Tensor
    first_velocity: Tensor
    last_velocity: Tensor
    total: Tensor
    """Sum of the momenta of all leaves."""


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
    is_whole: Tensor
    """Whether no leaf diverged and no part turned."""
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
        to_right, uniforms = _draw_choices(streams, active, initial_energy)
        edge = _select(to_right, tree.right, tree.left)
        step = torch.where(to_right, step_size, -step_size).unsqueeze(-1)
        subtree = _grow(density, metric, step, edge, initial_energy, depth, active, uniforms[0])
        tree, is_finished = _join(metric, tree, subtree, to_right, active, uniforms[1])
        active = active & ~is_finished
        if not active.any():
            break
    return tree


def _draw_choices(
    streams: Sequence[torch.Generator], active: Tensor, like: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """For each chain a direction, and two uniform numbers: for the choice among the leaves, and for the join."""
    rows = [
        torch.rand(3, generator=stream, dtype=like.dtype) if goes_on else torch.ones(3, dtype=like.dtype)
        for stream, goes_on in zip(streams, active.tolist(), strict=True)
    ]
    direction, leaf, join = torch.stack(rows, dim=1).unbind(0)
    return direction < 0.5, (leaf, join)


def _grow(
    density: DensityAndGradient,
    metric: Metric,
    step: Tensor,
    edge: Point,
    initial_energy: Tensor,
    depth: int,
    active: Tensor,
    uniform: Tensor,
) -> _Subtree:
    """Subtrees of ``2**depth`` leaves beyond ``edge``, or as much of them as comes before a U-turn or a divergence.

    What is done for each leaf is kept to what decides whether to go on; the rest is done for all leaves at the end.
    """
    point, growing = edge, active
    leaves, doubled_energies, alive = [], [], []
    doubled_limit = 2.0 * (initial_energy + MAX_ENERGY_ERROR)
    waiting: list[tuple[int, Segment]] = []
    for _ in range(2**depth):
        point = leapfrog(density, metric, step, point)
        motion = velocity(metric, point.momentum)
        doubled_energy = torch.sub(torch.linalg.vecdot(point.momentum, motion), point.log_density, alpha=2.0)
        leaves.append(point)
        doubled_energies.append(doubled_energy)
        alive.append(growing)
        growing = _carry(waiting, point.momentum, motion, growing & (doubled_energy <= doubled_limit))
        if True not in growing.tolist():  # several times as fast as any()
            break
    energies, was_growing = 0.5 * torch.stack(doubled_energies), torch.stack(alive)
    log_weights = (initial_energy - energies).nan_to_num(nan=-torch.inf, posinf=-torch.inf, neginf=-torch.inf)
    log_weights = torch.where(was_growing, log_weights, -torch.inf)
    is_diverging = (was_growing & (log_weights < -MAX_ENERGY_ERROR)).any(0)
    return _Subtree(
        frontier=point,
        choice=_choose(leaves, energies, log_weights, uniform),
        whole=waiting[-1][1],
        num_leaves=was_growing.sum(0),
        sum_accept=log_weights.clamp(max=0.0).exp().sum(0),
        is_whole=growing & ~is_diverging,
        is_diverging=is_diverging,
    )


def _choose(leaves: list[Point], energies: Tensor, log_weights: Tensor, uniform: Tensor) -> Choice:
    """One leaf of each chain, with probability proportional to its weight."""
    if len(leaves) == 1:
        only = leaves[0]
        return Choice(only.position, only.gradient, only.log_density, energies[0], log_weights[0])
    heights = (log_weights - log_weights.amax(0)).exp().cumsum(0)
    index = (heights <= uniform * heights[-1]).sum(0).clamp(max=len(leaves) - 1)
    chains = torch.arange(len(uniform))
    columns = zip(*((leaf.position, leaf.gradient, leaf.log_density) for leaf in leaves), strict=True)
    position, gradient, log_density = (torch.stack(column)[index, chains] for column in columns)
    return Choice(position, gradient, log_density, energies[index, chains], log_weights.logsumexp(0))


def _carry(waiting: list[tuple[int, Segment]], momentum: Tensor, motion: Tensor, growing: Tensor) -> Tensor:
    """Add a leaf to the finished parts (``level`` means ``2**level`` leaves), joining equal ones.

    Returns:
        Which of the ``growing`` chains go on: those in which no join turns.
    """
    level, part = 0, Segment(momentum, momentum, motion, motion, momentum)
    while waiting and waiting[-1][0] == level:
        sibling = waiting.pop()[1]
        total = sibling.total + part.total
        growing = growing & _goes_on(sibling, part, total)
        level += 1
        part = Segment(sibling.first, part.last, sibling.first_velocity, part.last_velocity, total)
    waiting.append((level, part))
    return growing


def _join(
    metric: Metric, tree: Trajectory, subtree: _Subtree, to_right: Tensor, active: Tensor, uniform: Tensor
) -> tuple[Trajectory, Tensor]:
    """The trees with a new subtree at one end, and which of them are finished.

    An unfinished subtree contributes its statistics only.
    """
    is_whole = active & subtree.is_whole
    log_ratio = subtree.choice.log_weight - tree.choice.log_weight  # biased towards the new half: progressive sampling
    chosen = _select(is_whole & (uniform.log() < log_ratio), subtree.choice, tree.choice)
    log_weight = torch.logaddexp(tree.choice.log_weight, subtree.choice.log_weight)
    near = torch.where(to_right.unsqueeze(-1), tree.right.momentum, tree.left.momentum)
    far = torch.where(to_right.unsqueeze(-1), tree.left.momentum, tree.right.momentum)
    former = Segment(far, near, velocity(metric, far), velocity(metric, near), tree.total)
    total = tree.total + subtree.whole.total
    goes_on = is_whole & _goes_on(former, subtree.whole, total)
    joined = Trajectory(
        choice=chosen._replace(log_weight=log_weight),
        left=_select(to_right, tree.left, subtree.frontier),
        right=_select(to_right, subtree.frontier, tree.right),
        total=total,
        depth=tree.depth + active,
        num_leaves=tree.num_leaves + subtree.num_leaves,
        sum_accept=tree.sum_accept + subtree.sum_accept,
        is_diverging=tree.is_diverging | subtree.is_diverging,
    )
    return joined, ~goes_on


def _goes_on(older: Segment, newer: Segment, total: Tensor) -> Tensor:
    """Whether the join of two neighbours makes no U-turn: neither as a whole nor across their seam."""
    totals = torch.stack((total, older.total + newer.first, older.last + newer.total))
    old, new = (older.first_velocity, older.last_velocity), (newer.first_velocity, newer.last_velocity)
    ends = torch.stack((old[0], old[0], old[1], new[1], new[0], new[1])).unflatten(0, (2, 3))
    return torch.linalg.vecdot(ends, totals).amin((0, 1)) > 0.0


def _select(condition: Tensor, left: T, right: T) -> T:
    """For each chain the record ``left`` or ``right``."""
    column = condition.unsqueeze(-1)
    pairs = zip(left, right, strict=True)
    return type(left)(*(torch.where(column if a.dim() == 2 else condition, a, b) for a, b in pairs))
