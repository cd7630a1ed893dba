"""The normal law and its close relatives: half-normal and log-normal."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import affine

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["HalfNormal", "LogNormal", "Normal"]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_LOG_2 = math.log(2)
_WIDE = (torch.float32, torch.float64)


def _log_density(value: Tensor, loc: Tensor | float, scale: Tensor | float, height: float = -_LOG_SQRT_2PI) -> Tensor:
    """Log density of a normal law, with the given log density of the standard law at 0."""
    distance = value - loc if isinstance(loc, Tensor) or loc != 0 or not value.is_floating_point() else value
    if isinstance(scale, Tensor):
        z = distance / scale
        top = torch.full((), height, dtype=scale.dtype, device=scale.device) - scale.log()
        return torch.addcmul(top, z, z, value=-0.5)
    height -= math.log(scale)
    if 0.01 < scale < 1e9 and distance.dtype in _WIDE:
        z, factor = distance, -0.5 / scale**2  # a square in this range neither overflows nor vanishes
    else:
        z, factor = distance / scale, -0.5
    return torch.addcmul(torch.full((), height, dtype=z.dtype, device=z.device), z, z, value=factor)


def _moved(noise: Tensor, loc: Tensor | float, scale: Tensor | float) -> Tensor:
    """``loc + scale * noise`` in as few operations as possible."""
    if isinstance(scale, Tensor):
        return noise * scale + loc
    if isinstance(loc, Tensor):
        return torch.add(loc, noise, alpha=scale)
    return noise if scale == 1 and loc == 0 else affine(noise, scale, loc)


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
        return self._over_batch(_log_density(as_value(value), loc, scale))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        loc, scale = self._arguments()
        noise = self._noise(torch.randn, torch.randn_like, sample_shape)
        if isinstance(scale, Tensor) and isinstance(loc, Tensor):
            return torch.addcmul(loc, noise, scale)
        return _moved(noise, loc, scale)


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
        return self._over_batch(_log_density(log_value, loc, scale) - log_value)

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        return _moved(self._standard_normal(sample_shape), *self._arguments()).exp()


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
        value = as_value(value)
        log_prob = _log_density(value, 0.0, scale, _LOG_2 - _LOG_SQRT_2PI)
        return self._over_batch(log_prob.masked_fill(value < 0, -torch.inf))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``scale``."""
        (scale,) = self._arguments()
        return _moved(self._standard_normal(sample_shape).abs(), 0.0, scale)
