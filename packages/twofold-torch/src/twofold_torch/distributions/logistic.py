"""The logistic law."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from twofold_torch.ops.special import log

from . import constraints
from .base import TorchDistribution
from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Logistic"]


class Logistic(UnivariateLaw, TorchDistribution):
    r"""Logistic law, whose distribution function is the logistic sigmoid of ``z``.

    .. math:: \log p(x) = -z - 2\log(1 + e^{-z}) - \log\sigma, \quad z = (x - \mu) / \sigma

    Args:
        loc: mean and median, any real; number or tensor, broadcasts with ``scale`` to ``batch_shape``.
        scale: positive; the standard deviation is ``scale * pi / sqrt(3)``.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``scale`` is not positive, or an argument is NaN.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 23.

    Example:
        >>> Logistic(0.0, 1.0).log_prob(torch.tensor(0.0))
        tensor(-1.3863)
    """

    _parameters = {"loc": 0, "scale": 0}
    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    loc = Parameter()
    scale = Parameter()

    def __init__(self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        loc, scale = self._arguments()
        size = ((as_value(value) - loc) / scale).abs()  # the law is symmetric; one side keeps both tails finite
        return self._over_batch(-size - 2 * softplus(-size) - log(scale))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and ``scale``."""
        loc, scale = self._arguments()
        uniform = self._uniform(sample_shape)
        uniform = uniform.clamp(min=torch.finfo(uniform.dtype).tiny)  # rand can return 0, whose logit is -inf
        return (uniform.log() - (-uniform).log1p()) * scale + loc

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of a draw of at most ``value``."""
        loc, scale = self._arguments()
        return self._over_batch(((as_value(value) - loc) / scale).sigmoid())

    def icdf(self, value: Tensor) -> Tensor:
        """The point that a draw stays below with probability ``value``."""
        loc, scale = self._arguments()
        return self._over_batch(as_value(value).logit() * scale + loc)

    @property
    def mean(self) -> Tensor:
        """``loc``."""
        mean: Tensor = self.loc
        return mean

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.mean

    @property
    def variance(self) -> Tensor:
        """``(scale * pi)**2 / 3``."""
        variance: Tensor = (self.scale * math.pi) ** 2 / 3
        return variance

    def entropy(self) -> Tensor:
        """``log(scale) + 2``."""
        entropy: Tensor = self.scale.log() + 2
        return entropy
