"""The Poisson, Geometric and NegativeBinomial laws against mpmath and SciPy."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import special, stats

from twofold_jax.distributions import Geometric, NegativeBinomial, Poisson

mpmath.mp.dps = 50


@np.vectorize
def _poisson(rate, k):
    rate, k = mpmath.mpf(rate), mpmath.mpf(k)
    return float(k * mpmath.log(rate) - rate - mpmath.loggamma(k + 1))


@np.vectorize
def _negative_binomial(r, p, k):
    r, p, k = map(mpmath.mpf, (r, p, k))
    ways = mpmath.loggamma(k + r) - mpmath.loggamma(k + 1) - mpmath.loggamma(r)
    return float(ways + r * mpmath.log1p(-p) + k * mpmath.log(p))


def test_poisson_log_prob_equals_mpmath(check):
    check.log_prob(Poisson, _poisson, [(1e-8,), (0.5,), (30.0,), (1e4,)], [0.0, 1.0, 7.0, 1e4])
    check.log_prob(Poisson, _poisson, [(1e6,)], [0.999e6, 1e6, 1.001e6], narrow=2e-4, rtol=1e-9)


def test_poisson_with_rate_zero():
    law = Poisson(0.0)
    np.testing.assert_array_equal(law.log_prob(np.array([0, 1])), [0.0, -np.inf])
    assert float(jax.grad(lambda r: Poisson(r).log_prob(0))(0.0)) == -1.0


def test_negative_binomial_log_prob_equals_mpmath(check):
    make = lambda r, p: NegativeBinomial(r, probs=p)  # noqa: E731
    grid = list(itertools.product([0.1, 3.0, 1e4], [1e-5, 0.4, 0.99]))
    check.log_prob(make, _negative_binomial, grid, [0.0, 1.0, 7.0, 5000.0])
    by_logits = lambda r, t: NegativeBinomial(r, logits=t)  # noqa: E731
    oracle = lambda r, t, k: _negative_binomial(r, special.expit(t), k)  # noqa: E731
    check.log_prob(by_logits, oracle, [(0.1, -3.0), (3.0, 2.0)], [0.0, 1.0, 7.0, 5000.0])


def test_geometric_log_prob_equals_closed_form(check):
    oracle = lambda p, k: special.xlog1py(k, -p) + np.log(p)  # noqa: E731
    check.log_prob(Geometric, oracle, [(1e-6,), (0.3,), (0.999,)], [0.0, 1.0, 50.0])
    by_logits = lambda t: Geometric(logits=t)  # noqa: E731
    logistic = lambda t, k: -k * np.logaddexp(0, t) - np.logaddexp(0, -t)  # noqa: E731
    check.log_prob(by_logits, logistic, [(-30.0,), (0.3,), (40.0,)], [0.0, 1.0, 50.0])
    assert float(Geometric(1.0).log_prob(0)) == 0.0
    assert float(jax.grad(lambda p: Geometric(p).log_prob(0))(1.0)) == 1.0


def test_masses_sum_to_one(check):
    check.sums_to_one(Poisson(3.0), np.arange(60))
    check.sums_to_one(NegativeBinomial(2.5, probs=0.4), np.arange(120))
    check.sums_to_one(Geometric(0.3), np.arange(120))


def test_draws_and_moments(check):
    check.moments(Poisson(np.array([0.5, 80.0])), [0.5, 80.0], [0.5, 80.0])
    frozen = stats.nbinom(2.5, 0.6)
    check.moments(NegativeBinomial(2.5, probs=0.4), *frozen.stats())
    check.moments(NegativeBinomial(2.5, logits=special.logit(0.4)), *frozen.stats())
    check.moments(Geometric(0.3), 0.7 / 0.3, 0.7 / 0.09)
    check.moments(Geometric(logits=special.logit(0.3)), 0.7 / 0.3, 0.7 / 0.09)
    assert float(Geometric(0.3).entropy()) == pytest.approx(float(stats.geom(0.3).entropy()), rel=1e-5)


def test_distribution_functions_equal_scipy():
    counts = np.array([-1, 0, 1, 5])
    np.testing.assert_allclose(Poisson(2.0).cdf(counts), stats.poisson(2).cdf(counts), rtol=1e-5)
    np.testing.assert_allclose(Geometric(0.3).cdf(counts), stats.geom(0.3).cdf(counts + 1), rtol=1e-5)


def test_gradients_equal_finite_differences(check):
    counts = np.array([0, 2, 30])
    check.gradients(Poisson, [[0.5, 2.0, 40.0]], counts, of_value=False)
    check.gradients(lambda r, p: NegativeBinomial(r, probs=p), [2.5, [0.3, 0.4, 0.9]], counts, of_value=False)
    check.gradients(lambda r, t: NegativeBinomial(r, logits=t), [2.5, [-1.0, 0.4, 2.0]], counts, of_value=False)
    check.gradients(Geometric, [[0.3, 0.4, 0.9]], counts, of_value=False)


def test_shapes_and_transformations(check):
    check.behaves(Poisson(np.full((2, 3), 4.0)))
    check.behaves(NegativeBinomial(np.full(2, 4.0), probs=0.5))
    check.behaves(Geometric(np.full(2, 0.5)))
    assert Poisson(3.0).sample(jax.random.PRNGKey(0)).dtype == jnp.int32


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Poisson(-1.0), "rate", "Poisson")
    check.refuses(lambda: Poisson(1.0).log_prob(-1), "Poisson", "a whole number, 0 or more")
    check.refuses(lambda: Poisson(1.0).log_prob(1.5), "Poisson", "1.5")
    check.refuses(lambda: Geometric(1.5), "probs")
