"""The von Mises law against SciPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import VonMises


def test_log_prob_equals_scipy_for_small_and_large_concentrations(check):
    grid = list(itertools.product([-1.0, 0.5], [1e-6, 1.0, 30.0, 1e4]))
    oracle = lambda m, k, x: stats.vonmises.logpdf(x, k, m)  # noqa: E731
    check.log_prob(VonMises, oracle, grid, [-3.1, -1.0, 0.5, 2.0], rtol=1e-6, narrow=5e-5)


def test_density_integrates_to_one(check):
    check.normalised(VonMises(0.5, 3.0), np.linspace(-np.pi, np.pi, 10))


@pytest.mark.parametrize("concentration", [1e-3, 0.5, 20.0])
def test_draws_follow_their_law(check, concentration):
    check.draws_follow(VonMises(0.0, concentration), stats.vonmises(concentration).cdf, num=2000)


def test_draws_of_a_large_concentration_follow_a_normal_law(check):
    check.draws_follow(VonMises(0.0, 1e6), stats.norm(0, 1e-3).cdf, num=2000)


def test_draws_with_a_nan_concentration_end(key):
    law = VonMises(0.0, jnp.nan, validate_args=False)
    assert np.isnan(law.sample(key, (3,))).all()


def test_direction_and_circular_variance(key):
    law = VonMises(2.0, 3.0)
    draws = np.asarray(law.sample(key, (2000,)))
    resultant = np.exp(1j * draws).mean()
    assert abs(np.angle(resultant) - float(law.mean)) < 5 * 0.65 / np.sqrt(2000)  # error rate 6e-7
    assert 1 - abs(resultant) == pytest.approx(float(law.variance), abs=0.03)


def test_gradients_and_shapes(check):
    check.gradients(VonMises, [0.5, 2.0], [0.3, 1.0])
    check.behaves(VonMises(np.zeros((2, 1)), np.ones(3)))
    assert np.isfinite(jax.grad(lambda m: VonMises(m, 2.0).sample(jax.random.PRNGKey(0)))(0.5))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: VonMises(0.0, -1.0), "concentration", "VonMises")
    check.refuses(lambda: VonMises(0.0, 1.0).log_prob(4.0), "VonMises", "4.0")
