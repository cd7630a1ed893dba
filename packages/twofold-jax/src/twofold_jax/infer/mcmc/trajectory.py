"""The trajectory of NUTS: doubling, multinomial choice of a state, and the U-turn test.

A trajectory grows by subtrees of 1, 2, 4, ... leaves, to either side.  Inside a subtree the leaves come one by one; the
finished parts of it (1, 2, 4, ... leaves, like the digits of a binary counter) wait on a stack until their sibling is
complete, and every join is tested for a U-turn.

Source: Hoffman and Gelman (2014), JMLR 15; Betancourt (2017), arXiv:1701.02434, appendix A.4 (multinomial choice,
generalised criterion); Phan, Pradhan and Jankowiak (2019), arXiv:1912.11554, appendix A (iteration for recursion).
The tests across subtrees are those of Stan since 2.21.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from twofold_jax.infer.mcmc.dynamics import DensityAndGradient, Metric, Point, kinetic_energy, leapfrog, velocity

T = TypeVar("T")

__all__ = ["MAX_ENERGY_ERROR", "Trajectory", "sample_trajectory"]

MAX_ENERGY_ERROR = 1000.0
"""A trajectory whose energy error exceeds this is divergent (the value of Stan)."""


class Segment(NamedTuple):
    """A contiguous part of a trajectory, as the U-turn test sees it."""

    first: Array
    """Momentum at the end that was reached first, (dim,)."""
    last: Array
    total: Array
    """Sum of the momenta of all leaves, (dim,)."""


class Choice(NamedTuple):
    """The state chosen so far among the leaves of a (sub)tree, and the leaves' total weight."""

    point: Point
    energy: Array
    log_weight: Array
    """Logarithm of the summed ``exp(initial energy - energy)``."""


class _Subtree(NamedTuple):
    frontier: Point
    choice: Choice
    waiting: Segment
    """Finished parts: row k holds one of ``2**k`` leaves."""
    whole: Segment
    """The last part that was put on the stack: at the end, the whole subtree."""
    num_leaves: Array
    sum_accept: Array
    is_turning: Array
    is_diverging: Array


class Trajectory(NamedTuple):
    """What one run of the doubling yields."""

    choice: Choice
    left: Point
    right: Point
    total: Array
    """Sum of all momenta, (dim,)."""
    depth: Array
    num_leaves: Array
    """Leapfrog steps, without the start."""
    sum_accept: Array
    """Sum over the leaves of ``min(1, exp(initial energy - energy))``."""
    is_turning: Array
    is_diverging: Array


def sample_trajectory(
    rng_key: Array,
    density: DensityAndGradient,
    metric: Metric,
    step_size: Array,
    start: Point,
    max_tree_depth: Array,
    depth_limit: int,
) -> Trajectory:
    """Grow a trajectory from ``start`` until it turns, diverges or has doubled ``max_tree_depth`` times.

    Args:
        rng_key: key of this trajectory.
        density: log density and gradient.
        metric: the inverse mass matrix.
        step_size: positive.
        start: with a fresh momentum.
        max_tree_depth: at most ``depth_limit``.
        depth_limit: size of the stack, fixed when the program is compiled.
    """
    initial_energy = kinetic_energy(metric, start.momentum) - start.log_density
    zero, no = jnp.zeros_like(initial_energy), jnp.zeros((), bool)
    choice = Choice(start, initial_energy, zero)
    count = jnp.zeros((), jnp.int32)
    tree = Trajectory(choice, start, start, start.momentum, count, count, zero, no, no)

    def goes_on(tree: Trajectory) -> Array:
        return (tree.depth < max_tree_depth) & ~tree.is_turning & ~tree.is_diverging

    def double(tree: Trajectory) -> Trajectory:
        direction_key, grow_key, accept_key = jax.random.split(jax.random.fold_in(rng_key, tree.depth), 3)
        to_right = jax.random.bernoulli(direction_key)
        step = jnp.where(to_right, step_size, -step_size)
        edge = _select(to_right, tree.right, tree.left)
        subtree = _grow(grow_key, density, metric, step, edge, initial_energy, tree.depth, depth_limit)
        return _join(accept_key, metric, tree, subtree, to_right)

    return lax.while_loop(goes_on, double, tree)


