"""Laws of Predictive."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.errors import HandlerError, InferenceError, ShapeError, TwofoldWarning, UnknownSiteError
from twofold_jax.infer import Predictive

KEY = jax.random.key(0)


def model(x, y=None):
    slope = tf.sample("slope", dist.Normal(0.0, 1.0).expand((2,)).to_event(1))
    mean = tf.deterministic("mean", x @ slope)
    with tf.plate("rows", len(x)):
        tf.sample("y", dist.Normal(mean, 0.1), obs=y)


X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def shapes(draws):
    return {name: value.shape for name, value in draws.items()}


def test_prior_draws_have_the_draws_first():
    assert shapes(Predictive(model, num_samples=5)(KEY, X)) == {"slope": (5, 2), "mean": (5, 3), "y": (5, 3)}


def test_prior_draws_are_independent_and_repeatable():
    draws = Predictive(model, num_samples=500)(KEY, X)
    again = Predictive(model, num_samples=500)(KEY, X)
    np.testing.assert_array_equal(draws["y"], again["y"])
    assert len(np.unique(np.asarray(draws["slope"][:, 0]))) == 500
    # mean and sd of 500 standard normal draws, 5 standard errors: error rate 6e-7 each
    assert abs(float(draws["slope"][:, 0].mean())) < 5 / np.sqrt(500)
    assert abs(float(draws["slope"][:, 0].std()) - 1.0) < 5 / np.sqrt(1000)


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("count", [1, 7, 300])
def test_posterior_draws_are_used_one_by_one(count, parallel):
    slopes = np.random.default_rng(0).normal(size=(count, 2))
    draws = Predictive(model, {"slope": slopes}, parallel=parallel)(KEY, X)
    assert shapes(draws) == {"mean": (count, 3), "y": (count, 3)}
    np.testing.assert_allclose(draws["mean"], slopes @ X.T, rtol=1e-4, atol=1e-5)
    assert np.abs(draws["y"] - draws["mean"]).max() < 0.1 * 6


def test_chains_and_single_draws():
    slopes = np.random.default_rng(0).normal(size=(4, 6, 2))
    assert shapes(Predictive(model, {"slope": slopes}, batch_ndims=2)(KEY, X)) == {"mean": (4, 6, 3), "y": (4, 6, 3)}
    assert shapes(Predictive(model, {"slope": slopes[0, 0]}, batch_ndims=0)(KEY, X)) == {"mean": (3,), "y": (3,)}


def test_stale_deterministics_are_computed_anew():
    samples = {"slope": np.ones((3, 2)), "mean": np.full((3, 3), 99.0)}
    np.testing.assert_allclose(Predictive(model, samples)(KEY, X)["mean"], np.ones((3, 2)) @ X.T, rtol=1e-6)
    assert "mean" not in Predictive(model, samples, exclude_deterministic=False)(KEY, X)


def test_observed_sites_come_back_as_they_are():
    y = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(Predictive(model, {"slope": np.ones((2, 2))})(KEY, X, y)["y"], [y, y])


def test_return_sites_chooses():
    assert set(Predictive(model, num_samples=2, return_sites=["slope", "y"])(KEY, X)) == {"slope", "y"}
    with pytest.raises(UnknownSiteError, match="'z'"):
        Predictive(model, num_samples=2, return_sites=["z"])(KEY, X)


def test_guide_gives_the_latents():
    def guide(x, y=None):
        tf.sample("slope", dist.Normal(tf.param("loc", jnp.zeros(2)), 1e-6).to_event(1))

    predictive = Predictive(model, guide=guide, params={"loc": jnp.array([2.0, 3.0])}, num_samples=4)
    draws = predictive(KEY, X)
    assert shapes(draws) == {"slope": (4, 2), "mean": (4, 3), "y": (4, 3)}
    np.testing.assert_allclose(draws["mean"], [[2.0, 3.0, 5.0]] * 4, rtol=1e-4)


def test_params_reach_the_model():
    noisy = lambda: tf.sample("x", dist.Normal(tf.param("loc", 0.0), 1e-6))  # noqa: E731
    assert float(Predictive(noisy, params={"loc": 5.0}, num_samples=1)(KEY)["x"][0]) == pytest.approx(5.0, rel=1e-4)


def test_mini_batches_index_data():
    def batched(y):
        with tf.plate("rows", 3, subsample_size=2) as rows:
            tf.sample("y", dist.Normal(0.0, 1.0), obs=y[rows])

    assert Predictive(batched, num_samples=4)(KEY, np.arange(3.0))["y"].shape == (4, 2)


def test_misspelt_samples_are_noticed():
    with pytest.raises(UnknownSiteError, match="did you mean 'slope'"):
        Predictive(model, {"solpe": np.ones((3, 2))})(KEY, X)


def test_impossible_settings_are_refused():
    with pytest.raises(HandlerError, match="how many draws"):
        Predictive(model)
    with pytest.raises(HandlerError, match="batch_ndims"):
        Predictive(model, num_samples=2, batch_ndims=3)
    with pytest.raises(HandlerError, match="guide"):
        Predictive(model, {"slope": np.ones((3, 2))}, guide=model)
    with pytest.raises(HandlerError, match="return_sites"):
        Predictive(model, num_samples=2, return_sites="y")
    with pytest.raises(ShapeError, match="leading dims"):
        Predictive(model, {"slope": np.ones((3, 2)), "other": np.ones((4, 2))})
    with pytest.warns(TwofoldWarning, match="num_samples=9"):
        Predictive(model, {"slope": np.ones((3, 2))}, num_samples=9)


def test_a_guide_without_its_params_is_refused():
    def guide():
        tf.sample("z", dist.Normal(tf.param("loc", 0.0), 1.0))

    def latent_model():
        tf.sample("z", dist.Normal(0.0, 1.0))

    for params in (None, {"oops": 1.0}):
        with pytest.raises(InferenceError, match="'loc'"):
            Predictive(latent_model, guide=guide, params=params, num_samples=2)(jax.random.key(0))
