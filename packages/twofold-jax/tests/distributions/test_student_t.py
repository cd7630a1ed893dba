"""Student's t against SciPy and mpmath."""

import itertools

import mpmath
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import StudentT

mpmath.mp.dps = 50


@np.vectorize
def _log_density(df, loc, scale, x):
    df, loc, scale, x = map(mpmath.mpf, (df, loc, scale, x))
    z = (x - loc) / scale
    peak = mpmath.loggamma((df + 1) / 2) - mpmath.loggamma(df / 2) - mpmath.log(df * mpmath.pi) / 2 - mpmath.log(scale)
    return float(peak - (df + 1) / 2 * mpmath.log1p(z**2 / df))


def test_log_prob_equals_mpmath_for_few_and_many_degrees_of_freedom(check):
    grid = list(itertools.product([0.1, 1.0, 7.0, 25.0, 1e6], [-1.0, 3.0], [0.01, 2.0]))
    check.log_prob(StudentT, _log_density, grid, [-1e5, -1.0, 0.0, 2.5, 1e4])
    check.log_prob(StudentT, _log_density, [(3.0, 0.0, 1e-3)], [1e30])


def test_quantiles_equal_scipy(check):
    check.quantiles(StudentT(4.5, 1.5, 2.0), stats.t(4.5, 1.5, 2.0), inverse=False)


def test_density_integrates_to_one(check):
    tail = np.geomspace(0.1, 1e7, 60)
    check.normalised(StudentT(3.0, 0.0, 1.0), [*-tail[::-1], *tail])


def test_draws_follow_their_law(check):
    check.draws_follow(StudentT(4.5, 1.5, 2.0), stats.t(4.5, 1.5, 2.0).cdf)
    check.draws_follow(StudentT(0.3), stats.t(0.3).cdf)
    check.moments(StudentT(5.0, 1.5, 2.0), *stats.t(5.0, 1.5, 2.0).stats())


def test_gradients_equal_finite_differences(check):
    check.gradients(StudentT, [[3.0, 60.0], 0.5, 2.0], [0.3, -1.0])


def test_draws_are_differentiable_in_expectation():
    import jax
    import jax.numpy as jnp

    def spread(df):
        return jnp.abs(StudentT(df).rsample(jax.random.PRNGKey(0), (20000,))).mean()

    mean_abs = lambda df: float(  # noqa: E731
        2 * mpmath.sqrt(df) / (df - 1) / mpmath.beta(mpmath.mpf(df) / 2, mpmath.mpf(1) / 2)
    )
    expected = (mean_abs(6.01) - mean_abs(5.99)) / 0.02
    assert float(jax.grad(spread)(6.0)) == pytest.approx(expected, abs=0.004)  # 5 standard errors


def test_moments_and_entropy(check):
    assert np.isnan(StudentT(0.5).mean)
    assert np.isinf(StudentT(1.5).variance)
    assert float(StudentT(4.5, 0.0, 2.0).entropy()) == pytest.approx(float(stats.t(4.5, 0, 2).entropy()), rel=1e-5)


def test_shapes_and_transformations(check):
    check.behaves(StudentT(np.full((2, 1), 4.0), 0.0, np.ones(3)))


def test_wrong_arguments_are_refused(check):
    check.refuses(lambda: StudentT(0.0), "df", "StudentT", "greater than 0")
