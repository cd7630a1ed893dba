"""Laws of MCMC as a whole."""

import json
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import diagnostics
from twofold_jax.errors import (
    HandlerError,
    InferenceError,
    InferenceWarning,
    NonFiniteError,
    ShapeError,
    UnknownSiteError,
)
from twofold_jax.handlers import reparam
from twofold_jax.infer import HMC, MCMC, NUTS, init_to_value
from twofold_jax.infer.mcmc import mcmc as module
from twofold_jax.infer.reparam import LocScaleReparam

pytestmark = pytest.mark.filterwarnings("ignore::twofold_jax.errors.InferenceWarning")
Y = np.array([1.0, 2.0, 4.5])


def model(y):
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    with tf.plate("rows", len(y)):
        tf.sample("y", dist.Normal(mu, 1.0), obs=y)
    tf.deterministic("square", mu**2)


def fit(seed=0, y=Y, **settings):
    options = {"num_warmup": 100, "num_samples": 100, "num_chains": 2, "progress_bar": False, **settings}
    mcmc = MCMC(NUTS(model), **options)
    mcmc.run(jax.random.key(seed), y)
    return mcmc


@pytest.fixture(scope="module")
def fitted():
    return fit(num_samples=500)


def assert_means(draws, means, sds):
    """Means of draws (chains, draws, ...) within 5 Monte Carlo standard errors: error rate 6e-7 for each number."""
    error = np.asarray(diagnostics.mcse_mean(np.asarray(draws)))
    np.testing.assert_array_less(np.abs(np.asarray(draws).mean(axis=(0, 1)) - means), 5 * error + 1e-6)
    np.testing.assert_allclose(np.asarray(draws).std(axis=(0, 1)), sds, rtol=0.2)


def test_posterior_is_the_conjugate_one(fitted):
    assert_means(fitted.get_samples(group_by_chain=True)["mu"], Y.sum() / 4, 0.5)


@pytest.mark.parametrize("dense_mass", [False, True])
def test_badly_scaled_correlated_normal_law(dense_mass):
    factor = np.array([[100.0, 0.0], [0.09, 0.0436]])  # correlation 0.9, sds 100 and 0.1
    precision = jnp.asarray(np.linalg.inv(factor @ factor.T))

    def potential_fn(z):
        return 0.5 * z["x"] @ precision @ z["x"]

    mcmc = MCMC(NUTS(potential_fn=potential_fn, dense_mass=dense_mass), num_warmup=500, num_samples=500, num_chains=2,
                progress_bar=False)  # fmt: skip
    mcmc.run(jax.random.key(1), init_params={"x": np.zeros((2, 2))})
    assert_means(mcmc.get_samples(group_by_chain=True)["x"], 0.0, [100.0, 0.1])


def test_hmc_of_fixed_length():
    mcmc = MCMC(HMC(model, trajectory_length=1.0), num_warmup=200, num_samples=400, num_chains=2, progress_bar=False)
    mcmc.run(jax.random.key(2), Y)
    assert_means(mcmc.get_samples(group_by_chain=True)["mu"], Y.sum() / 4, 0.5)


def test_eight_schools_agrees_with_the_reference():
    folder = Path(__file__).parents[5] / "examples" / "data"
    data = json.loads((folder / "eight_schools.data.json").read_text())
    reference = json.loads((folder / "eight_schools.reference.json").read_text())["parameters"]
    y, sigma = np.array(data["y"], float), np.array(data["sigma"], float)

    def schools(y, sigma):
        mu, tau = tf.sample("mu", dist.Normal(0.0, 5.0)), tf.sample("tau", dist.HalfCauchy(5.0))
        with tf.plate("schools", len(y)):
            theta = tf.sample("theta", dist.Normal(mu, tau))
            tf.sample("y", dist.Normal(theta, sigma), obs=y)

    decentred = reparam(schools, config={"theta": LocScaleReparam(0.0)})
    mcmc = MCMC(NUTS(decentred, target_accept_prob=0.9), num_warmup=500, num_samples=1000, num_chains=4,
                progress_bar=False)  # fmt: skip
    mcmc.run(jax.random.key(0), y, sigma)
    draws = mcmc.get_samples(group_by_chain=True)
    for name, values in {"mu": draws["mu"], "tau": draws["tau"], "theta[1]": draws["theta"][..., 0]}.items():
        truth, values = reference[name], np.asarray(values)
        error = np.hypot(float(diagnostics.mcse_mean(values)), truth["mcse_mean"])
        assert abs(values.mean() - truth["mean"]) < 5 * error  # error rate 6e-7 each


