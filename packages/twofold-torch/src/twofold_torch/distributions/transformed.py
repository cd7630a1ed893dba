"""Laws made by a map from another law's values."""

from __future__ import annotations

from torch import distributions as td

from .base import ArgumentCheck
from .lean import WrappedLaw

__all__ = ["TransformedDistribution"]


class TransformedDistribution(WrappedLaw, td.TransformedDistribution, ArgumentCheck):
    r"""Law of ``t(x)`` where ``x`` follows ``base_dist``.

    .. math:: \log p(y) = \log p_\text{base}(t^{-1}(y)) - \log|\det J_t|

    Args:
        base_distribution: law of ``x``.
        transforms: one transform, or a list that is applied in order.
        validate_args: check values; None for the package's switch.

    Raises:
        ValueError: the transforms need more dims than the law has.

    Example:
        >>> import torch
        >>> from twofold_torch.distributions import Normal
        >>> TransformedDistribution(Normal(0.0, 1.0), td.ExpTransform()).log_prob(torch.tensor(1.0))
        tensor(-0.9189)
    """
