"""The Gamma family against mpmath and SciPy."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Chi2, Gamma, InverseGamma, kl_divergence

mpmath.mp.dps = 50


@np.vectorize
def _gamma(a, b, x):
    a, b, x = map(mpmath.mpf, (a, b, x))
    return float(a * mpmath.log(b) - mpmath.loggamma(a) + (a - 1) * mpmath.log(x) - b * x)


def test_log_prob_equals_mpmath_for_small_and_large_concentrations(check):
    grid = list(itertools.product([1e-6, 0.3, 1.0, 7.0, 12.0, 1e3], [1e-3, 1.0, 50.0]))
    check.log_prob(Gamma, _gamma, grid, [1e-30, 1e-3, 0.3, 5.0, 1e3], narrow=5e-6)


def test_log_prob_stays_precise_in_single_precision_near_the_mode_of_a_large_concentration(check):
    check.log_prob(Gamma, _gamma, [(1e6, 1.0)], [0.998e6, 1e6, 1.002e6], narrow=2e-5, rtol=1e-9)


def test_inverse_gamma_and_chi2_equal_scipy(check):
    grid = list(itertools.product([0.3, 1.0, 7.0], [0.01, 1.0, 50.0]))
    check.log_prob(InverseGamma, lambda a, b, x: stats.invgamma.logpdf(x, a, scale=b), grid, [1e-3, 0.3, 5.0, 1e6])
    check.log_prob(Chi2, lambda df, x: stats.chi2.logpdf(x, df), [(0.5,), (3.0,), (40.0,)], [1e-3, 0.3, 5.0, 100.0])


def test_quantiles_equal_scipy(check):
    check.quantiles(Gamma(2.5, 1.5), stats.gamma(2.5, scale=1 / 1.5), inverse=False)
    check.quantiles(InverseGamma(3.0, 2.0), stats.invgamma(3, scale=2), inverse=False)
    check.quantiles(Chi2(3.0), stats.chi2(3), inverse=False)


def test_densities_integrate_to_one(check):
    check.normalised(Gamma(2.5, 1.5), [0.0, *np.geomspace(1e-6, 60, 40)])
    check.normalised(InverseGamma(3.0, 2.0), np.geomspace(1e-2, 1e5, 60))


def test_draws_follow_their_laws(check):
    check.draws_follow(Gamma(2.5, 1.5), stats.gamma(2.5, scale=1 / 1.5).cdf)
    check.draws_follow(Gamma(0.2, 1.5), stats.gamma(0.2, scale=1 / 1.5).cdf)
    check.draws_follow(InverseGamma(3.0, 2.0), stats.invgamma(3, scale=2).cdf)
    check.draws_follow(Chi2(3.0), stats.chi2(3).cdf)
    check.moments(Gamma(2.5, 1.5), 2.5 / 1.5, 2.5 / 1.5**2)
    check.moments(InverseGamma(6.0, 2.0), *stats.invgamma(6, scale=2).stats())


def test_draws_of_tiny_concentrations_stay_in_the_support(key):
    for law in (Gamma(1e-4, 1.0), InverseGamma(1e-4, 1.0)):
        draws = law.sample(key, (100,))
        assert np.isfinite(law.log_prob(draws)).all()


def test_gradients_equal_finite_differences(check):
    check.gradients(Gamma, [[0.3, 2.5, 30.0], 1.7], [0.2, 2.0, 20.0])
    check.gradients(InverseGamma, [2.5, 1.7], [0.2, 2.0])


def test_draws_are_differentiable(check):
    check.reparameterised(Gamma, [2.5, 1.7], lambda x, a, b: stats.gamma.cdf(x, a, scale=1 / b))
    check.reparameterised(InverseGamma, [2.5, 1.7], lambda x, a, b: stats.invgamma.cdf(x, a, scale=b))


def test_entropies_equal_scipy():
    assert float(Gamma(2.5, 1.5).entropy()) == pytest.approx(float(stats.gamma(2.5, scale=1 / 1.5).entropy()), rel=1e-5)
    assert float(InverseGamma(2.5, 1.5).entropy()) == pytest.approx(
        float(stats.invgamma(2.5, scale=1.5).entropy()), rel=1e-5
    )


def test_shapes_and_transformations(check):
    check.behaves(Gamma(np.full((2, 1), 2.0), np.ones(3)))
    check.behaves(InverseGamma(np.full(2, 2.0), 1.0))
    check.behaves(Chi2(np.full(2, 3.0)))


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Gamma(-1.0, 1.0), "concentration", "Gamma")
    check.refuses(lambda: Chi2(0.0), "df", "Chi2")
    check.refuses(lambda: Gamma(1.0, 1.0).log_prob(-0.5), "Gamma", "-0.5")


def test_divergence_equals_mean_log_ratio(x64):
    p, q = Gamma(2.5, 1.5), Gamma(3.5, 0.7)
    draws = p.sample(jax.random.PRNGKey(0), (20000,))
    ratio = np.asarray(p.log_prob(draws) - q.log_prob(draws))
    assert abs(ratio.mean() - float(kl_divergence(p, q))) < 5 * ratio.std() / np.sqrt(len(ratio))  # error rate 6e-7
    assert jnp.allclose(kl_divergence(InverseGamma(2.5, 1.5), InverseGamma(3.5, 0.7)), kl_divergence(p, q))