def _grow(
    rng_key: Array,
    density: DensityAndGradient,
    metric: Metric,
    step: Array,
    edge: Point,
    initial_energy: Array,
    depth: Array,
    depth_limit: int,
) -> _Subtree:
    """A subtree of ``2**depth`` leaves beyond ``edge``, or as much of it as comes before a U-turn or a divergence."""
    zeros = jnp.zeros((depth_limit, *edge.position.shape), edge.position.dtype)
    row = jnp.zeros_like(edge.position)
    zero, no = jnp.zeros_like(initial_energy), jnp.zeros((), bool)
    empty = Choice(edge, initial_energy, jnp.full_like(initial_energy, -jnp.inf))
    count = jnp.zeros((), jnp.int32)
    start = _Subtree(edge, empty, Segment(zeros, zeros, zeros), Segment(row, row, row), count, zero, no, no)

    def goes_on(subtree: _Subtree) -> Array:
        return (subtree.num_leaves < 2**depth) & ~subtree.is_turning & ~subtree.is_diverging

    def add_leaf(subtree: _Subtree) -> _Subtree:
        point = leapfrog(density, metric, step, subtree.frontier)
        energy = kinetic_energy(metric, point.momentum) - point.log_density
        error = jnp.where(jnp.isnan(energy), jnp.inf, energy - initial_energy)
        log_weight = jnp.logaddexp(subtree.choice.log_weight, -error)
        leaf_key = jax.random.fold_in(rng_key, subtree.num_leaves)
        takes = jnp.log(jax.random.uniform(leaf_key, dtype=error.dtype)) < -error - log_weight
        chosen = _select(takes, Choice(point, energy, log_weight), subtree.choice)
        whole, waiting, is_turning = _carry(metric, subtree.waiting, point.momentum, subtree.num_leaves)
        return _Subtree(
            frontier=point,
            choice=chosen._replace(log_weight=log_weight),
            waiting=waiting,
            whole=whole,
            num_leaves=subtree.num_leaves + 1,
            sum_accept=subtree.sum_accept + jnp.exp(jnp.minimum(-error, 0.0)),
            is_turning=is_turning,
            is_diverging=error > MAX_ENERGY_ERROR,
        )

    return lax.while_loop(goes_on, add_leaf, start)


def _carry(metric: Metric, waiting: Segment, momentum: Array, leaf: Array) -> tuple[Segment, Segment, Array]:
    """Join the new leaf with the finished parts that it completes: as many as ``leaf`` has ones at its low end."""

    def joins(state: tuple[Array, Segment, Array]) -> Array:
        level, _, is_turning = state
        return ((leaf >> level) % 2 == 1) & ~is_turning

    def join(state: tuple[Array, Segment, Array]) -> tuple[Array, Segment, Array]:
        level, part, _ = state
        sibling = Segment(*(rows[level] for rows in waiting))
        merged = Segment(sibling.first, part.last, sibling.total + part.total)
        return level + 1, merged, _turns(metric, sibling, part)

    leaf_alone = Segment(momentum, momentum, momentum)
    level, part, is_turning = lax.while_loop(joins, join, (jnp.zeros_like(leaf), leaf_alone, jnp.zeros((), bool)))
    return part, Segment(*(rows.at[level].set(row) for rows, row in zip(waiting, part, strict=True))), is_turning


def _join(rng_key: Array, metric: Metric, tree: Trajectory, subtree: _Subtree, to_right: Array) -> Trajectory:
    """The tree with a new subtree at one end; an unfinished subtree contributes its statistics only."""
    is_whole = ~subtree.is_turning & ~subtree.is_diverging
    log_ratio = subtree.choice.log_weight - tree.choice.log_weight  # biased towards the new half: progressive sampling
    takes = is_whole & (jnp.log(jax.random.uniform(rng_key, dtype=log_ratio.dtype)) < log_ratio)
    chosen = _select(takes, subtree.choice, tree.choice)
    log_weight = jnp.logaddexp(tree.choice.log_weight, subtree.choice.log_weight)
    near, far = _select(to_right, (tree.right, tree.left), (tree.left, tree.right))
    turns = _turns(metric, Segment(far.momentum, near.momentum, tree.total), subtree.whole)
    return Trajectory(
        choice=chosen._replace(log_weight=log_weight),
        left=_select(to_right, tree.left, subtree.frontier),
        right=_select(to_right, subtree.frontier, tree.right),
        total=tree.total + subtree.whole.total,
        depth=tree.depth + 1,
        num_leaves=tree.num_leaves + subtree.num_leaves,
        sum_accept=tree.sum_accept + subtree.sum_accept,
        is_turning=subtree.is_turning | turns,
        is_diverging=subtree.is_diverging,
    )


def _turns(metric: Metric, older: Segment, newer: Segment) -> Array:
    """Whether the join of two neighbours makes a U-turn: as a whole, or across their seam."""

    def turns(first: Array, last: Array, total: Array) -> Array:
        motion = velocity(metric, total)
        return (jnp.dot(first, motion) <= 0) | (jnp.dot(last, motion) <= 0)

    return (
        turns(older.first, newer.last, older.total + newer.total)
        | turns(older.first, newer.first, older.total + newer.first)
        | turns(older.last, newer.last, older.last + newer.total)
    )


def _select(condition: Array, left: T, right: T) -> T:
    chosen: T = jax.tree.map(lambda a, b: jnp.where(condition, a, b), left, right)
    return chosen
