"""Laws of the optimisers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from twofold_jax import optim
from twofold_jax.errors import SiteTypeError

MADE = {
    "Adam": lambda: optim.Adam(0.05),
    "ClippedAdam": lambda: optim.ClippedAdam(0.05, clip_norm=1.0),
    "SGD": lambda: optim.SGD(0.05),
    "Momentum": lambda: optim.Momentum(0.02, 0.5),
    "RMSProp": lambda: optim.RMSProp(0.02),
    "RMSPropMomentum": lambda: optim.RMSPropMomentum(0.01, momentum=0.5),
    "Adagrad": lambda: optim.Adagrad(0.5),
    "SM3": lambda: optim.SM3(0.5),
    "optax": lambda: optim.optax_to_twofold(optax.adam(0.05)),
    "schedule": lambda: optim.SGD(lambda step: 0.1 / (1.0 + 0.01 * step)),
}


def bowl(params):
    return ((params["x"] - 3.0) ** 2).sum() + (params["y"] + 1.0) ** 2, {"seen": params["y"]}


@pytest.mark.parametrize("name", MADE)
def test_minimum_of_a_bowl_is_found(name):
    optimizer = MADE[name]()
    state = optimizer.init({"x": np.zeros(2), "y": 0.0})

    def step(state, _):
        (loss, _), state = optimizer.eval_and_update(bowl, state)
        return state, loss

    state, losses = jax.lax.scan(step, state, None, length=1000)
    params = optimizer.get_params(state)
    np.testing.assert_allclose(params["x"], 3.0, atol=0.05)
    np.testing.assert_allclose(params["y"], -1.0, atol=0.05)
    assert losses[0] == 19.0
    assert int(state[0]) == 1000


def first_step(optimizer, gradient=2.0):
    state = optimizer.update({"x": jnp.array(gradient)}, optimizer.init({"x": jnp.array(1.0)}))
    return float(optimizer.get_params(state)["x"]) - 1.0


def test_first_steps_are_those_of_the_formulas():
    assert first_step(optim.SGD(0.1)) == pytest.approx(-0.2)
    assert first_step(optim.Adam(0.1)) == pytest.approx(-0.1, rel=1e-4)
    assert first_step(optim.Momentum(0.1, 0.9)) == pytest.approx(-0.2)
    assert first_step(optim.RMSProp(0.1, gamma=0.9)) == pytest.approx(-0.1 / np.sqrt(0.1), rel=1e-4)
    assert first_step(optim.Adagrad(0.1, momentum=0.0)) == pytest.approx(-0.1, rel=1e-4)


def test_clipping_bounds_each_entry():
    optimizer = optim.ClippedAdam(0.1, b1=0.0, b2=0.0, eps=1.0, clip_norm=0.5)
    assert first_step(optimizer, 100.0) == pytest.approx(-0.1 * 0.5 / 1.5, rel=1e-4)


def test_stable_update_leaves_out_what_is_not_finite():
    optimizer = optim.SGD(0.1)
    state = optimizer.init({"x": jnp.array(1.0)})
    (loss, _), after = optimizer.eval_and_stable_update(lambda p: (jnp.log(-p["x"]), None), state)
    assert np.isnan(loss)
    assert float(optimizer.get_params(after)["x"]) == 1.0
    _, after = optimizer.eval_and_stable_update(lambda p: (p["x"] ** 2, None), state)
    assert float(optimizer.get_params(after)["x"]) == pytest.approx(0.8)


def test_forward_mode_gives_the_same_gradient():
    optimizer = optim.SGD(0.1)
    state = optimizer.init({"x": np.zeros(2), "y": 0.0})
    (_, backward), (_, forward) = (
        optimizer.eval_and_update(bowl, state, forward_mode_differentiation=mode) for mode in (False, True)
    )
    np.testing.assert_allclose(optimizer.get_params(backward)["x"], optimizer.get_params(forward)["x"])


def test_transformations_that_look_at_the_loss_are_given_it():
    seen = []

    def update(updates, state, params=None, *, value=None, **_):
        seen.append(float(value))
        return updates, state

    optimizer = optim.Optimizer(optax.GradientTransformationExtraArgs(lambda params: (), update))
    optimizer.eval_and_update(bowl, optimizer.init({"x": np.zeros(2), "y": 0.0}))
    assert seen == [19.0]


def test_anything_else_is_refused():
    with pytest.raises(SiteTypeError, match="an optimiser was expected"):
        optim.as_optimizer(0.1)
    adam = optim.Adam(0.1)
    assert optim.as_optimizer(adam) is adam
