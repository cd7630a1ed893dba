"""The LKJ law against closed forms."""

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from twofold_jax.distributions import LKJCholesky
from twofold_jax.errors import ShapeError


@pytest.mark.parametrize("concentration", [0.5, 1.0, 4.0])
def test_density_of_a_single_correlation(concentration, x64):
    """With r the correlation, (r + 1) / 2 follows Beta(c, c); the factor's free entry is r itself."""
    r = np.array([-0.9, -0.2, 0.0, 0.7])
    factors = np.array([[[1.0, 0.0], [x, np.sqrt(1 - x * x)]] for x in r])
    expected = stats.beta(concentration, concentration, loc=-1, scale=2).logpdf(r)
    np.testing.assert_allclose(LKJCholesky(2, concentration).log_prob(factors), expected, rtol=1e-9)


def test_density_integrates_to_one_for_three_dims(x64):
    law = LKJCholesky(3, 1.7)

    def slice_(radius_squared, r):
        entries = [[1, 0, 0], [r, np.sqrt(1 - r * r), 0], [np.sqrt(radius_squared), 0, np.sqrt(1 - radius_squared)]]
        return float(np.exp(law.log_prob(np.array(entries))))

    # The density of the third row depends on its length alone: integrate over rings of area pi * d(radius**2).
    over_r = integrate.fixed_quad(lambda r: [slice_(0.0, x) for x in r], -1, 1, n=60)[0] / slice_(0.0, 0.0)
    over_ring = np.pi * integrate.fixed_quad(lambda s: [slice_(x, 0.0) for x in s], 0, 1, n=60)[0]
    assert over_r * over_ring == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("method", ["onion", "cvine"])
def test_each_correlation_of_draws_follows_its_marginal(method, key):
    factors = np.asarray(LKJCholesky(4, 1.5, method).sample(key, (2000,)), np.float64)
    correlation = factors @ factors.swapaxes(-2, -1)
    np.testing.assert_allclose(np.diagonal(correlation, axis1=-2, axis2=-1), 1, atol=1e-5)
    marginal = stats.beta(1.5 + 1, 1.5 + 1, loc=-1, scale=2)  # c - 1 + dimension / 2
    for i, j in zip(*np.tril_indices(4, -1), strict=True):
        assert stats.kstest(correlation[:, i, j], marginal.cdf).pvalue > 1e-6, (i, j)  # error rate


def test_shapes_gradients_and_errors(check):
    check.behaves(LKJCholesky(3, np.array([1.0, 2.0])))
    factor = np.linalg.cholesky(np.array([[1, 0.5, 0.2], [0.5, 1, -0.3], [0.2, -0.3, 1]]))
    check.gradients(lambda c: LKJCholesky(3, c), [[1.5]], factor, of_value=False)
    assert np.isfinite(jax.grad(lambda c: LKJCholesky(3, c).sample(jax.random.PRNGKey(0)).sum())(1.5))
    check.refuses(lambda: LKJCholesky(3, -1.0), "concentration")
    check.refuses(lambda: LKJCholesky(2, 1.0).log_prob(np.ones((2, 2))), "rows of length 1")
    with pytest.raises(ShapeError, match="at least 2"):
        LKJCholesky(1)
    with pytest.raises(ValueError, match="onion"):
        LKJCholesky(3, 1.0, "vine")
