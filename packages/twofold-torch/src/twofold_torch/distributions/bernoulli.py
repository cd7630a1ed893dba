"""The toss of a coin."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import logsigmoid

from .binary import CoinLaw, floating_value, log_heads, log_tails, one_of

__all__ = ["Bernoulli"]


class Bernoulli(CoinLaw, td.Bernoulli):  # type: ignore[override]
    r"""1 with probability ``probs``, otherwise 0.

    .. math:: \log p(x) = x\log p + (1 - x)\log(1 - p)

    With checks off, values between 0 and 1 are scored by the same formula.

    Args:
        probs: probability of 1, from 0 to 1; number or tensor, its shape is ``batch_shape``.
        logits: log odds of 1, any real; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``probs`` is outside the unit interval, or an argument is NaN.
        ValueError: both or neither of ``probs`` and ``logits`` are given.

    Example:
        >>> Bernoulli(0.25).log_prob(torch.tensor(1.0))
        tensor(-1.3863)
    """

    _parameters = {"probs": 0, "logits": 0}

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of("Bernoulli", probs, logits)
        self._set(validate_args, probs=probs, logits=logits)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of ``value``, exact for any odds."""
        if self._validate_args:
            self._validate_sample(value)
        probs, logits = self._arguments()
        given = probs if logits is None else logits
        value = floating_value(value, given)
        if isinstance(logits, Tensor) and logits.dtype == value.dtype:
            return self._over_batch(torch.lerp(logsigmoid(-logits), logsigmoid(logits), value))
        return self._over_batch(log_heads(probs, logits, value) + log_tails(probs, logits, 1 - value))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw zeros and ones, without gradient."""
        with torch.no_grad():
            return torch.bernoulli(self.probs.expand(torch.Size(sample_shape) + self._batch_shape))