def test_equal_keys_give_equal_draws_and_others_do_not(fitted):
    again, other = fit(num_samples=500), fit(seed=1, num_samples=500)
    first = fitted.get_samples(group_by_chain=True)["mu"]
    np.testing.assert_array_equal(first, again.get_samples(group_by_chain=True)["mu"])
    second = other.get_samples(group_by_chain=True)["mu"]
    streams = np.concatenate([first, second])
    assert len({row.tobytes() for row in np.asarray(streams)}) == 4


def test_old_and_new_keys_give_equal_draws():
    draws = []
    for key in (jax.random.key(3), jax.random.PRNGKey(3), jax.random.split(jax.random.PRNGKey(4))):
        mcmc = MCMC(NUTS(model), num_warmup=10, num_samples=5, num_chains=2, progress_bar=False)
        mcmc.run(key, Y)
        draws.append(np.asarray(mcmc.get_samples()["mu"]))
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[1], draws[2])


def test_chains_are_uncorrelated(fitted):
    one, two = np.asarray(fitted.get_samples(group_by_chain=True)["mu"])
    # 5 sd of a correlation of 500 draws worth at least 100: error rate 6e-7
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.5


def test_shapes_of_draws_and_deterministics(fitted):
    flat, grouped = fitted.get_samples(), fitted.get_samples(group_by_chain=True)
    assert {name: value.shape for name, value in flat.items()} == {"mu": (1000,), "square": (1000,)}
    np.testing.assert_array_equal(flat["mu"], grouped["mu"].reshape(-1))
    np.testing.assert_allclose(grouped["square"], grouped["mu"] ** 2, rtol=1e-6)


def test_statistics_of_every_draw(fitted):
    fields = fitted.get_extra_fields(group_by_chain=True)
    assert {value.shape for value in fields.values()} == {(2, 500)}
    assert np.all((fields["accept_prob"] >= 0) & (fields["accept_prob"] <= 1))
    # the density of the posterior at a draw, up to the evidence: potential energy minus that of the mode
    mu = fitted.get_samples(group_by_chain=True)["mu"]
    energy = fields["potential_energy"]
    np.testing.assert_allclose(energy - energy.min(), 2 * ((mu - Y.sum() / 4) ** 2), atol=1e-2)


def test_summary_names_latents_and_divergences(fitted, capsys):
    assert set(fitted.summary()) == {"mu"}
    assert set(fitted.summary(exclude_deterministic=False)) == {"mu", "square"}
    fitted.print_summary()
    shown = capsys.readouterr().out
    assert "mu" in shown
    assert "Number of divergences: 0" in shown


def test_result_survives_pickling(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.get_samples()["mu"], fitted.get_samples()["mu"])


def test_second_run_compiles_nothing(fitted, caplog):
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        fit(seed=3, y=Y + 1.0, num_samples=500)
    assert "advance_chains" not in caplog.text
    assert "start_chains" not in caplog.text


def test_thinning_keeps_every_nth_draw(fitted):
    thin = fit(num_samples=500, thinning=5).get_samples(group_by_chain=True)["mu"]
    np.testing.assert_array_equal(thin, fitted.get_samples(group_by_chain=True)["mu"][:, ::5])


