"""The Exponential law against SciPy."""

import jax
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Exponential, kl_divergence


def test_log_prob_equals_scipy(check):
    oracle = lambda r, x: stats.expon.logpdf(x, scale=1 / r)  # noqa: E731
    check.log_prob(Exponential, oracle, [(1e-3,), (1.0,), (50.0,)], [0.0, 1e-8, 1.0, 1e4])


def test_quantiles_density_draws_and_moments(check):
    frozen = stats.expon(scale=0.5)
    check.quantiles(Exponential(2.0), frozen)
    check.normalised(Exponential(2.0), np.linspace(0, 20, 10))
    check.draws_follow(Exponential(2.0), frozen.cdf)
    check.moments(Exponential(2.0), *frozen.stats())
    check.gradients(Exponential, [[0.5, 2.0]], [0.3, 1.0])
    check.reparameterised(Exponential, [2.0], lambda x, r: stats.expon.cdf(x, scale=1 / r))
    assert float(Exponential(2.0).entropy()) == pytest.approx(float(frozen.entropy()), rel=1e-5)


def test_shapes_and_transformations(check):
    check.behaves(Exponential(np.ones((3, 2))))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Exponential(0.0), "rate", "Exponential")
    check.refuses(lambda: Exponential(1.0).log_prob(-1.0), "Exponential", "-1.0", "0 or more")


def test_divergence_equals_mean_log_ratio(x64):
    p, q = Exponential(2.0), Exponential(0.7)
    expected = np.log(2.0 / 0.7) + 0.7 / 2.0 - 1
    assert float(kl_divergence(p, q)) == pytest.approx(expected)
    assert float(jax.grad(lambda r: kl_divergence(p, Exponential(r)))(2.0)) == pytest.approx(0.0, abs=1e-12)
