"""The Poisson law of counts."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import may_need_gradient, widest

from .binary import result_dtype
from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Poisson"]


class Poisson(UnivariateLaw, td.Poisson):
    r"""Number of events where ``rate`` are expected.

    .. math:: \log p(k) = k\log\lambda - \lambda - \log k!

    The terms are large and cancel, so they are added in double precision.

    Args:
        rate: mean, 0 or more; number or tensor, its shape is ``batch_shape``.
        is_sparse: promise that most values are 0; only the others are then given to the gamma function. Not for use
            inside a transformation of ``torch.func``.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``rate`` is negative, or is NaN.

    Example:
        >>> Poisson(2.0).log_prob(torch.tensor(0.0))
        tensor(-2.)
    """

    _parameters = {"rate": 0}
    rate = Parameter()

    def __init__(self, rate: Tensor | float, *, is_sparse: bool = False, validate_args: bool | None = None) -> None:
        self.is_sparse = is_sparse
        self._set(validate_args, rate=rate)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        (rate,) = self._arguments()
        value = as_value(value)
        count = value.to(widest(value))
        log_factorial = _sparse_log_factorial(count) if self.is_sparse else (count + 1).lgamma()
        log_prob = _log_power(count, rate) - rate - log_factorial
        return self._over_batch(log_prob.to(result_dtype(self, value)))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw counts, without gradient."""
        with torch.no_grad():
            return torch.poisson(self.rate.expand(torch.Size(sample_shape) + self._batch_shape))


def _log_power(count: Tensor, rate: Tensor | float) -> Tensor:
    """``count * log(rate)``, 0 where ``count`` is 0."""
    if isinstance(rate, Tensor):
        if not may_need_gradient(rate):
            return torch.xlogy(count, rate.to(count.dtype))
        return count * torch.where(count == 0, 1.0, rate.to(count.dtype)).log()
    if rate > 0:
        return count * math.log(rate)
    return torch.where(count == 0, 0.0, -torch.inf)


def _sparse_log_factorial(count: Tensor) -> Tensor:
    result, places = torch.zeros_like(count), count > 1
    result[places] = (count[places] + 1).lgamma()
    return result
