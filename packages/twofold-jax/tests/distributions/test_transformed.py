"""Laws of transformed variables against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import (
    Gamma,
    LKJCholesky,
    LogNormal,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
    Uniform,
    constraints,
    transforms,
)
from twofold_jax.errors import SiteTypeError


def test_density_of_a_chain_equals_the_log_normal(x64):
    chain = [transforms.AffineTransform(0.5, 2.0), transforms.ExpTransform()]
    law = TransformedDistribution(Normal(0.0, 1.0), chain)
    values = np.array([0.1, 1.0, 30.0])
    np.testing.assert_allclose(law.log_prob(values), LogNormal(0.5, 2.0).log_prob(values), rtol=1e-10)
    np.testing.assert_allclose(law.cdf(values), LogNormal(0.5, 2.0).cdf(values), rtol=1e-10)
    np.testing.assert_allclose(
        law.icdf(np.array([0.1, 0.9])), LogNormal(0.5, 2.0).icdf(np.array([0.1, 0.9])), rtol=1e-9
    )
    assert law.support == constraints.positive


def test_a_decreasing_transform_mirrors_the_distribution_function(x64):
    law = TransformedDistribution(Gamma(2.0, 1.0), transforms.AffineTransform(0.0, -1.0, constraints.positive))
    np.testing.assert_allclose(law.cdf(-1.5), stats.gamma(2).sf(1.5), rtol=1e-9)


def test_intermediates_spare_the_inverse(key):
    class OneWay(transforms.Transform):
        def __call__(self, x):
            return x**3

        def log_abs_det_jacobian(self, x, y, intermediates=None):
            return jnp.log(3 * x**2)

    law = TransformedDistribution(Normal(0.0, 1.0), OneWay())
    value, intermediates = law.sample_with_intermediates(key)
    x = np.cbrt(float(value))
    assert float(law.log_prob(value, intermediates)) == pytest.approx(
        stats.norm.logpdf(x) - np.log(3 * x * x), rel=1e-4
    )
    with pytest.raises(NotImplementedError, match="inverse"):
        law.log_prob(value)


def test_event_dims_follow_the_transforms(key):
    law = TransformedDistribution(Normal(np.zeros((5, 3)), 1.0), transforms.StickBreakingTransform())
    assert (law.batch_shape, law.event_shape) == ((5,), (4,))
    assert law.log_prob(law.sample(key, (2,))).shape == (2, 5)
    matrix = TransformedDistribution(Normal(np.zeros(6), 1.0), transforms.LowerCholeskyTransform())
    assert (matrix.batch_shape, matrix.event_shape) == ((), (3, 3))
    rows = TransformedDistribution(MultivariateNormal(np.zeros(3), np.eye(3)), transforms.ExpTransform())
    assert (rows.batch_shape, rows.event_shape) == ((), (3,))
    assert rows.support.event_dim == 1
    assert rows.log_prob(rows.sample(key)).shape == ()


def test_parameters_of_a_transform_widen_the_batch(key):
    law = TransformedDistribution(Normal(0.0, 1.0), transforms.AffineTransform(np.zeros(3), 2.0))
    assert law.batch_shape == (3,)
    assert np.unique(np.asarray(law.sample(key))).size == 3


def test_affine_vector_law_equals_multivariate_normal(x64):
    tril = np.array([[1.5, 0.0], [0.4, 0.7]])
    base = Normal(np.zeros(2), 1.0).to_event(1)
    law = TransformedDistribution(base, transforms.LowerCholeskyAffine(np.array([1.0, 2.0]), tril))
    value = np.array([[0.3, 0.1], [5.0, -1.0]])
    expected = stats.multivariate_normal([1.0, 2.0], tril @ tril.T).logpdf(value)
    np.testing.assert_allclose(law.log_prob(value), expected, rtol=1e-9)


def test_correlation_matrices_by_transform(key, x64):
    law = TransformedDistribution(LKJCholesky(3, 1.0), transforms.CorrMatrixCholeskyTransform().inv)
    value = law.sample(key)
    assert bool(constraints.corr_matrix(value))
    # Uniform over correlation matrices of side 3, whose volume is pi**2 / 2.
    assert float(law.log_prob(value)) == pytest.approx(-np.log(np.pi**2 / 2), rel=1e-9)


def test_shapes_and_transformations(check):
    chain = [transforms.AffineTransform(1.0, np.array([2.0, 3.0])), transforms.ExpTransform()]
    check.behaves(TransformedDistribution(Normal(np.zeros((3, 1)), 1.0), chain))


def test_values_outside_the_support_are_refused():
    law = TransformedDistribution(Normal(0.0, 1.0), transforms.ExpTransform())
    with pytest.raises(ValueError, match="TransformedDistribution"):
        law.log_prob(-1.0)
    with pytest.raises(SiteTypeError, match="transforms"):
        TransformedDistribution(Normal(0.0, 1.0), jnp.exp)


def test_gradients_equal_finite_differences(check):
    def make(loc, scale):
        return TransformedDistribution(Uniform(0.0, 1.0), [transforms.AffineTransform(loc, scale)])

    logistic = lambda m, s: TransformedDistribution(  # noqa: E731
        Normal(m, s), [transforms.SigmoidTransform(), transforms.AffineTransform(-1.0, 2.0, constraints.unit_interval)]
    )
    check.gradients(logistic, [0.5, 2.0], [0.3, -0.7])
    assert jax.grad(lambda s: make(0.0, s).log_prob(0.5))(2.0) == -0.5
