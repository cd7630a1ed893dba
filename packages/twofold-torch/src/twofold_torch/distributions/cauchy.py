"""The Cauchy law and its positive half."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import log, log1p_square

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Cauchy", "HalfCauchy"]

_LOG_PI = math.log(math.pi)


def _standard_cauchy(law: UnivariateLaw, sample_shape: Iterable[int]) -> Tensor:
    return (math.pi * (law._uniform(sample_shape) - 0.5)).tan()


class Cauchy(UnivariateLaw, td.Cauchy):
    r"""Cauchy law with median ``loc`` and half width at half height ``scale``; it has no mean.

    .. math:: \log p(x) = -\log\pi - \log\sigma - \log(1 + z^2), \quad z = (x - \mu) / \sigma

    Args:
        loc: median, any real; number or tensor, broadcasts with ``scale`` to ``batch_shape``.
        scale: positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or an argument is NaN.

    Example:
        >>> Cauchy(0.0, 1.0).log_prob(torch.tensor(0.0))
        tensor(-1.1447)
    """

    _parameters = {"loc": 0, "scale": 0}
    loc = Parameter()
    scale = Parameter()

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, also where its square overflows."""
        if self._validate_args:
            self._validate_sample(value)
        loc, scale = self._arguments()
        return self._over_batch(-log1p_square((as_value(value) - loc) / scale) - (log(scale) + _LOG_PI))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        loc, scale = self._arguments()
        return _standard_cauchy(self, sample_shape) * scale + loc


class HalfCauchy(UnivariateLaw, td.HalfCauchy):
    r"""Law of ``abs(x)`` where ``x`` is Cauchy with median 0.

    .. math:: \log p(x) = \log 2 - \log\pi - \log\sigma - \log(1 + (x / \sigma)^2), \quad x \ge 0

    Args:
        scale: median, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or is NaN.

    Example:
        >>> HalfCauchy(5.0).log_prob(torch.tensor(0.0))
        tensor(-2.0610)
    """

    _parameters = {"scale": 0}
    scale = Parameter()

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, scale=scale)

    @property
    def base_dist(self) -> Cauchy:  # type: ignore[override]
        """The law before the absolute value."""
        return Cauchy(torch.zeros_like(self.scale), self.scale, validate_args=False)

    @property
    def transforms(self) -> list[td.Transform]:  # type: ignore[override]
        """The absolute value."""
        return [td.AbsTransform()]

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, also where its square overflows; minus infinity below zero."""
        if self._validate_args:
            self._validate_sample(value)
        (scale,) = self._arguments()
        z = as_value(value) / scale
        log_prob = -log1p_square(z) - (log(scale) + math.log(math.pi / 2))
        return self._over_batch(torch.where(z >= 0, log_prob, -torch.inf))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``scale``."""
        (scale,) = self._arguments()
        return _standard_cauchy(self, sample_shape).abs() * scale
