"""Special functions against mpmath, for numbers and tensors."""

import math

import mpmath
import numpy as np
import pytest
import torch

from twofold_torch.ops import special

mpmath.mp.dps = 50


@pytest.mark.parametrize("x", [1e-10, 0.3, 1.0, 20.0, 2999.0, 3001.0, 1e12, 1e100])
def test_log_gamma_half_step_equals_mpmath(x):
    with mpmath.workdps(150):  # 103 digits cancel at 1e100
        exact = float(mpmath.loggamma(mpmath.mpf(x) + mpmath.mpf(1) / 2) - mpmath.loggamma(mpmath.mpf(x)))
    assert special.log_gamma_half_step(x) == pytest.approx(exact, rel=2e-12)
    seen = special.log_gamma_half_step(torch.tensor(x, dtype=torch.float64))
    assert float(seen) == pytest.approx(exact, rel=2e-12)


def test_log_gamma_half_step_has_the_slope_of_the_digamma_difference():
    x = torch.tensor([1e-3, 0.5, 2999.0, 3001.0, 1e6], dtype=torch.float64, requires_grad=True)
    special.log_gamma_half_step(x).sum().backward()
    at = x.detach()
    expected = (at + 0.5).digamma() - at.digamma()
    torch.testing.assert_close(x.grad, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("x", [0.0, 1e-20, 1e-3, 1.0, 1e7, 1e9, 1e150])
def test_log1p_square_equals_mpmath(x):
    exact = float(mpmath.log1p(mpmath.mpf(x) ** 2))
    assert float(special.log1p_square(torch.tensor(-x, dtype=torch.float64))) == pytest.approx(exact, rel=1e-14)


def test_log1p_square_has_finite_gradient_everywhere():
    x = torch.tensor([0.0, 1.0, 1e8, 1e20, 1e38], requires_grad=True)
    special.log1p_square(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, 1, 2e-8, 2e-20, 2e-38], rtol=1e-5, atol=1e-45)


def test_xlogy_and_xlog1py_are_zero_with_finite_gradient_at_zero_times_infinity():
    for function, edge in ((special.xlogy, 0.0), (special.xlog1py, -1.0)):
        x, y = torch.zeros((), requires_grad=True), torch.full((), edge, requires_grad=True)
        value = function(x, y)
        value.backward()
        assert float(value.detach()) == 0
        assert bool(x.grad.isfinite())
        assert bool(y.grad.isfinite())
        assert float(function(0.0, torch.tensor(edge))) == 0
        assert float(function(1.0, torch.tensor(edge))) == -math.inf
        assert float(function(torch.tensor(1.0), torch.tensor(edge))) == -math.inf


def test_xlogy_keeps_the_gradient_in_its_factor():
    x, y = torch.zeros((), requires_grad=True), torch.full((), 2.0)
    special.xlogy(x, y).backward()
    assert float(x.grad) == pytest.approx(math.log(2))


def test_numbers_and_tensors_agree():
    for x in (0.3, 5.0):
        tensor = torch.tensor(x, dtype=torch.float64)
        assert special.log(x) == pytest.approx(float(special.log(tensor)))
        assert special.lgamma(x) == pytest.approx(float(special.lgamma(tensor)))
        assert special.log_beta(x, 2.0) == pytest.approx(float(special.log_beta(tensor, 2.0 + 0 * tensor)))
    assert special.log(0.0) == -math.inf
    assert math.isnan(special.log(-1.0))
    assert special.lgamma(0.0) == math.inf


def test_softplus_inverse_inverts():
    y = torch.tensor([1e-20, 0.1, 1.0, 50.0], dtype=torch.float64)
    x = special.softplus_inverse(y)
    torch.testing.assert_close(torch.nn.functional.softplus(x, threshold=1e3), y, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize(("slope", "intercept"), [(2.0, -0.5), (0.0, 1.0), (-1e5, 3.0), (1.0, 1e6), (1.0, -math.inf)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.int64])
def test_affine_equals_its_two_operations_in_every_dtype(slope, intercept, dtype):
    x = torch.tensor([0, 1, 3]).to(dtype)
    torch.testing.assert_close(special.affine(x, slope, intercept), x * slope + intercept)


def test_affine_keeps_a_nan():
    assert special.affine(torch.ones(()), math.nan, 0.0).isnan()


def test_raised_to_moves_values_but_not_gradients():
    x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    special.raised_to(x, 0.0, 1.0).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    assert special.raised_to(x.detach(), 0.0, 1.0).tolist() == [0.0, 0.5, 1.0]


def test_gradients_may_be_needed_inside_every_transformation():
    seen = []

    def look(x):
        seen.append(special.may_need_gradient(x))
        return x.sum()

    x = torch.ones(2, 2)
    look(x)
    torch.func.grad(lambda y: torch.vmap(look)(y).sum())(x)
    torch.vmap(torch.func.grad(look))(x)
    torch.func.jvp(look, (x,), (x,))
    look(x.requires_grad_())
    assert seen == [False, True, True, True, True]


def test_xlogy_has_no_nan_gradient_at_zero_under_grad_of_vmap():
    def total(y):
        return torch.vmap(lambda row: special.xlogy(torch.zeros(2), row))(y).sum()

    assert torch.func.grad(total)(torch.zeros(3, 2)).tolist() == [[0.0, 0.0]] * 3
