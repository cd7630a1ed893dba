"""What laws of coin tosses share: one of ``probs`` and ``logits`` is given, and the log of each side's probability."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions.utils import probs_to_logits
from torch.nn.functional import logsigmoid

from twofold_torch.errors import SiteTypeError

from .lean import Parameter, UnivariateLaw

__all__ = ["CoinLaw", "log_heads", "log_tails", "one_of"]


def one_of(law: str, probs: Any, logits: Any) -> None:
    """Raise unless exactly one of the two is given."""
    if (probs is None) == (logits is None):
        raise _argument_error(law, probs)


def _argument_error(law: str, probs: Any) -> SiteTypeError:
    seen = "neither" if probs is None else "both"
    return CoinArgumentError(f"{law} takes either probs or logits", seen=seen, expected="exactly one of the two")


class CoinArgumentError(SiteTypeError, ValueError):
    """Not exactly one of ``probs`` and ``logits`` is given; torch raises ValueError here."""


class CoinLaw(UnivariateLaw):
    """A law with a chance of success, given as ``probs`` or as ``logits``; the other is derived."""

    probs = Parameter(lambda law: torch.sigmoid(law.logits))
    logits = Parameter(lambda law: probs_to_logits(law.probs, is_binary=True))

    @property
    def _param(self) -> Tensor:
        given: Tensor = self.probs if self._has("probs") else self.logits
        return given

    def _has(self, name: str) -> bool:
        return name in self.__dict__ or name in self._numbers

    @property
    def param_shape(self) -> torch.Size:
        """Shape of the parameter that was given."""
        return self._batch_shape


def log_heads(probs: Any, logits: Any, count: Tensor) -> Tensor:
    """``count`` times the log probability of success, 0 where ``count`` is 0."""
    if logits is not None:
        return count * logsigmoid(_tensor(logits, count))
    return count * torch.where(count == 0, 1.0, _tensor(probs, count)).log()


def log_tails(probs: Any, logits: Any, count: Tensor) -> Tensor:
    """``count`` times the log probability of failure, 0 where ``count`` is 0."""
    if logits is not None:
        return count * logsigmoid(-_tensor(logits, count))
    return count * (-torch.where(count == 0, 0.0, _tensor(probs, count))).log1p()


def _tensor(value: Any, like: Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else like.new_full((), value)
