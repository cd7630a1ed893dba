"""Student's t."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import affine, log, log1p_square, log_gamma_half_step

from .gamma import gamma_draw, log_gamma_draw
from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["StudentT"]

_HALF_LOG_PI = 0.5 * math.log(math.pi)


class StudentT(UnivariateLaw, td.StudentT):
    r"""Student's t with ``df`` degrees of freedom, moved to ``loc`` and stretched by ``scale``.

    .. math:: \log p(x) = \log\frac{\Gamma(\frac{\nu+1}2)}{\Gamma(\frac\nu2)} - \tfrac12\log\pi\nu - \log\sigma
              - \tfrac{\nu+1}2 \log(1 + z^2/\nu), \quad z = (x - \mu) / \sigma

    Args:
        df: degrees of freedom, positive; number or tensor.
        loc: median, any real; broadcasts with the others to ``batch_shape``. Default 0.
        scale: positive. Default 1.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``df`` or ``scale`` is not positive, or an argument is NaN.

    Example:
        >>> StudentT(3.0).log_prob(torch.tensor(0.0))
        tensor(-1.0009)
    """

    _parameters = {"df": 0, "loc": 0, "scale": 0}
    df = Parameter()
    loc = Parameter()
    scale = Parameter()

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self._set(validate_args, df=df, loc=loc, scale=scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``, also where its square overflows."""
        if self._validate_args:
            self._validate_sample(value)
        df, loc, scale = self._arguments()
        distance = as_value(value) - loc if isinstance(loc, Tensor) or loc != 0 else as_value(value)
        t = distance / (scale * df**0.5)
        height = log_gamma_half_step(df / 2) - 0.5 * log(df) - (log(scale) + _HALF_LOG_PI)
        growth = log1p_square(t)
        if not isinstance(height, Tensor):
            return self._over_batch(affine(growth, -(df + 1) / 2, height))
        return self._over_batch(height - growth * ((df + 1) / 2))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to all three parameters."""
        given, loc, scale = self._arguments()
        shape, normal = torch.Size(sample_shape), self._standard_normal(sample_shape)
        if isinstance(given, float) and given >= 2:
            half_chi2 = gamma_draw(torch.full(self._batch_shape, given / 2, **self._options()), shape)
            standard, scale = normal * half_chi2.rsqrt(), scale * (given / 2) ** 0.5
        else:  # in logarithms: chi-squared draws of few degrees of freedom vanish
            half_df = self.df / 2
            standard = normal * (0.5 * (half_df.log() - log_gamma_draw(half_df, shape))).exp()
        return standard * scale + loc if isinstance(loc, Tensor) or loc != 0 else standard * scale
