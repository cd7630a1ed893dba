"""Laws of the step size's adaptation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.infer.mcmc.adaptation.step_size import (
    averaged_step_size,
    find_reasonable_step_size,
    start_dual_averaging,
    update_dual_averaging,
)
from twofold_jax.infer.mcmc.dynamics import Point, make_metric


def test_dual_averaging_finds_the_step_size_of_the_target():
    def accept(step_size):
        return jnp.exp(-(step_size**2))  # 0.8 at sqrt(-log(0.8)) = 0.4724

    def iterate(state, _):
        return update_dual_averaging(state, accept(jnp.exp(state.log_step_size)), 0.8), None

    state, _ = jax.lax.scan(iterate, start_dual_averaging(jnp.array(5.0)), None, length=1000)
    assert averaged_step_size(state) == pytest.approx(np.sqrt(-np.log(0.8)), rel=0.02)


def test_without_updates_the_step_size_stays():
    assert averaged_step_size(start_dual_averaging(jnp.array(0.3))) == pytest.approx(0.3)


def test_first_update_follows_the_paper():
    # x = log(10 eps) - sqrt(1) / 0.05 * (1 / (1 + 10)) * (target - accept)
    state = update_dual_averaging(start_dual_averaging(jnp.array(1.0)), jnp.array(0.5), 0.8)
    assert state.log_step_size == pytest.approx(np.log(10.0) - 0.3 / 0.05 / 11.0, rel=1e-6)
    assert state.log_average == pytest.approx(float(state.log_step_size), rel=1e-6)


@pytest.mark.parametrize("first", [1e-4, 1.0, 1e4])
def test_reasonable_step_size_brackets_the_target(first):
    density = jax.value_and_grad(lambda position: -0.5 * (position**2).sum() * 100.0)
    point = Point(jnp.array([0.05]), jnp.array([0.7]), *density(jnp.array([0.05])))
    size = find_reasonable_step_size(density, make_metric(jnp.ones(1)), point, jnp.array(first), 0.8)
    assert 0.02 < float(size) < 0.5  # the integrator is stable below 2 / sqrt(100)
