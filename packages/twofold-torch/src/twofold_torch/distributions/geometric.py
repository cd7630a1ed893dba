"""How many tosses of a coin fail before one succeeds."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from . import constraints
from .binary import CoinLaw, floating_value, log_heads, log_tails, one_of
from .checks import check_argument

__all__ = ["Geometric"]


class Geometric(CoinLaw, td.Geometric):
    r"""Number of failures before the first success.

    .. math:: \log p(k) = \log p + k\log(1 - p)

    Args:
        probs: probability of success, above 0 and at most 1; number or tensor, its shape is ``batch_shape``.
        logits: log odds of success, any real; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an argument is outside its domain.
        ValueError: both or neither of ``probs`` and ``logits`` are given.

    Example:
        >>> Geometric(0.5).log_prob(torch.tensor(2.0))
        tensor(-2.0794)
    """

    _parameters = {"probs": 0, "logits": 0}

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of("Geometric", probs, logits)
        self._set(validate_args, probs=probs, logits=logits)
        if probs is not None and self._validate_args:  # 0 is in the unit interval, but then nothing ever succeeds
            check_argument("Geometric", "probs", constraints.positive, self._arguments()[0])

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        probs, logits = self._arguments()
        value = floating_value(value, probs if logits is None else logits)
        success = log_heads(probs, logits, torch.ones_like(value))
        return self._over_batch(success + log_tails(probs, logits, value))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw whole numbers, without gradient."""
        with torch.no_grad():
            uniform = self._uniform(sample_shape)
            uniform = uniform.clamp(min=torch.finfo(uniform.dtype).tiny)
            return (uniform.log() / (-self.probs).log1p()).floor()
