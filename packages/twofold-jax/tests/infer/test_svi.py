"""Laws of SVI."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.distributions import constraints
from twofold_jax.errors import (
    HandlerError,
    InferenceError,
    InferenceWarning,
    NonFiniteError,
    ShapeError,
    SiteTypeError,
    SupportError,
    UnknownSiteError,
)
from twofold_jax.infer import SVI, SVIState, Trace_ELBO
from twofold_jax.infer import svi as module

Y = np.array([1.0, 2.0, 4.5])


def model(y):
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    with tf.plate("rows", len(y)):
        tf.sample("y", dist.Normal(mu, 1.0), obs=y)


def guide(y):
    loc = tf.param("loc", 0.5)
    spread = tf.param("spread", 1.5, constraint=constraints.positive)
    tf.sample("mu", dist.Normal(loc, spread))


def make(optim=None, **settings):
    return SVI(model, guide, optax.adam(0.02) if optim is None else optim, **settings)


@pytest.fixture(scope="module")
def result():
    return make(loss=Trace_ELBO(num_particles=8)).run(jax.random.key(0), 1500, Y, progress_bar=False)


def test_it_finds_the_conjugate_posterior(result):
    # Adam at 0.02 on gradients of 8 draws wanders by some hundredths around Normal(7.5 / 4, 1 / 2)
    assert result.params["loc"] == pytest.approx(Y.sum() / 4, abs=0.1)
    assert result.params["spread"] == pytest.approx(0.5, abs=0.1)
    assert result.losses.shape == (1500,)


def test_loss_ends_at_minus_the_evidence(result):
    # log evidence of a normal with covariance I + 1 1^T; with the exact guide the loss has no variance left
    covariance = np.eye(3) + 1.0
    evidence = -0.5 * (Y @ np.linalg.solve(covariance, Y) + np.linalg.slogdet(covariance)[1] + 3 * np.log(2 * np.pi))
    assert np.mean(result.losses[-200:]) == pytest.approx(-evidence, abs=0.05)


def test_init_takes_the_statements_values():
    svi = make()
    params = svi.get_params(svi.init(jax.random.key(0), Y))
    assert {name: pytest.approx(float(value)) for name, value in params.items()} == {"loc": 0.5, "spread": 1.5}


def test_init_params_take_their_place():
    svi = make()
    params = svi.get_params(svi.init(jax.random.key(0), Y, init_params={"spread": 0.25}))
    assert params["spread"] == pytest.approx(0.25)
    with pytest.raises(UnknownSiteError, match="did you mean 'spread'"):
        svi.init(jax.random.key(0), Y, init_params={"spraed": 0.25})


def test_steps_are_pure_and_can_be_compiled():
    svi = make()
    state = svi.init(jax.random.key(0), Y)
    update = jax.jit(svi.update)
    first, loss = update(state, Y)
    again, same_loss = update(state, Y)
    assert loss == same_loss
    np.testing.assert_array_equal(svi.get_params(first)["loc"], svi.get_params(again)["loc"])
    assert svi.get_params(state)["loc"] == 0.5
    assert isinstance(first, SVIState)


def test_run_is_the_steps_one_after_the_other():
    svi = make()
    state, losses = svi.init(jax.random.key(3), Y), []
    update = jax.jit(svi.update)
    for _ in range(7):
        state, loss = update(state, Y)
        losses.append(float(loss))
    result = svi.run(jax.random.key(3), 7, Y, progress_bar=False)
    np.testing.assert_allclose(result.losses, losses, rtol=1e-5)
    np.testing.assert_allclose(result.params["loc"], svi.get_params(state)["loc"], rtol=1e-5)


def test_evaluate_is_the_loss_of_the_next_step():
    svi = make()
    state = svi.init(jax.random.key(0), Y)
    assert svi.evaluate(state, Y) == pytest.approx(float(svi.update(state, Y)[1]))


def test_going_on_from_a_state_is_one_long_run():
    svi = make()
    whole = svi.run(jax.random.key(1), 20, Y, progress_bar=False)
    half = svi.run(jax.random.key(1), 10, Y, progress_bar=False)
    rest = svi.run(None, 10, Y, progress_bar=False, init_state=half.state)
    np.testing.assert_array_equal(np.concatenate([half.losses, rest.losses]), whole.losses)


def test_second_run_compiles_nothing(caplog):
    make().run(jax.random.key(0), 3, Y, progress_bar=False)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        make().run(jax.random.key(1), 300, Y + 1.0, progress_bar=False)
    assert "_advance" not in caplog.text


def test_another_step_size_is_another_program():
    slow = make(optax.sgd(1e-8)).run(jax.random.key(0), 5, Y, progress_bar=False)
    fast = make(optax.sgd(1e-2)).run(jax.random.key(0), 5, Y, progress_bar=False)
    assert abs(slow.params["loc"] - 0.5) < 1e-5 < abs(fast.params["loc"] - 0.5)


def test_progress_is_shown_and_can_be_silenced(capsys):
    make().run(jax.random.key(0), 120, Y)
    assert "loss" in capsys.readouterr().err
    make().run(jax.random.key(0), 120, Y, progress_bar=False)
    assert capsys.readouterr() == ("", "")


def test_interrupted_run_returns_the_fit_so_far(monkeypatch):
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return advance(*args)

    advance = module._advance
    monkeypatch.setattr(module, "_advance", interrupted)
    with pytest.warns(InferenceWarning, match="interrupted after 200 steps"):
        short = make().run(jax.random.key(0), 1000, Y, progress_bar=False)
    assert short.losses.shape == (200,)
    monkeypatch.setattr(module, "_advance", advance)
    whole = make().run(jax.random.key(0), 200, Y, progress_bar=False)
    np.testing.assert_array_equal(whole.losses, short.losses)


def test_first_state_can_be_made_under_jit_and_vmap():
    svi = make()
    alone = svi.init(jax.random.key(0), Y)
    compiled = jax.jit(svi.init)(jax.random.key(0), Y)
    jax.tree.map(np.testing.assert_array_equal, svi.get_params(compiled), svi.get_params(alone))
    many = jax.vmap(lambda key: svi.init(key, Y))(jax.random.split(jax.random.key(0), 3))
    assert jax.vmap(svi.get_params)(many)["loc"].shape == (3,)
    _, losses = jax.vmap(lambda state: svi.update(state, Y))(many)
    assert len(set(losses.tolist())) == 3


def test_static_arguments_reach_model_and_guide():
    seen = []

    def with_setting(y, kind):
        seen.append(kind)
        tf.sample("y", dist.Normal(tf.param("loc", 0.0), 1.0), obs=y)

    svi = SVI(with_setting, lambda y, kind: None, optax.sgd(0.1), kind="robust")
    svi.run(jax.random.key(0), 2, Y, progress_bar=False)
    assert set(seen) == {"robust"}


def test_params_of_the_model_are_fitted_too():
    def likelihood(y):
        tf.sample("y", dist.Normal(tf.param("loc", 0.0), 1.0).expand((3,)).to_event(1), obs=y)

    result = SVI(likelihood, lambda y: None, optax.sgd(0.1)).run(jax.random.key(0), 200, Y, progress_bar=False)
    assert result.params["loc"] == pytest.approx(Y.mean(), abs=1e-3)


def test_param_that_both_have_is_one_parameter():
    def shared_model():
        tf.sample("x", dist.Normal(tf.param("loc", 3.0), 1.0))

    def shared_guide():
        tf.sample("x", dist.Normal(tf.param("loc", 1.0), 1.0))

    svi = SVI(shared_model, shared_guide, optax.sgd(0.1))
    assert svi.get_params(svi.init(jax.random.key(0))) == {"loc": 1.0}


def test_a_network_of_params_is_a_pytree():
    def network(x, y):
        weights = tf.param("net", {"w": jnp.ones(2), "b": 0.0})
        tf.sample("y", dist.Normal(x @ weights["w"] + weights["b"], 1.0).to_event(1), obs=y)

    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    svi = SVI(network, lambda x, y: None, optax.adam(0.05))
    result = svi.run(jax.random.key(0), 1500, x, x @ [2.0, -1.0] + 0.5, progress_bar=False)
    np.testing.assert_allclose(result.params["net"]["w"], [2.0, -1.0], atol=0.02)


def test_mutable_state_is_carried_from_step_to_step():
    def counting(y):
        counter = tf.mutable("counter", {"calls": jnp.array(0)})
        counter["calls"] = counter["calls"] + 1
        tf.sample("y", dist.Normal(tf.param("loc", 0.0), 1.0), obs=y)

    svi = SVI(counting, lambda y: None, optax.sgd(0.1))
    before = svi.init(jax.random.key(0), Y[:1]).mutable_state["counter"]["calls"]
    result = svi.run(jax.random.key(0), 5, Y[:1], progress_bar=False)
    assert int(result.state.mutable_state["counter"]["calls"]) == int(before) + 5


def test_constrained_params_stay_inside():
    def far():
        tf.sample("y", dist.Normal(tf.param("share", 0.5, constraint=constraints.unit_interval), 1.0), obs=5.0)

    result = SVI(far, lambda: None, optax.sgd(1.0)).run(jax.random.key(0), 20, progress_bar=False)
    assert 0.9 < float(result.params["share"]) <= 1.0


def test_stable_update_leaves_out_steps_that_are_not_finite():
    def jumpy(flag):
        loc = tf.param("loc", 0.0)
        tf.factor("trap", jnp.where(flag > 0, jnp.log(-1.0 + 0.0 * loc), -(loc**2)))

    svi = SVI(jumpy, lambda flag: None, optax.sgd(0.1))
    state = svi.init(jax.random.key(0), np.array(0.0), init_params={"loc": 1.0})
    stuck, loss = jax.jit(svi.stable_update)(state, np.array(1.0))
    assert np.isnan(loss)
    assert svi.get_params(stuck)["loc"] == 1.0
    moved, _ = jax.jit(svi.stable_update)(state, np.array(0.0))
    assert svi.get_params(moved)["loc"] == pytest.approx(0.8)


def test_lost_parameters_name_step_and_sites():
    svi = make(optax.sgd(1e6))
    with pytest.raises(NonFiniteError, match=r"at step [1-9]") as caught:
        svi.run(jax.random.key(0), 200, Y, progress_bar=False)
    assert "param" in str(caught.value)
    assert "stable_update" in str(caught.value)


def test_latent_that_the_guide_lacks_is_refused_by_name():
    with pytest.raises(InferenceError, match="no site for the model's latent 'mu'"):
        SVI(model, lambda y: None, optax.sgd(0.1)).init(jax.random.key(0), Y)


def test_site_that_the_model_lacks_is_warned_of():
    def more(y):
        guide(y)
        tf.sample("extra", dist.Normal(0.0, 1.0))

    with pytest.warns(InferenceWarning, match="'extra'"):
        SVI(model, more, optax.sgd(0.1)).init(jax.random.key(0), Y)


def test_guide_of_an_observed_site_is_refused():
    def observed(y):
        guide(y)
        tf.sample("y", dist.Normal(0.0, 1.0).expand((3,)))

    with pytest.raises(InferenceError, match="'y', which the model observes"):
        SVI(model, observed, optax.sgd(0.1)).init(jax.random.key(0), Y)


def test_wrong_starts_are_refused_by_name():
    def start(value):
        return lambda: tf.sample("y", dist.Normal(0.0, tf.param("s", value, constraint=constraints.positive)), obs=0.0)

    for value, error in ((-1.0, SupportError), (np.nan, NonFiniteError)):
        with pytest.raises(error, match="'s'"):
            SVI(start(value), lambda: None, optax.sgd(0.1)).init(jax.random.key(0))

    def on_the_edge():
        tf.factor("f", tf.param("s", 0.0, constraint=constraints.nonnegative))

    with pytest.raises(NonFiniteError, match=r"'s' is not finite in unconstrained"):
        SVI(on_the_edge, lambda: None, optax.sgd(0.1)).init(jax.random.key(0))


def test_wrong_observations_are_refused_by_name():
    with pytest.raises(SupportError, match="'y'"):
        make().init(jax.random.key(0), np.array([1.0, np.nan]))

    def column(y):
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        with tf.plate("rows", 3):
            tf.sample("y", dist.Normal(mu, 1.0), obs=y)

    with pytest.raises(ShapeError, match="'y'"):
        SVI(column, guide, optax.sgd(0.1)).init(jax.random.key(0), np.ones((3, 1)))


def test_wrong_settings_are_refused():
    with pytest.raises(SiteTypeError, match="optimiser"):
        make("adam")
    with pytest.raises(HandlerError, match="num_steps"):
        make().run(jax.random.key(0), 0, Y)
    with pytest.raises(InferenceError, match="not seen its model"):
        make().get_params(make().init(jax.random.key(0), Y))
