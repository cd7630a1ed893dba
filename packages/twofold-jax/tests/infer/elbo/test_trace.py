"""Laws of Trace_ELBO."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.distributions import constraints
from twofold_jax.errors import HandlerError, InferenceError
from twofold_jax.handlers import mask, scale
from twofold_jax.infer import Trace_ELBO


def mean_and_error(estimate, count=4000, seed=0):
    """Mean of many estimates, and its standard error."""
    draws = np.asarray(jax.jit(jax.vmap(estimate))(jax.random.split(jax.random.key(seed), count)))
    return draws.mean(axis=0), draws.std(axis=0) / np.sqrt(count)


def normal_model():
    x = tf.sample("x", dist.Normal(0.0, 1.0))
    tf.sample("y", dist.Normal(x, 1.0), obs=2.0)


def normal_guide():
    tf.sample("x", dist.Normal(tf.param("loc", 0.0), tf.param("spread", 1.0, constraint=constraints.positive)))


def normal_elbo(loc, spread):
    """E log N(x; 0, 1) + E log N(2; x, 1) + entropy of N(loc, spread)."""
    joint = -np.log(2 * np.pi) - 0.5 * (loc**2 + spread**2) - 0.5 * ((2 - loc) ** 2 + spread**2)
    return joint + 0.5 * np.log(2 * np.pi * np.e * spread**2)


def test_loss_is_minus_the_elbo():
    mean, error = mean_and_error(
        lambda key: Trace_ELBO().loss(key, {"loc": 0.3, "spread": 0.7}, normal_model, normal_guide)
    )
    assert abs(mean + normal_elbo(0.3, 0.7)) < 5 * error  # error rate 6e-7


def test_exact_guide_has_the_evidence_without_variance():
    params = {"loc": 1.0, "spread": np.sqrt(0.5)}
    losses = [Trace_ELBO().loss(jax.random.key(i), params, normal_model, normal_guide) for i in range(3)]
    np.testing.assert_allclose(losses, -stats.norm.logpdf(2.0, 0.0, np.sqrt(2.0)), rtol=1e-5)


@pytest.mark.parametrize("vectorize", [True, False])
def test_particles_are_averaged(vectorize):
    elbo, params = Trace_ELBO(3, vectorize_particles=vectorize), {"loc": 0.3, "spread": 0.7}
    key = jax.random.key(1)
    one_by_one = [Trace_ELBO().loss(k, params, normal_model, normal_guide) for k in elbo.particle_keys(key)]
    assert elbo.loss(key, params, normal_model, normal_guide) == pytest.approx(np.mean(one_by_one), rel=1e-5)


def test_pathwise_gradient_is_unbiased():
    def gradient(key):
        def loss(loc):
            return Trace_ELBO().loss(key, {"loc": loc, "spread": 0.7}, normal_model, normal_guide)

        return jax.grad(loss)(0.3)

    mean, error = mean_and_error(gradient)
    assert abs(mean - (0.3 - (2 - 0.3))) < 5 * error  # error rate 6e-7


def test_score_function_gradient_is_unbiased():
    def model():
        z = tf.sample("z", dist.Bernoulli(0.3))
        tf.sample("y", dist.Normal(2.0 * z, 1.0), obs=1.5)

    def guide():
        tf.sample("z", dist.Bernoulli(tf.param("p", 0.5, constraint=constraints.unit_interval)))

    def exact(p):
        joint = [np.log(0.7) + stats.norm.logpdf(1.5, 0.0), np.log(0.3) + stats.norm.logpdf(1.5, 2.0)]
        return (1 - p) * (joint[0] - np.log1p(-p)) + p * (joint[1] - np.log(p))

    def both(key):
        return jnp.stack(jax.value_and_grad(lambda p: Trace_ELBO().loss(key, {"p": p}, model, guide))(0.4))

    mean, error = mean_and_error(both)
    slope = (exact(0.4 + 1e-5) - exact(0.4 - 1e-5)) / 2e-5
    assert np.all(np.abs(mean + [exact(0.4), slope]) < 5 * error)  # error rate 6e-7 each


def test_rows_of_a_plate_do_not_add_to_each_others_variance():
    def model():
        with tf.plate("rows", 20):
            z = tf.sample("z", dist.Bernoulli(0.3))
            tf.sample("y", dist.Normal(2.0 * z, 1.0), obs=np.full(20, 1.5))

    def guide():
        p = tf.param("p", np.full(20, 0.4), constraint=constraints.unit_interval)
        with tf.plate("rows", 20):
            tf.sample("z", dist.Bernoulli(p))

    def gradient(key):
        return jax.grad(lambda p: Trace_ELBO().loss(key, {"p": p}, model, guide))(jnp.full(20, 0.4))[0]

    def alone(key):
        with_one = lambda p: Trace_ELBO().loss(key, {"p": p}, one_model, one_guide)  # noqa: E731
        return jax.grad(with_one)(0.4)

    def one_model():
        tf.sample("y", dist.Normal(2.0 * tf.sample("z", dist.Bernoulli(0.3)), 1.0), obs=1.5)

    def one_guide():
        tf.sample("z", dist.Bernoulli(tf.param("p", 0.4)))

    (mean, error), (one, one_error) = mean_and_error(gradient), mean_and_error(alone, seed=1)
    assert abs(mean - one) < 5 * np.hypot(error, one_error)
    assert error < 1.3 * one_error  # without the plates the standard error would be some 4 times as large


def test_scale_and_mask_count_in_both():
    def model():
        with scale(scale=3.0), mask(mask=np.array([True, False])):
            tf.sample("x", dist.Normal(0.0, 1.0).expand((2,)))

    def guide():
        with scale(scale=3.0), mask(mask=np.array([True, False])):
            tf.sample("x", dist.Normal(1.0, 1.0).expand((2,)))

    mean, error = mean_and_error(lambda key: Trace_ELBO().loss(key, {}, model, guide))
    assert abs(mean - 3.0 * 0.5) < 5 * error  # 3 times the divergence of N(1, 1) from N(0, 1)


def test_factor_of_the_guide_is_subtracted():
    def guide():
        normal_guide()
        tf.factor("push", 0.5)

    params = {"loc": 0.3, "spread": 0.7}
    with_factor = Trace_ELBO().loss(jax.random.key(0), params, normal_model, guide)
    without = Trace_ELBO().loss(jax.random.key(0), params, normal_model, normal_guide)
    assert with_factor - without == pytest.approx(0.5, abs=1e-6)


def test_particles_must_be_countable():
    with pytest.raises(HandlerError, match="num_particles"):
        Trace_ELBO(num_particles=0)


def test_mutable_state_follows_one_particle_only():
    def model():
        tf.mutable("counter", {"calls": 0})

    with pytest.raises(InferenceError, match="'counter'"):
        Trace_ELBO(num_particles=2).loss(jax.random.key(0), {}, model, lambda: None)
