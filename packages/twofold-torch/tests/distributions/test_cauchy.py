"""The Cauchy family against SciPy and mpmath."""

import itertools

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

from twofold_torch.distributions import Cauchy, HalfCauchy


def _exact(loc, scale, values):
    mpmath.mp.dps = 40
    return [float(-mpmath.log(mpmath.pi * scale * (1 + ((mpmath.mpf(float(x)) - loc) / scale) ** 2))) for x in values]


def test_cauchy_log_prob_equals_mpmath_where_the_square_overflows(check):
    grid = list(itertools.product([-3.0, 0.0], [1e-3, 1.0, 50.0]))
    check.log_prob(Cauchy, _exact, grid, [-1e35, -1e20, -1e9, -1.0, 0.0, 1e-30, 0.3, 1e8, 1e33])


def test_half_cauchy_log_prob_equals_mpmath_where_the_square_overflows(check):
    oracle = lambda scale, x: np.log(2) + np.asarray(_exact(0.0, scale, x))  # noqa: E731
    check.log_prob(HalfCauchy, oracle, [(1e-3,), (1.0,), (50.0,)], [0.0, 1e-30, 0.3, 1e8, 1e20, 1e33])


def test_densities_integrate_to_one(check):
    angle = lambda law, x: float(law.log_prob(torch.tensor(np.tan(x))).exp()) / np.cos(x) ** 2  # noqa: E731
    nodes, weights = np.polynomial.legendre.leggauss(40)
    total = sum(w * angle(Cauchy(0.5, 2.0), x * np.pi / 2) for x, w in zip(nodes, weights, strict=True)) * np.pi / 2
    assert total == pytest.approx(1, abs=1e-6)
    half = sum(w * angle(HalfCauchy(2.0), (x + 1) * np.pi / 4) for x, w in zip(nodes, weights, strict=True)) * np.pi / 4
    assert half == pytest.approx(1, abs=1e-6)


def test_draws_follow_their_distribution_functions(check):
    check.draws_follow(Cauchy(1.0, 2.0), stats.cauchy(1, 2).cdf)
    check.draws_follow(HalfCauchy(2.0), stats.halfcauchy(0, 2).cdf)


def test_gradients_equal_finite_differences(check):
    check.gradients(Cauchy, [0.3, 1.7], [0.2, 2.0, -30.0])
    check.gradients(HalfCauchy, [1.7], [0.2, 2.0, 30.0])
    check.reparameterised(Cauchy, [0.3, 1.7])
    check.reparameterised(HalfCauchy, [1.7])
    check.traceable(Cauchy, [0.3, 1.7], torch.tensor([0.2, 2.0], dtype=torch.float64))
    check.traceable(HalfCauchy, [1.7], torch.tensor([0.0, 2.0], dtype=torch.float64))


def test_gradient_far_out_is_finite_and_right():
    value = torch.tensor(1e30, requires_grad=True)
    Cauchy(torch.tensor(0.0), torch.tensor(1.0)).log_prob(value).backward()
    assert float(value.grad) == pytest.approx(-2e-30, rel=1e-5)


@pytest.mark.parametrize("law", [Cauchy(0.0, torch.ones(3)), HalfCauchy(1.0), HalfCauchy(torch.ones(2, 3))])
def test_shapes_of_the_cauchy_family(check, law):
    check.shapes(law)


def test_wrong_arguments_are_named(check):
    check.refuses(lambda: Cauchy(0.0, 0.0), "scale", "Cauchy")
    check.refuses(lambda: HalfCauchy(-1.0), "scale", "HalfCauchy", "-1")
