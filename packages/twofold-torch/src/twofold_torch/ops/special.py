"""Special functions that take numbers as well as tensors, with finite gradients at the edges of their domains."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = [
    "affine",
    "lgamma",
    "log",
    "log1p_square",
    "log_beta",
    "log_gamma_half_step",
    "may_need_gradient",
    "raised_to",
    "softplus_inverse",
    "widest",
    "xlog1py",
    "xlogy",
]

Real = Tensor | float


def log(x: Real) -> Real:
    """Natural logarithm of a number or a tensor."""
    return x.log() if isinstance(x, Tensor) else (math.log(x) if x > 0 else _log_of_nonpositive(x))


def _log_of_nonpositive(x: float) -> float:
    return -math.inf if x == 0 else math.nan


def lgamma(x: Real) -> Real:
    """Logarithm of the absolute gamma function of a number or a tensor."""
    if isinstance(x, Tensor):
        return x.lgamma()
    return math.lgamma(x) if x > 0 else float(torch.tensor(x, dtype=torch.float64).lgamma())


def log_beta(a: Real, b: Real) -> Real:
    r"""Logarithm of the beta function, :math:`\log\Gamma(a) + \log\Gamma(b) - \log\Gamma(a+b)`.

    Example:
        >>> round(log_beta(2.0, 3.0), 4)  # 1/12
        -2.4849
    """
    return lgamma(a) + lgamma(b) - lgamma(a + b)


_LARGE = 6e4  # larger numbers are none of half precision, and torch refuses to make a tensor of them


def affine(x: Tensor, slope: float, intercept: float) -> Tensor:
    """``intercept + slope * x`` as one operation: for small tensors a number as an operand costs two.

    Example:
        >>> affine(torch.tensor(3.0), 2.0, 1.0)
        tensor(7.)
    """
    if not x.is_floating_point():
        x = x.to(torch.get_default_dtype())
    if abs(slope) < _LARGE and abs(intercept) < _LARGE:
        return torch.add(torch.full((), intercept, dtype=x.dtype, device=x.device), x, alpha=slope)
    return x * slope + intercept


def may_need_gradient(x: Tensor) -> bool:
    """Whether someone may differentiate through ``x``; always so inside a transformation of ``torch.func``."""
    if x.requires_grad or torch.compiler.is_compiling():
        return True
    return torch._C._functorch.peek_interpreter_stack() is not None


def raised_to(x: Tensor, low: float, high: float | None = None) -> Tensor:
    """``x`` moved into the interval from ``low`` to ``high``, with the gradient that it would have without the move.

    Example:
        >>> x = torch.zeros((), requires_grad=True)
        >>> raised_to(x, 0.5).backward(); x.grad
        tensor(1.)
    """
    if not may_need_gradient(x):
        return x.clamp(low, high)
    constant = x.detach()
    return x + (constant.clamp(low, high) - constant)


def xlogy(x: Real, y: Tensor) -> Tensor:
    """``x * log(y)``, 0 where ``x`` is 0, also at ``y = 0``, where its gradient is 0 instead of NaN.

    Example:
        >>> y = torch.zeros((), requires_grad=True)
        >>> xlogy(torch.zeros(()), y).backward(); y.grad
        tensor(0.)
    """
    if not isinstance(x, Tensor):
        return torch.zeros_like(y) if x == 0 else x * y.log()
    if may_need_gradient(y):
        y = torch.where((x == 0) & (y == 0), 1.0, y)
    return torch.xlogy(x, y)


def xlog1py(x: Real, y: Tensor) -> Tensor:
    """``x * log(1 + y)``, 0 where ``x`` is 0, also at ``y = -1``, where its gradient is 0 instead of NaN."""
    if not isinstance(x, Tensor):
        return torch.zeros_like(y) if x == 0 else x * y.log1p()
    if may_need_gradient(y):
        y = torch.where((x == 0) & (y == -1), 0.0, y)
    return torch.special.xlog1py(x, y)


def log1p_square(x: Tensor) -> Tensor:
    """``log(1 + x**2)``, in double precision, where the square of no single precision number overflows.

    Example:
        >>> log1p_square(torch.tensor(1e30))
        tensor(138.1551)
    """
    wide = x.to(widest(x))
    return (wide * wide).log1p().to(x.dtype)


_FAR = 3e3  # here the next term of the series, 1 / (192 x^3), is 2e-13


def log_gamma_half_step(x: Real) -> Real:
    r""":math:`\log\Gamma(x + 1/2) - \log\Gamma(x)` for positive ``x``, without cancellation where ``x`` is large.

    Source: Tricomi and Erdélyi (1951), Pacific J. Math. 1(1): the asymptotic series, for ``x`` above 3000.

    Example:
        >>> round(log_gamma_half_step(1e12), 6)  # half the logarithm of 1e12
        13.815511
    """
    if not isinstance(x, Tensor):
        return 0.5 * math.log(x) - 0.125 / x if x > _FAR else math.lgamma(x + 0.5) - math.lgamma(x)
    wide = x.to(widest(x))
    near = (wide + 0.5).lgamma() - wide.lgamma()
    far = 0.5 * wide.log() - 0.125 / wide
    return torch.where(wide > _FAR, far, near).to(x.dtype)


def softplus_inverse(y: Tensor) -> Tensor:
    """The ``x`` with ``softplus(x) = y``, for positive ``y``.

    Example:
        >>> round(float(softplus_inverse(torch.tensor(0.6931472))), 6) + 0.0  # softplus(0) is log 2
        0.0
    """
    return y + (-torch.expm1(-y)).log()


def widest(x: Tensor) -> torch.dtype:
    """Double precision where the device of ``x`` has it, for sums of large terms that cancel."""
    return x.dtype if x.device.type == "mps" else torch.float64
