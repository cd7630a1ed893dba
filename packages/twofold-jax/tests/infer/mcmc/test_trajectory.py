"""Laws of the trajectory of NUTS."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.infer.mcmc.dynamics import Point, leapfrog, make_metric
from twofold_jax.infer.mcmc.trajectory import sample_trajectory

METRIC = make_metric(jnp.ones(1))
density = jax.value_and_grad(lambda position: -0.5 * (position**2).sum())


@jax.jit
def grow(key, position, momentum, step_size, depth):
    point = Point(position, momentum, *density(position))
    return sample_trajectory(key, density, METRIC, step_size, point, depth, 8)


def trajectory(seed=0, step_size=0.2, depth=8, position=(0.0,), momentum=(1.0,)):
    return grow(jax.random.key(seed), jnp.array(position), jnp.array(momentum), step_size, depth)


def test_ends_are_as_far_apart_as_there_are_leaves():
    tree = trajectory(depth=3, step_size=0.01)
    assert int(tree.num_leaves) == 7
    assert int(tree.depth) == 3
    point = tree.left
    for _ in range(7):
        point = leapfrog(density, METRIC, 0.01, point)
    np.testing.assert_allclose(point.position, tree.right.position, atol=1e-6)
    np.testing.assert_allclose(point.momentum, tree.right.momentum, atol=1e-6)


def test_total_is_the_sum_of_all_momenta():
    tree = trajectory(depth=3, step_size=0.01)
    point, total = tree.left, tree.left.momentum
    for _ in range(7):
        point = leapfrog(density, METRIC, 0.01, point)
        total = total + point.momentum
    np.testing.assert_allclose(tree.total, total, rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_it_stops_when_it_turns_back(seed):
    # on the circle of a standard normal a half turn takes time pi: 16 steps of 0.2; doubling ends at 15 or 31 leaves
    tree = trajectory(seed)
    assert bool(tree.is_turning)
    assert not bool(tree.is_diverging)
    assert 7 <= int(tree.num_leaves) <= 31


def test_a_wild_step_diverges():
    tree = trajectory(step_size=100.0)
    assert bool(tree.is_diverging)
    assert float(tree.choice.point.position[0]) == 0.0


def test_depth_is_limited():
    assert int(trajectory(step_size=1e-4, depth=2).num_leaves) == 3


def test_acceptance_is_near_one_for_small_steps():
    tree = trajectory(step_size=0.01, depth=5)
    assert float(tree.sum_accept / tree.num_leaves) == pytest.approx(1.0, abs=1e-3)


def test_transition_leaves_the_normal_law_invariant():
    count = 4000
    keys = jax.random.split(jax.random.key(1), count)
    start_keys, move_keys, grow_keys = jnp.split(jax.vmap(lambda k: jax.random.split(k, 3))(keys), 3, axis=1)
    positions = jax.vmap(lambda k: jax.random.normal(k, (1,)))(start_keys[:, 0])
    momenta = jax.vmap(lambda k: jax.random.normal(k, (1,)))(move_keys[:, 0])
    step = jax.jit(jax.vmap(lambda k, q, p: grow(k, q, p, 0.9, 6).choice.point.position))
    draws = np.asarray(step(grow_keys[:, 0], positions, momenta))[:, 0]
    # 5 sd of mean and variance of independent draws: error rate 1e-6
    assert abs(draws.mean()) < 5 / np.sqrt(count)
    assert abs(draws.var() - 1.0) < 5 * np.sqrt(2 / count)
