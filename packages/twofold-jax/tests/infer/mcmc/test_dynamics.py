"""Laws of Hamiltonian dynamics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.infer.mcmc.dynamics import (
    Point,
    kinetic_energy,
    leapfrog,
    make_metric,
    sample_momentum,
    velocity,
)

COVARIANCE = np.array([[2.0, 0.6], [0.6, 0.5]], np.float32)


def quartic(position):
    return -(position**4).sum() / 4 - 0.5 * position[0] * position[1]


density = jax.value_and_grad(quartic)


def start(position, momentum):
    position = jnp.asarray(position)
    return Point(position, jnp.asarray(momentum), *density(position))


def energy(metric, point):
    return float(kinetic_energy(metric, point.momentum) - point.log_density)


@pytest.mark.parametrize("inverse_mass", [np.diag(COVARIANCE), COVARIANCE], ids=["diagonal", "dense"])
def test_leapfrog_is_reversible(inverse_mass):
    metric = make_metric(jnp.asarray(inverse_mass))
    begin = point = start([0.5, -0.8], [1.0, 0.3])
    for _ in range(10):
        point = leapfrog(density, metric, 0.1, point)
    for _ in range(10):
        point = leapfrog(density, metric, -0.1, point)
    np.testing.assert_allclose(point.position, begin.position, atol=1e-5)
    np.testing.assert_allclose(point.momentum, begin.momentum, atol=1e-5)


def test_energy_error_is_of_second_order_in_the_step_size():
    metric, errors = make_metric(jnp.asarray(COVARIANCE)), []
    for steps in (8, 16, 32):
        begin = point = start([1.0, -0.8], [1.0, 0.3])
        for _ in range(steps):
            point = leapfrog(density, metric, 1.6 / steps, point)
        errors.append(abs(energy(metric, point) - energy(metric, begin)))
    assert 3.0 < errors[0] / errors[1] < 5.5
    assert 3.0 < errors[1] / errors[2] < 5.5


def test_diagonal_metric_is_the_dense_one_of_a_diagonal_matrix():
    diagonal = jnp.array([2.0, 0.5])
    momentum = jnp.array([0.3, -1.0])
    thin, full = make_metric(diagonal), make_metric(jnp.diag(diagonal))
    np.testing.assert_allclose(velocity(thin, momentum), velocity(full, momentum), rtol=1e-6)
    assert kinetic_energy(thin, momentum) == pytest.approx(float(0.5 * (2.0 * 0.09 + 0.5)), rel=1e-6)
    assert kinetic_energy(full, momentum) == pytest.approx(float(kinetic_energy(thin, momentum)), rel=1e-6)


@pytest.mark.parametrize("inverse_mass", [np.diag(COVARIANCE), COVARIANCE], ids=["diagonal", "dense"])
def test_momenta_have_the_mass_matrix_as_covariance(inverse_mass):
    metric, count = make_metric(jnp.asarray(inverse_mass)), 20_000
    draws = jax.vmap(lambda key: sample_momentum(key, metric))(jax.random.split(jax.random.key(0), count))
    full = np.diag(inverse_mass) if inverse_mass.ndim == 1 else inverse_mass
    whitened = np.asarray(draws) @ np.linalg.cholesky(full)  # covariance L^T M L = I
    # entries of the covariance of 20000 standard normals have sd of at most sqrt(2 / 20000) = 0.01; 5 sd
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(2), atol=0.05)
