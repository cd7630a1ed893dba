"""Counts of successes in a number of tosses."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.ops.special import widest

from . import constraints
from .binary import CoinLaw, log_heads, log_tails, one_of, result_dtype, widen
from .lean import Parameter, as_value

__all__ = ["Binomial"]


class Binomial(CoinLaw, td.Binomial):  # type: ignore[override]
    r"""Number of successes in ``total_count`` independent tosses.

    .. math:: \log p(k) = \log\binom{n}{k} + k\log p + (n - k)\log(1 - p)

    The terms are large and cancel, so they are added in double precision.

    Args:
        total_count: number of tosses, a whole number of 0 or more; number or tensor. Default 1.
        probs: probability of success, from 0 to 1; broadcasts with ``total_count`` to ``batch_shape``.
        logits: log odds of success, any real; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an argument is outside its domain.
        ValueError: both or neither of ``probs`` and ``logits`` are given.

    Example:
        >>> Binomial(2, 0.5).log_prob(torch.tensor(1.0))
        tensor(-0.6931)
    """

    _parameters = {"total_count": 0, "probs": 0, "logits": 0}
    total_count = Parameter()

    def __init__(
        self,
        total_count: Tensor | float = 1,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of("Binomial", probs, logits)
        self._set(validate_args, total_count=total_count, probs=probs, logits=logits)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """Whole numbers from 0 to ``total_count``."""
        return constraints.integer_interval(0, self._arguments()[0])

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        total, probs, logits = self._arguments()
        value = as_value(value)
        wide = widest(value)
        heads, total, probs, logits = (widen(x, wide) for x in (value, total, probs, logits))
        tails = total - heads
        total = total if isinstance(total, Tensor) else heads.new_full((), total)
        choose = (total + 1).lgamma() - (heads + 1).lgamma() - (tails + 1).lgamma()
        log_prob = choose + log_heads(probs, logits, heads) + log_tails(probs, logits, tails)
        return self._over_batch(log_prob.to(result_dtype(self, value)))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw counts, without gradient."""
        shape = torch.Size(sample_shape) + self._batch_shape
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))
