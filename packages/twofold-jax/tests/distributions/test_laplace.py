"""The Laplace law against SciPy."""

import itertools

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from twofold_jax.distributions import Laplace, kl_divergence


def test_log_prob_equals_closed_form(check):
    grid = list(itertools.product([-3.0, 0.0], [1e-3, 1.0, 50.0]))
    check.log_prob(Laplace, lambda m, s, x: -abs(x - m) / s - np.log(2 * s), grid, [-1e4, -1.5, 0.0, 1e6])


def test_quantiles_density_draws_and_moments(check):
    frozen = stats.laplace(1.0, 2.0)
    check.quantiles(Laplace(1.0, 2.0), frozen)
    check.normalised(Laplace(1.0, 2.0), [*np.linspace(-80, 1, 20), *np.linspace(1, 82, 20)[1:]])
    check.draws_follow(Laplace(1.0, 2.0), frozen.cdf)
    check.moments(Laplace(1.0, 2.0), *frozen.stats())
    check.gradients(Laplace, [0.5, 2.0], [0.3, -1.0])
    check.reparameterised(Laplace, [0.5, 2.0], lambda x, m, s: stats.laplace.cdf(x, m, s))
    assert float(Laplace(1.0, 2.0).entropy()) == pytest.approx(float(frozen.entropy()), rel=1e-5)


def test_gradient_at_the_kink_is_finite():
    assert np.isfinite(jax.grad(lambda x: Laplace(0.0, 1.0).log_prob(x))(0.0))


def test_shapes_and_transformations(check):
    check.behaves(Laplace(np.zeros((2, 1)), np.ones(3)))


def test_divergence_equals_its_integral(x64):
    p, q = stats.laplace(0.5, 1.5), stats.laplace(-1.0, 0.8)
    ratio = lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x))  # noqa: E731
    expected = sum(integrate.quad(ratio, *ends)[0] for ends in ((-60, -1), (-1, 0.5), (0.5, 60)))
    assert float(kl_divergence(Laplace(0.5, 1.5), Laplace(-1.0, 0.8))) == pytest.approx(expected, rel=1e-7)
