"""The multivariate normal laws against SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import MultivariateNormal
from twofold_torch.errors import ShapeError

RNG = np.random.default_rng(1)
FACTOR = RNG.normal(size=(3, 3))
COVARIANCE = FACTOR @ FACTOR.T + np.eye(3)
MEAN = RNG.normal(size=3)
VALUES = RNG.normal(size=(5, 3)) * 3
EXPECTED = stats.multivariate_normal(MEAN, COVARIANCE).logpdf(VALUES)

FORMS = {
    "covariance_matrix": torch.tensor(COVARIANCE),
    "precision_matrix": torch.tensor(np.linalg.inv(COVARIANCE)),
    "scale_tril": torch.tensor(np.linalg.cholesky(COVARIANCE)),
}


@pytest.mark.parametrize("form", FORMS)
def test_log_prob_equals_scipy_in_all_three_forms(form):
    law = MultivariateNormal(torch.tensor(MEAN), **{form: FORMS[form]})
    np.testing.assert_allclose(law.log_prob(torch.tensor(VALUES)).numpy(), EXPECTED, rtol=1e-10)
    for other, matrix in FORMS.items():
        np.testing.assert_allclose(getattr(law, other).numpy(), matrix.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_batches_of_means_and_matrices_broadcast(form):
    matrices = torch.stack([FORMS[form], FORMS[form]]).unsqueeze(1)
    law = MultivariateNormal(torch.tensor(VALUES), **{form: matrices})
    assert law.batch_shape == (2, 5)
    np.testing.assert_allclose(law.log_prob(torch.tensor(MEAN)).numpy(), np.stack([EXPECTED, EXPECTED]), rtol=1e-10)


def test_number_or_short_loc_broadcasts_to_the_matrix():
    law = MultivariateNormal(0.0, torch.eye(3))
    assert (law.batch_shape, law.event_shape) == ((), (3,))


def test_draws_have_the_right_moments(check):
    for form, matrix in FORMS.items():
        check.moments(MultivariateNormal(torch.tensor(MEAN), **{form: matrix}), MEAN, np.diag(COVARIANCE))
    draws = MultivariateNormal(torch.tensor(MEAN), FORMS["covariance_matrix"]).sample((5000,))
    np.testing.assert_allclose(np.cov(draws.numpy().T), COVARIANCE, atol=1.0)


def test_gradients_equal_finite_differences(check):
    values = torch.tensor(VALUES[:2])
    tril = FORMS["scale_tril"].tolist()
    make = lambda loc, matrix: MultivariateNormal(loc, scale_tril=matrix.tril())  # noqa: E731
    check.gradients(make, [MEAN.tolist(), tril], values.tolist())
    check.traceable(make, [MEAN.tolist(), tril], values)
    check.traceable(lambda loc: MultivariateNormal(loc, FORMS["covariance_matrix"]), [MEAN.tolist()], values)
    check.reparameterised(make, [MEAN.tolist(), tril])


@pytest.mark.parametrize(
    "law",
    [
        MultivariateNormal(torch.zeros(3), torch.eye(3)),
        MultivariateNormal(torch.zeros(2, 3), scale_tril=torch.eye(3)),
        MultivariateNormal(torch.zeros(3), precision_matrix=torch.eye(3).expand(2, 3, 3)),
    ],
)
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    bad = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    check.refuses(lambda: MultivariateNormal(torch.zeros(2), bad), "covariance_matrix", "not positive definite")
    check.refuses(lambda: MultivariateNormal(torch.zeros(2), torch.tensor([[2.0, 1.0], [0.0, 2.0]])), "not symmetric")
    check.refuses(lambda: MultivariateNormal(torch.zeros(2), precision_matrix=bad), "precision_matrix")
    check.refuses(lambda: MultivariateNormal(torch.zeros(2), scale_tril=bad), "scale_tril", "lower triangular")
    check.refuses(lambda: MultivariateNormal(torch.full((2,), torch.nan), torch.eye(2)), "loc")
    check.refuses(lambda: MultivariateNormal(torch.zeros(2)), "exactly one")
    with pytest.raises(ShapeError, match="do not fit"):
        MultivariateNormal(torch.zeros(2), torch.eye(3))
