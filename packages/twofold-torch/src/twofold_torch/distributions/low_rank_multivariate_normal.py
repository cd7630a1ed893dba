"""The multivariate normal law with a covariance of low rank beside a diagonal."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from .base import ArgumentCheck
from .lean import WrappedLaw

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(WrappedLaw, td.LowRankMultivariateNormal, ArgumentCheck):
    """Normal law of vectors with covariance ``cov_factor @ cov_factor.T + diag(cov_diag)``.

    Args:
        loc: mean, a vector along the last dim.
        cov_factor: matrix of shape ``(..., n, rank)``.
        cov_diag: positive numbers along the last dim.
        validate_args: check arguments and values; None for the package's switch.

    Example:
        >>> law = LowRankMultivariateNormal(torch.zeros(2), torch.zeros(2, 1), torch.ones(2))
        >>> law.log_prob(torch.zeros(2))
        tensor(-1.8379)
    """

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw with gradient to all parameters."""
        draw: Tensor = super().rsample(torch.Size(sample_shape))
        return draw