def test_going_on_is_one_long_run(fitted):
    short = fit(num_samples=100)
    short.post_warmup_state = short.last_state
    short.run(short.last_state.rng_key, Y)
    np.testing.assert_array_equal(
        short.get_samples(group_by_chain=True)["mu"], fitted.get_samples(group_by_chain=True)["mu"][:, 100:200]
    )


def test_warming_up_first_is_the_same_run(fitted):
    mcmc = MCMC(NUTS(model), num_warmup=100, num_samples=500, num_chains=2, progress_bar=False)
    mcmc.warmup(jax.random.key(0), Y, collect_warmup=True)
    assert mcmc.get_samples(group_by_chain=True)["mu"].shape == (2, 100)
    mcmc.run(mcmc.post_warmup_state.rng_key, Y)
    np.testing.assert_array_equal(mcmc.get_samples()["mu"], fitted.get_samples()["mu"])


def test_state_of_another_run_is_refused(fitted):
    mcmc = MCMC(NUTS(model), num_warmup=10, num_samples=10, num_chains=3, progress_bar=False)
    mcmc.post_warmup_state = fitted.last_state
    with pytest.raises(InferenceError, match="post_warmup_state"):
        mcmc.run(jax.random.key(0), Y)


def test_interrupted_run_keeps_what_was_drawn(fitted, monkeypatch):
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return advance(*args)

    advance = module.advance_chains
    monkeypatch.setattr(module, "advance_chains", interrupted)
    with pytest.warns(InferenceWarning, match="interrupted: 150 of 500"):
        mcmc = fit(num_samples=500)
    np.testing.assert_array_equal(
        mcmc.get_samples(group_by_chain=True)["mu"], fitted.get_samples(group_by_chain=True)["mu"][:, :150]
    )


