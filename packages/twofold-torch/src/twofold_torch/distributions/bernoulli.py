"""The toss of a coin, and how many tosses fail before one succeeds."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import logsigmoid

from . import constraints
from .binary import CoinLaw, log_heads, log_tails, one_of
from .checks import check_argument
from .lean import as_value

__all__ = ["Bernoulli", "Geometric"]


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
        value = as_value(value)
        value = value if value.is_floating_point() else value.to(_floating(given))
        if isinstance(logits, Tensor) and logits.dtype == value.dtype:
            return self._over_batch(torch.lerp(logsigmoid(-logits), logsigmoid(logits), value))
        return self._over_batch(log_heads(probs, logits, value) + log_tails(probs, logits, 1 - value))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw zeros and ones, without gradient."""
        with torch.no_grad():
            return torch.bernoulli(self.probs.expand(torch.Size(sample_shape) + self._batch_shape))


def _floating(given: Tensor | float) -> torch.dtype:
    return given.dtype if isinstance(given, Tensor) else torch.get_default_dtype()


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
        value = as_value(value)
        value = value if value.is_floating_point() else value.to(_floating(probs if logits is None else logits))
        success = log_heads(probs, logits, torch.ones_like(value))
        return self._over_batch(success + log_tails(probs, logits, value))

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw whole numbers, without gradient."""
        with torch.no_grad():
            uniform = torch.rand(torch.Size(sample_shape) + self._batch_shape, **self._options())
            uniform = uniform.clamp(min=torch.finfo(uniform.dtype).tiny)
            return (uniform.log() / (-self.probs).log1p()).floor()
