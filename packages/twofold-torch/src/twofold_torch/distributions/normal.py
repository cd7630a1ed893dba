"""The normal law and its close relatives: half-normal and log-normal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from .lean import LeanLaw, below_zero_impossible

__all__ = ["HalfNormal", "LogNormal", "Normal"]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_HALF_NORMAL_CONSTANT = 0.5 * math.log(2 / math.pi)


def _normal_log_density(value: Any, loc: Tensor, scale: Tensor) -> Tensor:
    z = (value - loc) / scale
    return torch.addcmul(-_LOG_SQRT_2PI - scale.log(), z, z, value=-0.5)


class Normal(LeanLaw, td.Normal):
    r"""Normal law with mean ``loc`` and standard deviation ``scale``.

    .. math:: \log p(x) = -\tfrac12 z^2 - \log\sigma - \tfrac12\log 2\pi, \quad z = (x - \mu) / \sigma

    Args:
        loc: mean, any real; number or tensor, broadcasts with ``scale`` to ``batch_shape``.
        scale: standard deviation, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or an argument is NaN.

    Example:
        >>> Normal(0.0, 2.0).log_prob(torch.tensor(1.0))
        tensor(-1.7371)
    """

    _parameters = {"loc": 0, "scale": 0}

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        return _normal_log_density(value, self.loc, self.scale)

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        return torch.addcmul(self.loc, self.scale, _standard_normal(self, sample_shape))


def _standard_normal(law: Any, sample_shape: Iterable[int]) -> Tensor:
    return torch.randn(torch.Size(sample_shape) + law._batch_shape, dtype=law.scale.dtype, device=law.scale.device)


class LogNormal(LeanLaw, td.LogNormal):
    r"""Law of ``exp(x)`` where ``x`` is normal.

    .. math:: \log p(x) = \log N(\log x \mid \mu, \sigma) - \log x

    Args:
        loc: mean of the logarithm, any real; broadcasts with ``scale`` to ``batch_shape``.
        scale: standard deviation of the logarithm, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or an argument is NaN.

    Example:
        >>> LogNormal(0.0, 1.0).log_prob(torch.tensor(1.0))
        tensor(-0.9189)
    """

    _parameters = {"loc": 0, "scale": 0}
    loc: Tensor = None  # type: ignore[assignment]  # a plain attribute, where torch has a property
    scale: Tensor = None  # type: ignore[assignment]

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    @property
    def base_dist(self) -> Normal:  # type: ignore[override]
        """Law of the logarithm."""
        return Normal(self.loc, self.scale, validate_args=False)

    @property
    def transforms(self) -> list[td.Transform]:  # type: ignore[override]
        """The map from the logarithm to the value."""
        return [td.ExpTransform()]

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, which is positive."""
        if self._validate_args:
            self._validate_sample(value)
        log_value = torch.as_tensor(value).log()
        return _normal_log_density(log_value, self.loc, self.scale) - log_value

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        return torch.addcmul(self.loc, self.scale, _standard_normal(self, sample_shape)).exp()

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)


class HalfNormal(LeanLaw, td.HalfNormal):
    r"""Law of ``abs(x)`` where ``x`` is normal with mean 0.

    .. math:: \log p(x) = \log 2 - \tfrac12 (x / \sigma)^2 - \log\sigma - \tfrac12\log 2\pi, \quad x \ge 0

    Args:
        scale: standard deviation of ``x``, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or is NaN.

    Example:
        >>> HalfNormal(1.0).log_prob(torch.tensor(0.0))
        tensor(-0.2258)
    """

    _parameters = {"scale": 0}
    scale: Tensor = None  # type: ignore[assignment]  # a plain attribute, where torch has a property

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, scale=scale)

    @property
    def base_dist(self) -> Normal:  # type: ignore[override]
        """The law before the absolute value."""
        return Normal(torch.zeros_like(self.scale), self.scale, validate_args=False)

    @property
    def transforms(self) -> list[td.Transform]:  # type: ignore[override]
        """The absolute value."""
        return [td.AbsTransform()]

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``; minus infinity below zero."""
        if self._validate_args:
            self._validate_sample(value)
        z = torch.as_tensor(value) / self.scale
        return below_zero_impossible(z, torch.addcmul(_HALF_NORMAL_CONSTANT - self.scale.log(), z, z, value=-0.5))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``scale``."""
        return self.scale * _standard_normal(self, sample_shape).abs()

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)