def test_interruption_of_the_warm_up_is_passed_on(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "advance_chains", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit()


def test_sequential_chains_have_the_same_posterior():
    mcmc = fit(num_samples=500, chain_method="sequential")
    assert_means(mcmc.get_samples(group_by_chain=True)["mu"], Y.sum() / 4, 0.5)


def test_too_few_devices_are_said_aloud(fitted):
    with pytest.warns(InferenceWarning, match="set_host_device_count"):
        parallel = fit(num_samples=500, chain_method="parallel")
    np.testing.assert_array_equal(parallel.get_samples()["mu"], fitted.get_samples()["mu"])


def test_parallel_chains_run_on_their_devices():
    code = """
import jax, numpy as np, twofold_jax as tf, twofold_jax.distributions as dist
from twofold_jax.infer import MCMC, NUTS
mcmc = MCMC(NUTS(lambda: tf.sample("x", dist.Normal(3.0, 1.0))), num_warmup=100, num_samples=200, num_chains=2,
            chain_method="parallel", progress_bar=False)
mcmc.run(jax.random.key(0))
draws = np.asarray(mcmc.get_samples(group_by_chain=True)["x"])
print(len(mcmc.last_state.state.position.sharding.device_set), draws.shape, abs(draws.mean() - 3.0) < 0.7)
"""
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "2 (2, 200) True\n", done.stderr


def test_init_params_are_where_chains_start():
    mcmc = MCMC(NUTS(model), num_warmup=0, num_samples=1, num_chains=2, progress_bar=False)
    mcmc.sampler = HMC(model, num_steps=1, step_size=1e-6, adapt_step_size=False)
    mcmc.run(jax.random.key(0), Y, init_params={"mu": np.array([7.0, -7.0])})
    np.testing.assert_allclose(mcmc.get_samples()["mu"], [7.0, -7.0], atol=1e-3)


def test_draws_before_running_are_refused():
    mcmc = MCMC(NUTS(model), num_warmup=1, num_samples=1, progress_bar=False)
    for read in (mcmc.get_samples, mcmc.get_extra_fields, mcmc.print_summary, lambda: mcmc.last_state):
        with pytest.raises(InferenceError, match="no draws yet"):
            read()


@pytest.mark.parametrize(
    "settings",
    [{"num_samples": 0}, {"num_warmup": -1}, {"num_chains": 1.5}, {"thinning": True}, {"chain_method": "threads"}],
    ids=str,
)
def test_impossible_settings_are_refused_by_name(settings):
    with pytest.raises(HandlerError, match=next(iter(settings))):
        MCMC(NUTS(model), **{"num_warmup": 1, "num_samples": 1, **settings})


def test_other_words_for_the_same_settings():
    mcmc = MCMC(NUTS(model), warmup_steps=np.int64(3), num_samples=4, disable_progbar=True)
    assert (mcmc.num_warmup, mcmc.progress_bar) == (3, False)


def test_unknown_extra_fields_are_refused():
    with pytest.raises(UnknownSiteError, match="speed"):
        MCMC(NUTS(model), num_warmup=1, num_samples=1).run(jax.random.key(0), Y, extra_fields=("speed",))


def test_a_model_without_latents_is_refused():
    with pytest.raises(InferenceError, match="no continuous latent"):
        MCMC(NUTS(lambda: tf.factor("f", 1.0)), num_warmup=1, num_samples=1).run(jax.random.key(0))


def test_no_finite_start_names_the_site():
    def trapped():
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.factor("trap", jnp.log(-1.0 - x**2))

    with pytest.raises(NonFiniteError, match="no chain can start") as caught:
        MCMC(NUTS(trapped), num_warmup=1, num_samples=1, progress_bar=False).run(jax.random.key(0))
    assert "'trap'" in str(caught.value)


def test_column_of_observations_in_a_row_of_plates_is_refused():
    def rows(y):
        with tf.plate("rows", 3):
            tf.sample("y", dist.Normal(tf.sample("mu", dist.Normal(0.0, 1.0).expand((1,))), 1.0), obs=y)

    with pytest.raises(ShapeError, match="'y'"):
        MCMC(NUTS(rows), num_warmup=1, num_samples=1, progress_bar=False).run(jax.random.key(0), np.ones((3, 1)))


def test_params_and_mini_batches_are_warned_of(monkeypatch):
    def odd(y):
        loc = tf.param("loc", 0.0)
        mu = tf.sample("mu", dist.Normal(loc, 1.0))
        with tf.plate("rows", 3, subsample_size=2) as rows:
            tf.sample("y", dist.Normal(mu, 1.0), obs=y[rows])

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "start_chains", stop)
    mcmc = MCMC(NUTS(odd), num_warmup=1, num_samples=1, progress_bar=False)
    with pytest.warns(InferenceWarning) as caught, pytest.raises(KeyboardInterrupt):
        mcmc.run(jax.random.key(0), Y)
    texts = " ".join(str(warning.message) for warning in caught)
    assert "'loc'" in texts
    assert "mini-batch of 'rows'" in texts


@pytest.mark.nightly
def test_float64_is_kept():
    with jax.enable_x64(True):
        mcmc = fit()
        assert mcmc.get_samples()["mu"].dtype == jnp.float64
        assert mcmc.last_state.adaptation.tuning.step_size.dtype == jnp.float64


@pytest.mark.nightly
def test_forward_mode_serves_models_with_while_loops():
    def looped():
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.factor("pull", -jax.lax.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, s[1] + x**2 / 2), (0, 0.0))[1])

    mcmc = MCMC(NUTS(looped, forward_mode_differentiation=True), num_warmup=200, num_samples=500, num_chains=2,
                progress_bar=False)  # fmt: skip
    mcmc.run(jax.random.key(0))
    assert_means(mcmc.get_samples(group_by_chain=True)["x"], 0.0, np.sqrt(1 / 3))


@pytest.mark.nightly
def test_starting_from_given_values():
    mcmc = MCMC(NUTS(model, init_strategy=init_to_value(values={"mu": 9.0})), num_warmup=100, num_samples=100,
                num_chains=2, progress_bar=False)  # fmt: skip
    mcmc.run(jax.random.key(0), Y)
    assert np.isfinite(mcmc.get_samples()["mu"]).all()
