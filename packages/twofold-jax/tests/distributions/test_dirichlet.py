"""The Dirichlet law against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Dirichlet, kl_divergence

ALPHA = np.array([0.3, 2.5, 7.0])


def test_log_prob_equals_scipy(x64):
    values = np.array([[0.1, 0.2, 0.7], [1e-8, 0.5, 0.5 - 1e-8]])
    for alpha in (ALPHA, np.array([1.0, 1.0, 1.0]), np.array([300.0, 1.0, 1e-3])):
        expected = [stats.dirichlet(alpha).logpdf(value) for value in values]
        np.testing.assert_allclose(Dirichlet(alpha).log_prob(values), expected, rtol=1e-10)


def test_log_prob_on_the_edge_with_finite_gradients():
    edge = jnp.array([0.0, 0.4, 0.6])
    assert float(Dirichlet(np.array([1.0, 2.0, 3.0])).log_prob(edge)) == pytest.approx(
        np.log(60 * 0.4 * 0.36), rel=1e-5
    )
    assert float(Dirichlet(np.array([2.0, 2.0, 3.0])).log_prob(edge)) == -np.inf
    slopes = jax.grad(lambda x, a: Dirichlet(a).log_prob(x), argnums=(0, 1))(edge, jnp.array([1.0, 2.0, 3.0]))
    assert all(np.isfinite(slope).all() for slope in slopes)


def test_marginals_and_moments_of_draws(check, key):
    check.moments(Dirichlet(ALPHA), stats.dirichlet(ALPHA).mean(), stats.dirichlet(ALPHA).var())
    draws = np.asarray(Dirichlet(ALPHA).sample(key, (4000,)))
    for i in range(3):
        assert stats.kstest(draws[:, i], stats.beta(ALPHA[i], ALPHA.sum() - ALPHA[i]).cdf).pvalue > 1e-6  # error rate


def test_draws_of_small_concentrations_stay_in_the_support(key):
    draws = Dirichlet(np.full(4, 1e-3)).sample(key, (100,))
    assert np.isfinite(Dirichlet(np.full(4, 1e-3)).log_prob(draws)).all()


def test_draws_are_differentiable_in_expectation(key):
    slope = jax.grad(lambda a: Dirichlet(a).rsample(key, (20000,))[:, 0].mean())(jnp.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(slope, [5 / 36, -1 / 36, -1 / 36], atol=0.01)  # over 5 standard errors


def test_gradients_entropy_and_shapes(check):
    check.gradients(Dirichlet, [ALPHA], [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
    assert float(Dirichlet(ALPHA).entropy()) == pytest.approx(float(stats.dirichlet(ALPHA).entropy()), rel=1e-4)
    check.behaves(Dirichlet(np.full((2, 3), 2.0)))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Dirichlet(np.array([1.0, -1.0])), "concentration", "Dirichlet")
    check.refuses(lambda: Dirichlet(np.ones(2)).log_prob(np.array([0.5, 0.6])), "Dirichlet", "sum to 1")
    check.refuses(lambda: Dirichlet(2.0), "Dirichlet", "categories")


def test_divergence_equals_mean_log_ratio(x64):
    p, q = Dirichlet(ALPHA), Dirichlet(np.array([1.0, 2.0, 3.0]))
    draws = p.sample(jax.random.PRNGKey(0), (20000,))
    ratio = np.asarray(p.log_prob(draws) - q.log_prob(draws))
    assert abs(ratio.mean() - float(kl_divergence(p, q))) < 5 * ratio.std() / np.sqrt(len(ratio))  # error rate 6e-7
