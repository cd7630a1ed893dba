"""The Uniform law against SciPy."""

import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import Uniform, biject_to


def test_log_prob_equals_scipy(check):
    oracle = lambda a, b, x: stats.uniform.logpdf(x, a, b - a)  # noqa: E731
    check.log_prob(Uniform, oracle, [(-1.0, 2.0), (-5.0, 50.0)], [-0.5, 0.0, 1.5])


def test_density_is_zero_outside(check):
    law = Uniform(0.0, 1.0, validate_args=False)
    np.testing.assert_array_equal(law.log_prob(np.array([-0.1, 0.0, 1.0, 1.1])), [-np.inf, 0.0, 0.0, -np.inf])


def test_quantiles_draws_and_moments(check):
    frozen = stats.uniform(-1.0, 3.0)
    check.quantiles(Uniform(-1.0, 2.0), frozen, rtol=1e-4)
    check.draws_follow(Uniform(-1.0, 2.0), frozen.cdf)
    check.moments(Uniform(-1.0, 2.0), *frozen.stats())
    check.gradients(Uniform, [-1.0, 2.0], [0.3, 1.0])
    check.reparameterised(Uniform, [-1.0, 2.0], lambda x, a, b: stats.uniform.cdf(x, a, b - a))
    assert float(Uniform(-1.0, 2.0).entropy()) == pytest.approx(np.log(3), rel=1e-5)


def test_shapes_and_transformations(check):
    check.behaves(Uniform(np.zeros((2, 1)), np.ones(3)))


def test_support_follows_the_arguments():
    law = Uniform(np.array([0.0, 10.0]), np.array([1.0, 20.0]))
    transform = biject_to(law.support)
    np.testing.assert_allclose(transform(np.zeros(2)), [0.5, 15.0])
    np.testing.assert_array_equal(law.support(np.array([0.5, 0.5])), [True, False])


def test_wrong_arguments_and_values_are_refused(check):
    check.refuses(lambda: Uniform(2.0, 1.0), "high", "low 2.0", "Uniform")
    check.refuses(lambda: Uniform(0.0, 1.0).log_prob(2.0), "Uniform", "2.0", "between 0 and 1")
