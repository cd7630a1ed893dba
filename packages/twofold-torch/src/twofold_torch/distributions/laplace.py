"""The Laplace law."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import log

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Laplace"]


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
        side = 2 * self._uniform(sample_shape) - 1
        side = side.clamp(min=torch.finfo(side.dtype).eps / 2 - 1)  # -1 itself would be infinitely far out
        return side.sign() * -(-side.abs()).log1p() * scale + loc
