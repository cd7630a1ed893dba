"""Laws of the covariance estimate."""

import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.infer.mcmc.adaptation.mass_matrix import start_welford, update_welford, welford_covariance

DRAWS = np.random.default_rng(0).normal(size=(30, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 10.0]])


def estimate(inverse_mass, regularize):
    state = start_welford(inverse_mass)
    for draw in DRAWS:
        state = update_welford(state, jnp.asarray(draw, jnp.float32))
    return welford_covariance(state, regularize)


def test_running_moments_are_those_of_numpy():
    np.testing.assert_allclose(estimate(jnp.eye(3), False), np.cov(DRAWS.T), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(estimate(jnp.ones(3), False), DRAWS.var(axis=0, ddof=1), rtol=1e-4)


@pytest.mark.parametrize("is_dense", [False, True])
def test_regularised_estimate_is_the_stated_mixture(is_dense):
    sample = np.cov(DRAWS.T) if is_dense else DRAWS.var(axis=0, ddof=1)
    target = np.eye(3) if is_dense else np.ones(3)
    found = estimate(jnp.eye(3) if is_dense else jnp.ones(3), True)
    np.testing.assert_allclose(found, 30 / 35 * sample + 1e-3 * 5 / 35 * target, rtol=1e-4, atol=1e-4)
