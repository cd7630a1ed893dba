"""The Binomial law against mpmath and SciPy."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import special, stats

from twofold_jax.distributions import Binomial, BinomialLogits, BinomialProbs

mpmath.mp.dps = 50


@np.vectorize
def _mass(n, p, k):
    if not 0 <= k <= n:
        return -np.inf
    n, p, k = map(mpmath.mpf, (n, p, k))
    log_p, log_q = mpmath.log(p), mpmath.log1p(-p)
    return float(mpmath.log(mpmath.binomial(n, k)) + k * log_p + (n - k) * log_q)


def test_log_prob_equals_mpmath(check):
    make = lambda n, p: Binomial(n, probs=p, validate_args=False)  # noqa: E731
    grid = list(itertools.product([1.0, 10.0, 300.0], [1e-6, 0.3, 0.99]))
    check.log_prob(make, _mass, grid, [0.0, 1.0, 3.0, 10.0])


def test_log_prob_stays_precise_in_single_precision_for_a_million_trials(check):
    by_probs = lambda n, p: Binomial(n, probs=p)  # noqa: E731
    check.log_prob(by_probs, _mass, [(1e6, 0.25)], [0.0, 249e3, 250e3, 251e3, 1e6], narrow=2e-4, rtol=1e-9)
    by_logits = lambda n, t: Binomial(n, logits=t)  # noqa: E731
    oracle = lambda n, t, k: _mass(n, special.expit(t), k)  # noqa: E731
    check.log_prob(by_logits, oracle, [(1e6, -1.0)], [267e3, 268e3, 269e3, 27e4], narrow=2e-4, rtol=1e-8)


def test_gradient_in_the_logit_is_the_residual():
    slope = jax.grad(lambda t, k: BinomialLogits(t, 1000).log_prob(k))
    for t, k in ((0.3, 500), (0.3, 0), (-20.0, 1000), (100.0, 1000), (-100.0, 3)):
        assert float(slope(t, k)) == pytest.approx(k - 1000 * special.expit(t), rel=1e-4, abs=1e-3)


def test_edges_have_finite_values_and_gradients():
    law = Binomial(np.array([5, 5, 0]), probs=np.array([0.0, 1.0, 0.5]))
    np.testing.assert_array_equal(law.log_prob(np.array([0, 5, 0])), [0.0, 0.0, 0.0])
    slope = jax.grad(lambda p: BinomialProbs(p, 5).log_prob(jnp.array([0, 5])).sum())
    np.testing.assert_allclose(slope(jnp.array([0.0, 1.0])), [-5.0, 5.0])


def test_gradients_equal_finite_differences(check):
    check.gradients(lambda p: Binomial(10, probs=p), [[0.2, 0.7, 0.4]], np.array([0, 4, 10]), of_value=False)
    check.gradients(lambda t: Binomial(10, logits=t), [[-1.0, 0.7, 2.0]], np.array([0, 4, 10]), of_value=False)


def test_masses_sum_to_one(check):
    check.sums_to_one(Binomial(12, probs=0.3), np.arange(13))


def test_draws_and_moments(check, key):
    check.moments(Binomial(np.array([10, 1000]), probs=np.array([0.3, 0.9])), [3.0, 900.0], [2.1, 90.0])
    check.moments(Binomial(10, logits=0.5), *stats.binom(10, special.expit(0.5)).stats())
    draws = Binomial(np.array([7, 7, 0]), probs=np.array([0.0, 1.0, 0.5])).sample(key, (5,))
    np.testing.assert_array_equal(draws, np.tile([0, 7, 0], (5, 1)))


def test_enumerate_support():
    np.testing.assert_array_equal(Binomial(3, probs=0.5).enumerate_support(), [0, 1, 2, 3])
    with pytest.raises(NotImplementedError, match="total_count"):
        Binomial(np.array([1, 2]), probs=0.5).enumerate_support()


def test_shapes_and_transformations(check):
    check.behaves(Binomial(np.full((2, 1), 5), probs=np.full(3, 0.4)))
    check.behaves(Binomial(5, logits=np.zeros(2)))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Binomial(-1, probs=0.5), "total_count", "a whole number, 0 or more")
    check.refuses(lambda: Binomial(5, probs=0.5).log_prob(6), "BinomialProbs", "a whole number from 0 to 5")
    check.refuses(lambda: Binomial(5), "Binomial", "none of them")
