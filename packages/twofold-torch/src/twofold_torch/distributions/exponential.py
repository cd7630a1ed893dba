"""The exponential law and its two-sided relative, the Laplace law."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import log

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Exponential", "Laplace"]


def _standard_exponential(law: UnivariateLaw, sample_shape: Iterable[int]) -> Tensor:
    return torch.empty(torch.Size(sample_shape) + law._batch_shape, **law._options()).exponential_()


class Exponential(UnivariateLaw, td.Exponential):
    r"""Exponential law, the waiting time for an event that comes ``rate`` times per unit.

    .. math:: \log p(x) = \log\lambda - \lambda x

    Args:
        rate: inverse of the mean, positive; number or tensor, its shape is ``batch_shape``.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``rate`` is not positive, or is NaN.

    Example:
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
        return self._over_batch(log(rate) - as_value(value) * rate)

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``rate``."""
        (rate,) = self._arguments()
        return _standard_exponential(self, sample_shape) / rate


class Laplace(UnivariateLaw, td.Laplace):
    r"""Laplace law, an exponential law to either side of ``loc``.

    .. math:: \log p(x) = -\log 2\sigma - |x - \mu| / \sigma

    Args:
        loc: median, any real; number or tensor, broadcasts with ``scale`` to ``batch_shape``.
        scale: mean distance from ``loc``, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or an argument is NaN.

    Example:
        >>> Laplace(0.0, 1.0).log_prob(torch.tensor(0.0))
        tensor(-0.6931)
    """

    _parameters = {"loc": 0, "scale": 0}
    loc = Parameter()
    scale = Parameter()

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        loc, scale = self._arguments()
        return self._over_batch(-(as_value(value) - loc).abs() / scale - (log(scale) + math.log(2)))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        loc, scale = self._arguments()
        size = _standard_exponential(self, sample_shape)
        sign = torch.randint_like(size, 2) * 2 - 1
        return size * sign * scale + loc
