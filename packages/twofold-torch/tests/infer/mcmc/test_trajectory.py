"""Trajectories of NUTS against a plain reading of the algorithm, leaf by leaf."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from twofold_torch.infer.mcmc.dynamics import Point, kinetic_energy, leapfrog, make_metric
from twofold_torch.infer.mcmc.trajectory import sample_trajectory

F64 = torch.float64
SCALES = torch.tensor([1.0, 0.3, 2.0], dtype=F64)


def density(position: Tensor) -> tuple[Tensor, Tensor]:
    z = position / SCALES
    return -0.5 * (z * z).sum(-1), -z / SCALES


def starts(chains: int, seed: int) -> Point:
    generator = torch.Generator().manual_seed(seed)
    position, momentum = torch.randn(2, chains, 3, generator=generator, dtype=F64)
    position = position * SCALES
    return Point(position, momentum, *density(position))


def streams(chains: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 * seed + chain) for chain in range(chains)]


METRIC = make_metric(torch.ones(1, 3, dtype=F64))


def turns(momenta: list[Tensor]) -> bool:
    """Whether a part of the trajectory, left to right, makes a U-turn (unit mass)."""
    total = torch.stack(momenta).sum(0)
    return float(total @ momenta[0]) <= 0 or float(total @ momenta[-1]) <= 0


def joins(left: list[Tensor], right: list[Tensor]) -> bool:
    return turns(left + right) or turns([*left, right[0]]) or turns([left[-1], *right])


def any_turn(momenta: list[Tensor]) -> bool:
    """Whether a subtree of a power of two leaves turns in any of its joins."""
    if len(momenta) == 1:
        return False
    half = len(momenta) // 2
    left, right = momenta[:half], momenta[half:]
    return any_turn(left) or any_turn(right) or joins(left, right)


def plain_tree(start: Point, step: float, stream: torch.Generator, max_depth: int) -> tuple[int, int]:
    """Depth and number of leaves of one trajectory; the momenta decide, directions are drawn as the code draws them."""
    left = right = start
    momenta = [start.momentum[0]]
    leaves = 0
    for depth in range(max_depth):
        to_right = float(torch.rand(3, generator=stream, dtype=F64)[0]) < 0.5
        point, fresh = right if to_right else left, []
        for _ in range(2**depth):
            point = leapfrog(density, METRIC, torch.full((1, 1), step if to_right else -step, dtype=F64), point)
            fresh.append(point.momentum[0])
        early = first_turn(fresh)
        if early is not None:
            return depth + 1, leaves + early
        leaves += len(fresh)
        ordered = fresh if to_right else fresh[::-1]
        finished = joins(momenta, ordered) if to_right else joins(ordered, momenta)
        momenta = momenta + ordered if to_right else ordered + momenta
        left, right = (left, point) if to_right else (point, right)
        if finished:
            return depth + 1, leaves
    return max_depth, leaves


def first_turn(fresh: list[Tensor]) -> int | None:
    """After how many leaves a growing subtree is seen to turn."""
    for count in range(2, len(fresh) + 1):
        size = 2
        while count % size == 0:
            if any_turn(fresh[count - size : count]):
                return count
            size *= 2
    return None


@pytest.mark.parametrize("step", [0.25, 0.1])
def test_trees_have_the_depth_and_leaves_of_the_plain_algorithm(step: float) -> None:
    for seed in range(12):
        start = starts(1, seed)
        tree = sample_trajectory(density, METRIC, torch.tensor([step], dtype=F64), start, 8, streams(1, seed))
        depth, leaves = plain_tree(start, step, streams(1, seed)[0], 8)
        assert int(tree.depth[0]) == depth
        assert int(tree.num_leaves[0]) == leaves


def test_a_chain_does_not_depend_on_those_beside_it() -> None:
    together = starts(4, 3)
    step = torch.tensor([0.3, 0.1, 0.05, 0.2], dtype=F64)
    metric = make_metric(torch.ones(4, 3, dtype=F64))
    tree = sample_trajectory(density, metric, step, together, 6, streams(4))
    for chain in range(4):
        part = slice(chain, chain + 1)
        alone = Point(*(field[part] for field in together))
        single = sample_trajectory(density, METRIC, step[part], alone, 6, streams(4)[part])
        torch.testing.assert_close(single.choice.position[0], tree.choice.position[chain])
        assert int(single.depth[0]) == int(tree.depth[chain])
        assert int(single.num_leaves[0]) == int(tree.num_leaves[chain])
        torch.testing.assert_close(single.sum_accept[0], tree.sum_accept[chain])


def test_the_chosen_state_lies_on_the_trajectory_and_carries_its_density() -> None:
    start = starts(1, 5)
    tree = sample_trajectory(density, METRIC, torch.tensor([0.2], dtype=F64), start, 6, streams(1))
    value, gradient = density(tree.choice.position)
    torch.testing.assert_close(tree.choice.log_density, value)
    torch.testing.assert_close(tree.choice.gradient, gradient)
    reached = []
    for size in (0.2, -0.2):
        point = start
        for _ in range(64):
            reached.append(point.position[0])
            point = leapfrog(density, METRIC, torch.full((1, 1), size, dtype=F64), point)
    distances = (torch.stack(reached) - tree.choice.position[0]).norm(dim=-1)
    assert float(distances.min()) < 1e-10


def test_energy_of_the_choice_is_its_hamiltonian() -> None:
    start = starts(3, 6)
    metric = make_metric(torch.ones(3, 3, dtype=F64))
    tree = sample_trajectory(density, metric, torch.full((3,), 1e-3, dtype=F64), start, 3, streams(3))
    expected = kinetic_energy(metric, start.momentum) - start.log_density  # conserved by such small steps
    torch.testing.assert_close(tree.choice.energy, expected, atol=1e-4, rtol=0.0)


def test_max_tree_depth_bounds_the_leaves() -> None:
    metric = make_metric(torch.ones(2, 3, dtype=F64))
    tree = sample_trajectory(density, metric, torch.full((2,), 1e-3, dtype=F64), starts(2, 1), 4, streams(2))
    assert tree.depth.tolist() == [4, 4]
    assert tree.num_leaves.tolist() == [15, 15]


def test_a_step_out_of_bounds_diverges_and_stays_at_the_start() -> None:
    def wall(position: Tensor) -> tuple[Tensor, Tensor]:
        inside = position.abs().amax(-1) < 3.0
        value, gradient = density(position)
        return torch.where(inside, value, -torch.inf), gradient

    start = starts(1, 2)
    tree = sample_trajectory(wall, METRIC, torch.tensor([50.0], dtype=F64), start, 5, streams(1))
    assert bool(tree.is_diverging[0])
    assert int(tree.num_leaves[0]) == 1
    torch.testing.assert_close(tree.choice.position, start.position)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_density_that_is_not_finite_diverges(bad: float) -> None:
    calls = []

    def broken(position: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(1)
        value, gradient = density(position)
        return torch.full_like(value, bad) if len(calls) == 3 else value, gradient

    start = starts(1, 4)
    tree = sample_trajectory(broken, METRIC, torch.tensor([0.01], dtype=F64), start, 5, streams(1))
    assert bool(tree.is_diverging[0])
    assert bool(tree.choice.position.isfinite().all())
    assert math.isfinite(float(tree.choice.log_density[0]))


def test_choice_among_the_leaves_follows_their_weights() -> None:
    """A trajectory of fixed leaves: the first doubling takes the new leaf with the probability of its weight ratio.

    4000 trajectories; five standard errors of 0.008.
    """
    chains = 4000
    point = Point(*(field[:1].expand(chains, *field.shape[1:]).contiguous() for field in starts(1, 9)))
    metric = make_metric(torch.ones(chains, 3, dtype=F64))
    step = torch.full((chains,), 0.55, dtype=F64)
    tree = sample_trajectory(density, metric, step, point, 1, streams(chains))
    energy = kinetic_energy(METRIC, point.momentum[:1]) - point.log_density[:1]
    expected = 0.0
    for size in (0.55, -0.55):
        end = leapfrog(density, METRIC, torch.full((1, 1), size, dtype=F64), Point(*(f[:1] for f in point)))
        error = float(kinetic_energy(METRIC, end.momentum) - end.log_density - energy)
        expected += 0.5 * min(1.0, math.exp(-error))
    moved = (tree.choice.position != point.position).any(-1).double().mean()
    assert float(moved) == pytest.approx(expected, abs=0.04)
