"""The Normal laws of vectors against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import LowRankMultivariateNormal, MultivariateNormal, Normal, kl_divergence
from twofold_jax.errors import ShapeError

LOC = np.array([0.5, -1.0, 2.0])
TRIL = np.array([[1.5, 0.0, 0.0], [0.4, 0.7, 0.0], [-0.3, 0.2, 2.0]])
COV = TRIL @ TRIL.T
MATRICES = {"covariance_matrix": COV, "precision_matrix": np.linalg.inv(COV), "scale_tril": TRIL}
FACTOR, DIAG = np.array([[1.0, 0.2], [0.5, -0.3], [0.0, 2.0]]), np.array([0.5, 1.0, 2.0])
LOW_COV = FACTOR @ FACTOR.T + np.diag(DIAG)


@pytest.mark.parametrize("name", MATRICES)
def test_log_prob_equals_scipy_by_every_matrix(name, x64):
    law = MultivariateNormal(LOC, **{name: MATRICES[name]})
    values = np.array([[0.0, 0.0, 0.0], [30.0, -20.0, 5.0]])
    expected = stats.multivariate_normal(LOC, COV).logpdf(values)
    np.testing.assert_allclose(law.log_prob(values), expected, rtol=1e-9)
    np.testing.assert_allclose(law.covariance_matrix, COV, rtol=1e-9)
    np.testing.assert_allclose(law.scale_tril, TRIL, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(law.precision_matrix, np.linalg.inv(COV), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(law.variance, np.diag(COV), rtol=1e-9)
    assert float(law.entropy()) == pytest.approx(stats.multivariate_normal(LOC, COV).entropy())


def test_batches_of_locations_and_factors_broadcast(x64):
    locs, factors = np.stack([LOC, -LOC])[:, None], np.stack([TRIL, 2 * TRIL, np.eye(3)])
    law = MultivariateNormal(locs, scale_tril=factors)
    assert (law.batch_shape, law.event_shape) == ((2, 3), (3,))
    value = np.array([0.1, 0.2, 0.3])
    expected = [[stats.multivariate_normal(m[0], f @ f.T).logpdf(value) for f in factors] for m in locs]
    np.testing.assert_allclose(law.log_prob(value), expected, rtol=1e-9)


def test_scalar_location_serves_all_entries():
    law = MultivariateNormal(covariance_matrix=COV)
    assert law.event_shape == (3,)
    np.testing.assert_array_equal(law.mean, np.zeros(3))
    expected = stats.multivariate_normal(np.zeros(3), COV).logpdf(LOC)
    assert float(law.log_prob(LOC)) == pytest.approx(expected, rel=1e-5)


def test_low_rank_equals_scipy(x64):
    law = LowRankMultivariateNormal(LOC, FACTOR, DIAG)
    values = np.array([[0.0, 0.0, 0.0], [30.0, -20.0, 5.0]])
    oracle = stats.multivariate_normal(LOC, LOW_COV)
    np.testing.assert_allclose(law.log_prob(values), oracle.logpdf(values), rtol=1e-9)
    np.testing.assert_allclose(law.covariance_matrix, LOW_COV, rtol=1e-9)
    np.testing.assert_allclose(law.variance, np.diag(LOW_COV), rtol=1e-9)
    assert float(law.entropy()) == pytest.approx(oracle.entropy())


@pytest.mark.parametrize(
    ("law", "covariance"),
    [
        (MultivariateNormal(LOC, scale_tril=TRIL), COV),
        (MultivariateNormal(LOC, precision_matrix=np.linalg.inv(COV)), COV),
        (LowRankMultivariateNormal(LOC, FACTOR, DIAG), LOW_COV),
    ],
)
def test_draws_are_white_after_whitening(check, key, law, covariance):
    check.moments(law, LOC, np.diag(covariance))
    draws = np.asarray(law.sample(key, (4000,)), np.float64)
    white = np.linalg.solve(np.linalg.cholesky(covariance), (draws - LOC).T)
    squares = (white**2).sum(0)
    assert stats.kstest(squares, stats.chi2(3).cdf).pvalue > 1e-6  # error rate
    np.testing.assert_allclose(np.cov(white), np.eye(3), atol=0.12)  # 5 standard errors


def test_gradients_equal_finite_differences(check):
    value = [[0.1, 0.2, 0.3]]
    check.gradients(lambda m, f: MultivariateNormal(m, scale_tril=jnp.tril(f)), [LOC, TRIL], value)
    symmetric = lambda c: 0.5 * (c + c.T)  # noqa: E731
    check.gradients(lambda c: MultivariateNormal(LOC, covariance_matrix=symmetric(c)), [COV], value)
    check.gradients(lambda c: MultivariateNormal(LOC, precision_matrix=symmetric(c)), [COV], value)
    check.gradients(LowRankMultivariateNormal, [LOC, FACTOR, DIAG], value)


def test_shapes_and_transformations(check):
    check.behaves(MultivariateNormal(np.zeros((2, 3)), scale_tril=TRIL))
    check.behaves(MultivariateNormal(np.zeros(3), precision_matrix=COV))
    check.behaves(LowRankMultivariateNormal(np.zeros((2, 3)), FACTOR, DIAG))


def test_a_law_made_outside_a_trace_can_be_used_inside():
    law = MultivariateNormal(LOC, covariance_matrix=COV)
    score = jax.jit(law.log_prob)
    first = float(score(jnp.zeros(3)))
    assert first == pytest.approx(float(law.log_prob(jnp.zeros(3))), rel=1e-5)  # no tracer was kept


def test_wrong_arguments_are_refused(check):
    check.refuses(lambda: MultivariateNormal(LOC), "exactly one")
    check.refuses(lambda: MultivariateNormal(LOC, COV, scale_tril=TRIL), "exactly one", "covariance_matrix, scale_tril")
    check.refuses(lambda: MultivariateNormal(LOC, -COV), "covariance_matrix", "positive definite")
    check.refuses(lambda: MultivariateNormal(LOC, scale_tril=COV), "scale_tril", "lower triangular")
    with pytest.raises(ShapeError, match="do not fit"):
        MultivariateNormal(np.zeros(2), scale_tril=TRIL)
    with pytest.raises(ShapeError, match="do not fit"):
        LowRankMultivariateNormal(np.zeros(2), FACTOR, DIAG)


def test_divergences_equal_the_closed_form(x64):
    other = np.diag([1.0, 2.0, 3.0])
    inverse = np.linalg.inv(other)
    logs = np.log(np.linalg.det(other) / np.linalg.det(COV))
    expected = 0.5 * (np.trace(inverse @ COV) + LOC @ inverse @ LOC - 3 + logs)
    p, q = MultivariateNormal(LOC, COV), MultivariateNormal(np.zeros(3), other)
    assert float(kl_divergence(p, q)) == pytest.approx(expected)
    diagonal = Normal(np.zeros(3), np.sqrt([1.0, 2.0, 3.0])).to_event(1)
    assert float(kl_divergence(diagonal, p)) == pytest.approx(float(kl_divergence(q, p)))
