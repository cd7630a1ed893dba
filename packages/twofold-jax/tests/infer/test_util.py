"""Laws of the functions that other samplers ask for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.distributions.transforms import ExpTransform
from twofold_jax.errors import NonFiniteError, RandomKeyError
from twofold_jax.infer import init_to_value, log_density, log_likelihood, util

Y = np.array([0.5, -1.0])


def model(y, shift=0.0):
    mu = tf.sample("mu", dist.Normal(1.0, 2.0))
    spread = tf.sample("spread", dist.HalfNormal(1.5))
    with tf.plate("rows", 2):
        tf.sample("y", dist.Normal(mu + shift, spread), obs=y)
    tf.deterministic("twice", 2 * mu)


VALUES = {"mu": 0.3, "spread": 0.8}
UNCONSTRAINED = {"mu": 0.3, "spread": np.log(0.8)}


def joint(shift=0.0):
    prior = stats.norm.logpdf(0.3, 1.0, 2.0) + stats.halfnorm.logpdf(0.8, scale=1.5)
    return prior + stats.norm.logpdf(Y, 0.3 + shift, 0.8).sum()


def test_log_density_is_the_joint_and_needs_no_seed():
    value, sites = log_density(model, (Y,), {"shift": 0.5}, VALUES)
    assert value == pytest.approx(joint(0.5), rel=1e-5)
    assert set(sites) == {"mu", "spread", "rows", "y", "twice"}


def test_log_density_of_an_open_site_needs_a_seed():
    with pytest.raises(RandomKeyError, match="'spread'"):
        log_density(model, (Y,), {}, {"mu": 0.3})


def test_log_density_takes_params_and_is_differentiable():
    def with_param():
        tf.sample("x", dist.Normal(tf.param("loc", 9.0), 1.0), obs=2.0)

    assert jax.grad(lambda loc: log_density(with_param, (), {}, {"loc": loc})[0])(0.5) == pytest.approx(1.5)


def test_log_probs_by_site():
    densities, _ = util.compute_log_probs(model, (Y,), {}, VALUES)
    assert sum(densities.values()) == pytest.approx(joint(), rel=1e-5)
    rows, _ = util.compute_log_probs(model, (Y,), {}, VALUES, sum_log_prob=False)
    np.testing.assert_allclose(rows["y"], stats.norm.logpdf(Y, 0.3, 0.8), rtol=1e-5)


def test_log_likelihood_is_that_of_each_row_and_draw():
    samples = {"mu": np.array([0.3, 0.0, 1.0]), "spread": np.array([0.8, 1.0, 2.0])}
    found = log_likelihood(model, samples, Y)
    expected = stats.norm.logpdf(Y, samples["mu"][:, None], samples["spread"][:, None])
    np.testing.assert_allclose(found["y"], expected, rtol=1e-5)
    grouped = {name: value[None] for name, value in samples.items()}
    np.testing.assert_allclose(log_likelihood(model, grouped, Y, batch_ndims=2)["y"], expected[None], rtol=1e-5)


def test_potential_energy_adds_the_jacobian():
    assert util.potential_energy(model, (Y,), {}, UNCONSTRAINED) == pytest.approx(-joint() - np.log(0.8), rel=1e-5)


def test_constrain_and_unconstrain_are_inverse():
    values = util.constrain_fn(model, (Y,), {}, UNCONSTRAINED, return_deterministic=True)
    assert {name: float(value) for name, value in values.items()} == pytest.approx({**VALUES, "twice": 0.6})
    back = util.unconstrain_fn(model, (Y,), {}, VALUES)
    assert {name: float(value) for name, value in back.items()} == pytest.approx(UNCONSTRAINED)


def test_transforms_by_name():
    assert isinstance(util.get_transforms(model, (Y,), {})["spread"], ExpTransform)
    transforms = {"spread": ExpTransform()}
    values = util.transform_fn(transforms, {"spread": 0.0, "other": 3.0})
    assert values == {"spread": 1.0, "other": 3.0}
    assert util.transform_fn(transforms, values, invert=True) == {"spread": 0.0, "other": 3.0}


def test_initialized_model_serves_another_sampler():
    info = util.initialize_model(jax.random.key(0), model, model_args=(Y,))
    z = info.param_info.z
    energy, gradient = jax.value_and_grad(info.potential_fn)(z)
    assert energy == pytest.approx(float(info.param_info.potential_energy), rel=1e-5)
    assert gradient["mu"] == pytest.approx(float(info.param_info.z_grad["mu"]), rel=1e-4)
    assert set(info.postprocess_fn(z)) == {"mu", "spread", "twice"}
    assert info.model_trace["y"]["is_observed"]


def test_several_keys_give_as_many_starts():
    keys = jax.random.split(jax.random.key(0), 3)
    info, is_valid = util.find_valid_initial_params(keys, model, model_args=(Y,))
    assert info.z["mu"].shape == is_valid.shape == (3,)
    assert len(set(info.z["mu"].tolist())) == 3


def test_data_may_change_with_dynamic_args():
    info = util.initialize_model(jax.random.key(0), model, model_args=(Y,), dynamic_args=True)
    z = {"mu": 0.3, "spread": np.log(0.8)}
    other = info.potential_fn(Y + 1.0)(z) - info.potential_fn(Y)(z)
    expected = stats.norm.logpdf(Y, 0.3, 0.8).sum() - stats.norm.logpdf(Y + 1.0, 0.3, 0.8).sum()
    assert other == pytest.approx(expected, rel=1e-4)


def test_no_finite_start_is_explained():
    def trapped():
        tf.factor("trap", jnp.log(-1.0 - tf.sample("x", dist.Normal(0.0, 1.0)) ** 2))

    with pytest.raises(NonFiniteError, match="'trap'"):
        util.initialize_model(jax.random.key(0), trapped, init_strategy=init_to_value(values={"x": 0.0}))
