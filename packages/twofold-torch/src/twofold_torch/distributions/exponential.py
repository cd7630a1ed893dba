"""The exponential law."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import affine

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Exponential"]


class Exponential(UnivariateLaw, td.Exponential):
    r"""Exponential law, the waiting time for an event that comes ``rate`` times per unit.

    .. math:: \log p(x) = \log\lambda - \lambda x

    Args:
        rate: inverse of the mean, positive; number or tensor, its shape is ``batch_shape``.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``rate`` is not positive, or is NaN.

    Example:
        >>> import torch
        >>> Exponential(2.0).log_prob(torch.tensor(1.0))
        tensor(-1.3069)
    """

    _parameters = {"rate": 0}
    rate = Parameter()

    def __init__(self, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, rate=rate)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, which is 0 or more."""
        if self._validate_args:
            self._validate_sample(value)
        (rate,) = self._arguments()
        value = as_value(value)
        if not isinstance(rate, Tensor):
            return self._over_batch(affine(value, -rate, math.log(rate)))
        return self._over_batch(rate.log() - value * rate)

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``rate``."""
        (rate,) = self._arguments()
        waiting = -(-self._uniform(sample_shape)).log1p()
        return waiting if isinstance(rate, float) and rate == 1 else waiting / rate
