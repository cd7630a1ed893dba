"""The Beta law against mpmath and SciPy."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Beta, kl_divergence

mpmath.mp.dps = 60


@np.vectorize
def _beta(a, b, x):
    a, b, x = map(mpmath.mpf, (a, b, x))
    norm = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
    return float((a - 1) * mpmath.log(x) + (b - 1) * mpmath.log1p(-x) - norm)


def test_log_prob_equals_mpmath_near_both_ends(check):
    grid = list(itertools.product([1e-3, 0.5, 1.0, 8.0, 300.0], [1e-3, 0.7, 1.0, 30.0]))
    check.log_prob(Beta, _beta, grid, [1e-30, 1e-4, 0.3, 0.5, 0.999], narrow=5e-5)


def test_log_prob_stays_precise_in_single_precision_for_large_concentrations(check):
    check.log_prob(Beta, _beta, [(4e5, 6e5)], [0.399, 0.4, 0.4003], narrow=1e-3, rtol=1e-9)


def test_log_prob_at_the_ends():
    ends = np.array([0.0, 1.0])
    np.testing.assert_allclose(Beta(1.0, 3.0).log_prob(ends), [np.log(3), -np.inf], rtol=1e-6)
    np.testing.assert_allclose(Beta(1.0, 1.0).log_prob(ends), [0.0, 0.0])
    np.testing.assert_allclose(Beta(0.5, 2.0).log_prob(ends), [np.inf, -np.inf])
    slopes = jax.grad(lambda x, a: Beta(a, 1.0).log_prob(x).sum(), argnums=(0, 1))(jnp.array(ends), 1.0)
    assert all(np.isfinite(slope).all() for slope in slopes)


def test_quantiles_density_and_draws(check):
    check.quantiles(Beta(2.5, 1.5), stats.beta(2.5, 1.5), inverse=False)
    tails = np.geomspace(1e-12, 0.5, 30)
    check.normalised(Beta(1.5, 2.5), [0.0, *tails, *(1 - tails[-2::-1]), 1.0])
    check.draws_follow(Beta(2.5, 1.5), stats.beta(2.5, 1.5).cdf)
    check.draws_follow(Beta(0.3, 0.4), stats.beta(0.3, 0.4).cdf)
    check.moments(Beta(2.5, 1.5), *stats.beta(2.5, 1.5).stats())
    assert float(Beta(2.5, 1.5).entropy()) == pytest.approx(float(stats.beta(2.5, 1.5).entropy()), rel=1e-4)


def test_gradients_equal_finite_differences(check):
    check.gradients(Beta, [[0.3, 2.5, 30.0], [0.4, 1.7, 20.0]], [0.2, 0.5, 0.9])


def test_draws_are_differentiable_in_expectation(key):
    def mean(a, b):
        return Beta(a, b).rsample(key, (20000,)).mean()

    slopes = jax.grad(mean, argnums=(0, 1))(2.5, 1.7)
    expected = (1.7 / 4.2**2, -2.5 / 4.2**2)
    np.testing.assert_allclose(slopes, expected, atol=0.004)  # 5 standard errors


def test_shapes_and_transformations(check):
    check.behaves(Beta(np.full((2, 1), 2.0), np.ones(3)))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Beta(1.0, 0.0), "concentration0", "Beta")
    check.refuses(lambda: Beta(1.0, 1.0).log_prob(1.5), "Beta", "1.5", "between 0 and 1")


def test_divergence_equals_mean_log_ratio(x64):
    p, q = Beta(2.5, 1.5), Beta(1.2, 3.0)
    draws = p.sample(jax.random.PRNGKey(0), (20000,))
    ratio = np.asarray(p.log_prob(draws) - q.log_prob(draws))
    assert abs(ratio.mean() - float(kl_divergence(p, q))) < 5 * ratio.std() / np.sqrt(len(ratio))  # error rate 6e-7
