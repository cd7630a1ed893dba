"""Counts of successes before a number of failures."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import widest

from .binary import CoinLaw, log_heads, log_tails, one_of, result_dtype, widen
from .gamma import Gamma
from .lean import Parameter, as_value

__all__ = ["NegativeBinomial"]


class NegativeBinomial(CoinLaw, td.NegativeBinomial):  # type: ignore[override]
    r"""Number of successes before ``total_count`` failures.

    .. math:: \log p(k) = \log\frac{\Gamma(k + r)}{k!\,\Gamma(r)} + r\log(1 - p) + k\log p

    The terms are large and cancel, so they are added in double precision.

    Args:
        total_count: number of failures :math:`r`, any number above 0; number or tensor.
        probs: probability of success, from 0 to below 1; broadcasts with ``total_count`` to ``batch_shape``.
        logits: log odds of success, any real; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an argument is outside its domain.
        ValueError: both or neither of ``probs`` and ``logits`` are given.

    Example:
        >>> NegativeBinomial(1.0, 0.5).log_prob(torch.tensor(0.0))
        tensor(-0.6931)
    """

    _parameters = {"total_count": 0, "probs": 0, "logits": 0}
    total_count = Parameter()

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of("NegativeBinomial", probs, logits)
        self._set(validate_args, total_count=total_count, probs=probs, logits=logits)

    @property
    def _gamma(self) -> Gamma:
        """Law of the rate of the Poisson law that gives a draw."""
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        total, probs, logits = self._arguments()
        value = as_value(value)
        wide = widest(value)
        heads, total, probs, logits = (widen(x, wide) for x in (value, total, probs, logits))
        total = total if isinstance(total, Tensor) else heads.new_full((), total)
        nothing = (total == 0) & (heads == 0)  # certain, where both gamma functions are infinite
        safe = torch.where(nothing, 1.0, total)
        ways = (heads + safe).lgamma() - (heads + 1).lgamma() - safe.lgamma()
        log_prob = ways + log_tails(probs, logits, total) + log_heads(probs, logits, heads)
        return self._over_batch(log_prob.to(result_dtype(self, value)))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw counts, without gradient."""
        with torch.no_grad():
            return torch.poisson(self._gamma.sample(torch.Size(sample_shape)))
