"""The Normal family against SciPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import HalfNormal, LogNormal, Normal, kl_divergence

GRID = list(itertools.product([-3.0, 0.0, 1e3], [1e-3, 1.0, 50.0]))


def test_log_probs_equal_scipy_far_into_the_tails(check):
    check.log_prob(Normal, lambda m, s, x: stats.norm.logpdf(x, m, s), GRID, [-1e4, -1.5, 0.0, 7.0, 1e6])
    check.log_prob(
        HalfNormal, lambda s, x: stats.halfnorm.logpdf(x, scale=s), [(0.1,), (1.0,), (9.0,)], [0.0, 1.0, 1e3]
    )
    oracle = lambda m, s, x: stats.lognorm.logpdf(x, s, scale=np.exp(m))  # noqa: E731
    check.log_prob(LogNormal, oracle, [(-3.0, 0.1), (0.0, 1.0), (2.0, 5.0)], [1e-6, 0.3, 1.0, 1e5])


def test_quantiles_equal_scipy(check, x64):
    check.quantiles(Normal(1.5, 2.0), stats.norm(1.5, 2.0))
    check.quantiles(HalfNormal(2.0), stats.halfnorm(scale=2.0), inverse=False)
    check.quantiles(LogNormal(0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5)), rtol=1e-8)


def test_log_cdf_equals_scipy_in_the_lower_tail(x64):
    points = np.array([-40.0, -10.0, 0.0, 5.0])
    np.testing.assert_allclose(Normal(0.0, 1.0).log_cdf(points), stats.norm.logcdf(points), rtol=1e-9)


def test_densities_integrate_to_one(check):
    check.normalised(Normal(1.0, 2.0), np.linspace(-20, 22, 20))
    check.normalised(HalfNormal(2.0), np.linspace(0, 20, 10))
    check.normalised(LogNormal(0.0, 0.5), np.geomspace(1e-3, 1e2, 30))


def test_draws_follow_their_laws(check):
    check.draws_follow(Normal(1.0, 2.0), stats.norm(1, 2).cdf)
    check.draws_follow(HalfNormal(2.0), stats.halfnorm(scale=2).cdf)
    check.draws_follow(LogNormal(0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5)).cdf)
    check.moments(Normal(1.0, 2.0), 1.0, 4.0)
    check.moments(HalfNormal(2.0), *stats.halfnorm.stats(scale=2))
    check.moments(LogNormal(0.5, 0.7), *stats.lognorm.stats(0.7, scale=np.exp(0.5)))


@pytest.mark.parametrize(
    ("law", "frozen"),
    [
        (Normal(1.0, 2.0), stats.norm(1, 2)),
        (HalfNormal(2.0), stats.halfnorm(scale=2)),
        (LogNormal(0.5, 0.7), stats.lognorm(0.7, scale=np.exp(0.5))),
    ],
)
def test_entropies_equal_scipy(law, frozen):
    assert float(law.entropy()) == pytest.approx(float(frozen.entropy()), rel=1e-5)


def test_gradients_equal_finite_differences(check):
    check.gradients(Normal, [[0.5, 1.0], [2.0, 0.1]], [0.3, -1.0])
    check.gradients(HalfNormal, [2.0], [0.2, 2.0])
    check.gradients(LogNormal, [0.5, 2.0], [0.2, 2.0])


def test_draws_are_differentiable(check):
    check.reparameterised(Normal, [0.5, 2.0], lambda x, m, s: stats.norm.cdf(x, m, s))
    check.reparameterised(LogNormal, [0.5, 0.7], lambda x, m, s: stats.lognorm.cdf(x, s, scale=np.exp(m)))


def test_shapes_and_transformations(check):
    for law in (Normal(np.zeros((2, 1)), np.ones(3)), HalfNormal(np.ones(2)), LogNormal(np.zeros(2), 1.0)):
        check.behaves(law)


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Normal(0.0, -1.0), "scale", "Normal", "-1.0", "greater than 0")
    check.refuses(lambda: Normal(np.array([0.0, np.nan]), 1.0), "loc", "nan")
    check.refuses(lambda: Normal(np.zeros(3), np.ones(4)), "Normal", "(3,)", "(4,)")
    check.refuses(lambda: Normal(0.0, 1.0).log_prob(np.nan), "Normal", "nan")
    check.refuses(lambda: HalfNormal(1.0).log_prob(np.array([1.0, -2.0])), "HalfNormal", "-2.0 at [1]")
    assert Normal(0.0, -1.0, validate_args=False).scale == -1.0


def test_log_normal_is_a_transformed_normal(key):
    law = LogNormal(0.5, 2.0)
    value, intermediates = law.sample_with_intermediates(key, (3,))
    np.testing.assert_allclose(law.log_prob(value, intermediates), law.log_prob(value), rtol=1e-5)
    np.testing.assert_allclose(law.base_dist.log_prob(jnp.log(value)) - jnp.log(value), law.log_prob(value), rtol=1e-5)


def test_divergence_equals_its_integral(check, x64):
    for p, q in ((Normal(0.5, 1.5), Normal(-1.0, 0.8)), (LogNormal(0.5, 1.5), LogNormal(-1.0, 0.8))):
        draws = p.sample(jax.random.PRNGKey(0), (20000,))
        ratio = np.asarray(p.log_prob(draws) - q.log_prob(draws))
        error = abs(ratio.mean() - float(kl_divergence(p, q)))
        assert error < 5 * ratio.std() / np.sqrt(len(ratio))  # error rate 6e-7
    assert float(kl_divergence(Normal(1.0, 2.0), Normal(1.0, 2.0))) == 0.0
