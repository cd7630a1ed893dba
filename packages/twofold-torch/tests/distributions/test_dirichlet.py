"""The Dirichlet law against SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Dirichlet
from twofold_torch.errors import ShapeError


@pytest.mark.parametrize("concentration", [[1.0, 1.0, 1.0], [0.1, 2.0, 30.0], [1e3, 2e3, 3e3]])
def test_log_prob_equals_scipy(concentration):
    rng = np.random.default_rng(0)
    values = rng.dirichlet([1, 1, 1], size=6)
    law = Dirichlet(torch.tensor(concentration, dtype=torch.float64))
    expected = [stats.dirichlet(concentration).logpdf(v) for v in values]
    np.testing.assert_allclose(law.log_prob(torch.tensor(values)).numpy(), expected, rtol=1e-9)


def test_log_prob_and_gradient_are_finite_at_the_edge_of_a_flat_law():
    concentration = torch.ones(3, requires_grad=True)
    log_prob = Dirichlet(concentration).log_prob(torch.tensor([0.0, 0.5, 0.5]))
    log_prob.backward()
    assert float(log_prob.detach()) == pytest.approx(np.log(2))
    assert bool(concentration.grad.isfinite().all())


def test_draws_have_the_right_moments(check):
    reference = stats.dirichlet([0.5, 2.0, 3.0])
    check.moments(Dirichlet(torch.tensor([0.5, 2.0, 3.0])), reference.mean(), reference.var())


def test_gradients_equal_finite_differences(check):
    values = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], dtype=torch.float64)
    check.traceable(Dirichlet, [[0.5, 2.0, 3.0]], values)
    check.gradients(lambda a: Dirichlet(a, validate_args=False), [[0.5, 2.0, 3.0]], values.tolist())
    check.reparameterised(Dirichlet, [[0.5, 2.0, 3.0]])


def test_long_vectors_in_single_precision_stay_in_the_support():
    law = Dirichlet(torch.ones(20_000))
    assert bool(law.log_prob(law.sample()).isfinite())


@pytest.mark.parametrize("law", [Dirichlet(torch.ones(3)), Dirichlet(torch.ones(2, 4, 3))])
def test_shapes(check, law):
    check.shapes(law)


def test_wrong_arguments_and_values_are_named(check):
    check.refuses(lambda: Dirichlet(torch.tensor([1.0, -1.0])), "concentration", "Dirichlet", "-1 at 1")
    check.refuses(lambda: Dirichlet(torch.ones(2)).log_prob(torch.tensor([0.5, 0.6])), "sum to 1")
    with pytest.raises(ShapeError, match="no dim"):
        Dirichlet(torch.tensor(1.0))
