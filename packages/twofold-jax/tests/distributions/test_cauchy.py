"""The Cauchy law and its half against SciPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Cauchy, HalfCauchy


def _far(x, loc, scale):
    z = np.abs((x - loc) / scale)
    square = np.where(z > 1e100, 2 * np.log(np.maximum(z, 1)), np.log1p(np.minimum(z, 1e100) ** 2))
    return -np.log(np.pi * scale) - square


def test_log_probs_equal_closed_form_where_the_square_overflows(check):
    grid = list(itertools.product([-3.0, 0.0], [1e-3, 1.0, 50.0]))
    check.log_prob(Cauchy, lambda m, s, x: _far(x, m, s), grid, [-1e30, -1.5, 0.0, 7.0, 1e8, 3e34])
    half = lambda s, x: _far(x, 0.0, s) + np.log(2)  # noqa: E731
    check.log_prob(HalfCauchy, half, [(1e-3,), (1.0,), (25.0,)], [0.0, 1e-8, 1.0, 1e8, 1e30, 3e34])


def test_quantiles_equal_scipy(check):
    check.quantiles(Cauchy(1.5, 2.0), stats.cauchy(1.5, 2.0))
    check.quantiles(HalfCauchy(2.0), stats.halfcauchy(scale=2.0))


def test_densities_integrate_to_one(check):
    check.normalised(HalfCauchy(1.0), [0.0, *np.geomspace(1e-2, 1e10, 60)])


def test_draws_follow_their_laws(check):
    check.draws_follow(Cauchy(1.0, 2.0), stats.cauchy(1, 2).cdf)
    check.draws_follow(HalfCauchy(2.0), stats.halfcauchy(scale=2).cdf)


def test_gradients_equal_finite_differences(check):
    check.gradients(Cauchy, [0.5, 2.0], [0.3, -1.0])
    check.gradients(HalfCauchy, [2.0], [0.2, 2.0])
    check.reparameterised(HalfCauchy, [2.0], lambda x, s: stats.halfcauchy.cdf(x, scale=s))


def test_gradients_are_finite_far_out():
    slopes = jax.grad(lambda x, s: HalfCauchy(s).log_prob(x), argnums=(0, 1))(1e30, 1e-3)
    assert jnp.isfinite(jnp.array(slopes)).all()
    assert float(slopes[1]) == pytest.approx(1e3, rel=1e-5)  # the tail is proportional to the scale


def test_moments_do_not_exist():
    assert np.isnan(Cauchy(0.0, 1.0).mean)
    assert np.isinf(HalfCauchy(1.0).mean)


def test_shapes_and_transformations(check):
    check.behaves(Cauchy(np.zeros((2, 1)), np.ones(3)))
    check.behaves(HalfCauchy(np.ones(2)))
    assert float(Cauchy(0.0, 2.0).entropy()) == pytest.approx(float(stats.cauchy(0, 2).entropy()), rel=1e-5)
    assert float(HalfCauchy(2.0).entropy()) == pytest.approx(np.log(4 * np.pi), rel=1e-5)


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Cauchy(np.nan, 1.0), "loc", "Cauchy")
    check.refuses(lambda: HalfCauchy(1.0).log_prob(-1.0), "HalfCauchy", "-1.0")
