"""The gamma law and laws that are gamma laws in disguise: inverse gamma and chi-squared."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import affine, lgamma, log, raised_to, xlogy

from .base import ArgumentCheck
from .lean import Parameter, UnivariateLaw, WrappedLaw, as_value

__all__ = ["Chi2", "Gamma", "InverseGamma", "gamma_draw", "log_gamma_draw"]

_EMPTY = torch.Size()


class Gamma(UnivariateLaw, td.Gamma):
    r"""Gamma law with shape ``concentration`` and inverse scale ``rate``.

    .. math:: \log p(x) = \alpha\log\beta - \log\Gamma(\alpha) + (\alpha - 1)\log x - \beta x

    Args:
        concentration: shape :math:`\alpha`, positive; number or tensor, broadcasts with ``rate`` to ``batch_shape``.
        rate: inverse scale :math:`\beta`, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an argument is not positive, or is NaN.

    Example:
        >>> Gamma(2.0, 1.0).log_prob(torch.tensor(1.0))
        tensor(-1.)
    """

    _parameters = {"concentration": 0, "rate": 0}
    concentration = Parameter()
    rate = Parameter()

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=concentration, rate=rate)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, which is 0 or more."""
        if self._validate_args:
            self._validate_sample(value)
        concentration, rate = self._arguments()
        return self._over_batch(_log_density(as_value(value), concentration, rate))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to both parameters; never exactly 0."""
        _, rate = self._arguments()
        value = gamma_draw(self.concentration, torch.Size(sample_shape))  # at least the smallest normal number
        if isinstance(rate, float) and rate <= 1:
            return value if rate == 1 else value / rate
        value = value / rate
        return raised_to(value, torch.finfo(value.dtype).tiny)


def log_gamma_draw(concentration: Tensor, sample_shape: torch.Size) -> Tensor:
    """The logarithm of a gamma draw of rate 1, with gradient; it does not underflow for small concentrations.

    Source: Marsaglia and Tsang (2000), ACM TOMS 26(3), sec. 6: a draw for ``a + 1`` times ``u**(1 / a)``.
    """
    larger = gamma_draw(concentration + 1, sample_shape)
    uniform = torch.rand_like(larger)
    return torch.addcdiv(larger.log(), (-uniform).log1p(), concentration)


def gamma_draw(concentration: Tensor, sample_shape: torch.Size = _EMPTY) -> Tensor:
    """A gamma draw of rate 1, with gradient; the smallest normal number where a small concentration makes it underflow.

    What needs the logarithm of a draw for small concentrations uses `log_gamma_draw`.
    """
    if sample_shape:
        concentration = concentration.expand(sample_shape + concentration.shape)
    return torch._standard_gamma(concentration)


def _log_density(value: Tensor, concentration: Tensor | float, rate: Tensor | float) -> Tensor:
    height = concentration * log(rate) - lgamma(concentration)
    if isinstance(concentration, Tensor) or isinstance(rate, Tensor) or isinstance(height, Tensor):
        return xlogy(concentration - 1, value) - value * rate + height
    slope = affine(value, -rate, height)
    return slope if concentration == 1 else torch.add(slope, value.log(), alpha=concentration - 1)


class Chi2(WrappedLaw, td.Chi2, ArgumentCheck):
    """Law of the sum of squares of ``df`` standard normal numbers.

    Args:
        df: degrees of freedom, positive.

    Example:
        >>> Chi2(torch.tensor(2.0)).log_prob(torch.tensor(0.0))
        tensor(-0.6931)
    """


class InverseGamma(UnivariateLaw, td.InverseGamma):
    r"""Law of ``1 / x`` where ``x`` is gamma.

    .. math:: \log p(x) = \alpha\log\beta - \log\Gamma(\alpha) - (\alpha + 1)\log x - \beta / x

    Args:
        concentration: shape :math:`\alpha`, positive; number or tensor, broadcasts with ``rate`` to ``batch_shape``.
        rate: scale :math:`\beta` of the inverse, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an argument is not positive, or is NaN.

    Example:
        >>> InverseGamma(2.0, 1.0).log_prob(torch.tensor(1.0))
        tensor(-1.)
    """

    _parameters = {"concentration": 0, "rate": 0}
    concentration = Parameter()
    rate = Parameter()

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=concentration, rate=rate)

    @property
    def base_dist(self) -> Gamma:  # type: ignore[override]
        """Law of the inverse."""
        return Gamma(self.concentration, self.rate, validate_args=False)

    @property
    def transforms(self) -> list[td.Transform]:  # type: ignore[override]
        """The inverse."""
        return [td.PowerTransform(-torch.ones((), **self._options()))]

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, which is positive."""
        if self._validate_args:
            self._validate_sample(value)
        concentration, rate = self._arguments()
        value = as_value(value)
        height = concentration * log(rate) - lgamma(concentration)
        return self._over_batch(height - value.log() * (concentration + 1) - rate / value)

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to both parameters."""
        return self.base_dist.rsample(sample_shape).reciprocal()
