"""The normal law and its close relatives: half-normal and log-normal."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["HalfNormal", "LogNormal", "Normal"]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_LOG_2 = math.log(2)


def _log_density(z: Tensor, scale: Tensor | float) -> Tensor:
    """Log density of ``loc + scale * z``."""
    if isinstance(scale, Tensor):
        return torch.addcmul(-_LOG_SQRT_2PI - scale.log(), z, z, value=-0.5)
    return z * z * -0.5 - (_LOG_SQRT_2PI + math.log(scale))


def _standard_normal(law: UnivariateLaw, sample_shape: Iterable[int]) -> Tensor:
    return torch.randn(torch.Size(sample_shape) + law._batch_shape, **law._options())


class Normal(UnivariateLaw, td.Normal):
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
    loc = Parameter()
    scale = Parameter()

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        loc, scale = self._arguments()
        return self._over_batch(_log_density((as_value(value) - loc) / scale, scale))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        loc, scale = self._arguments()
        if sample_shape or not isinstance(scale, Tensor) or scale.shape != self._batch_shape:
            return _standard_normal(self, sample_shape) * scale + loc
        noise = torch.randn_like(scale)  # half the cost of torch.randn for small tensors
        return torch.addcmul(loc, noise, scale) if isinstance(loc, Tensor) else noise * scale + loc


class LogNormal(UnivariateLaw, td.LogNormal):
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
    loc = Parameter()
    scale = Parameter()

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
        loc, scale = self._arguments()
        log_value = as_value(value).log()
        return self._over_batch(_log_density((log_value - loc) / scale, scale) - log_value)

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        loc, scale = self._arguments()
        return (_standard_normal(self, sample_shape) * scale + loc).exp()


class HalfNormal(UnivariateLaw, td.HalfNormal):
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
    scale = Parameter()

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
        (scale,) = self._arguments()
        z = as_value(value) / scale
        return self._over_batch(torch.where(z >= 0, _log_density(z, scale) + _LOG_2, -torch.inf))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``scale``."""
        (scale,) = self._arguments()
        return _standard_normal(self, sample_shape).abs() * scale
