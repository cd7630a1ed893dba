"""Counts of several categories."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import widest

from .base import ArgumentCheck
from .lean import WrappedLaw

__all__ = ["Multinomial"]


class Multinomial(WrappedLaw, td.Multinomial, ArgumentCheck):
    r"""How often each category comes up in ``total_count`` draws.

    .. math:: \log p(k) = \log n! + \textstyle\sum_i k_i\log p_i - \log k_i!

    The terms are large and cancel, so they are added in double precision.

    Args:
        total_count: number of draws, one whole number for the whole batch. Default 1.
        probs: weights of 0 or more along the last dim; the dims before it are ``batch_shape``.
        logits: logarithms of weights along the last dim; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Example:
        >>> Multinomial(2, torch.tensor([0.5, 0.5])).log_prob(torch.tensor([1.0, 1.0]))
        tensor(-0.6931)
    """

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of the counts ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        value = torch.as_tensor(value)
        logits = self.logits
        count = value.to(widest(value))
        powers = count * torch.where(count == 0, 0.0, logits.to(count.dtype))
        log_prob = (count.sum(-1) + 1).lgamma() + (powers - (count + 1).lgamma()).sum(-1)
        return log_prob.to(torch.promote_types(logits.dtype, value.dtype))
