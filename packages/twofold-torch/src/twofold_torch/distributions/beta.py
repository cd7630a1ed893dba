"""The beta law."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import affine, log_beta, raised_to, xlog1py, xlogy

from .gamma import gamma_draw, log_gamma_draw
from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Beta"]


class Beta(UnivariateLaw, td.Beta):
    r"""Beta law on the unit interval.

    .. math:: \log p(x) = (\alpha - 1)\log x + (\beta - 1)\log(1 - x) - \log B(\alpha, \beta)

    Args:
        concentration1: :math:`\alpha`, positive; number or tensor, broadcasts with the other to ``batch_shape``.
        concentration0: :math:`\beta`, positive.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an argument is not positive, or is NaN.

    Example:
        >>> Beta(2.0, 2.0).log_prob(torch.tensor(0.5))
        tensor(0.4055)
    """

    _parameters = {"concentration1": 0, "concentration0": 0}
    concentration1 = Parameter()
    concentration0 = Parameter()

    def __init__(
        self, concentration1: Tensor | float, concentration0: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self._set(validate_args, concentration1=concentration1, concentration0=concentration0)

    @property
    def _dirichlet(self) -> td.Dirichlet:  # type: ignore[override]
        """The law of ``(x, 1 - x)``, which torch's formulas of this law use."""
        return td.Dirichlet(torch.stack([self.concentration1, self.concentration0], -1), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, exact near both ends."""
        if self._validate_args:
            self._validate_sample(value)
        a, b = self._arguments()
        value, height = as_value(value), -log_beta(a, b)
        if isinstance(height, Tensor):
            return self._over_batch(xlogy(a - 1, value) + xlog1py(b - 1, -value) + height)
        log_prob = affine(value.log(), a - 1, height) if a != 1 else affine(torch.zeros_like(value), 0.0, height)
        return self._over_batch(log_prob if b == 1 else torch.add(log_prob, (-value).log1p(), alpha=b - 1))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to both parameters; strictly inside the unit interval."""
        shape = torch.Size(sample_shape)
        if all(isinstance(argument, float) and argument >= 1 for argument in self._arguments()):
            first, second = (gamma_draw(argument, shape) for argument in (self.concentration1, self.concentration0))
            value = first / (first + second)
        else:  # in logarithms: gamma draws of small concentrations vanish
            draws = log_gamma_draw(torch.stack((self.concentration1, self.concentration0), -1), shape)
            value = (draws[..., 0] - draws[..., 1]).sigmoid()
        info = torch.finfo(value.dtype)
        return raised_to(value, info.tiny, 1 - info.eps / 2)
