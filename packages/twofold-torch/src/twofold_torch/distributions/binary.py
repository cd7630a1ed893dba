"""What laws of coin tosses share: one of ``probs`` and ``logits`` is given, and the log of each side's probability."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions.utils import probs_to_logits
from torch.nn.functional import logsigmoid

from twofold_torch.errors import SiteTypeError
from twofold_torch.ops.special import log

from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["CoinLaw", "floating_value", "log_heads", "log_tails", "one_of", "result_dtype", "widen"]


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
        return self._given.get(name) is not None

    @property
    def param_shape(self) -> torch.Size:
        """Shape of the parameter that was given."""
        return self._batch_shape


def log_heads(probs: Any, logits: Any, count: Tensor) -> Tensor:
    """``count`` times the log probability of success, 0 where ``count`` is 0."""
    if isinstance(logits, Tensor):
        return count * logsigmoid(logits)
    if isinstance(probs, Tensor):
        return count * torch.where(count == 0, 1.0, probs).log()
    return _times(count, log(probs) if logits is None else _log_sigmoid(logits))


def log_tails(probs: Any, logits: Any, count: Tensor) -> Tensor:
    """``count`` times the log probability of failure, 0 where ``count`` is 0."""
    if isinstance(logits, Tensor):
        return count * logsigmoid(-logits)
    if isinstance(probs, Tensor):
        return count * (-torch.where(count == 0, 0.0, probs)).log1p()
    if logits is not None:
        return _times(count, _log_sigmoid(-logits))
    return _times(count, math.log1p(-probs) if probs < 1 else -math.inf)


def _times(count: Tensor, log_probability: Any) -> Tensor:
    if log_probability > -math.inf:
        return count * log_probability
    return torch.where(count == 0, count * 0, -torch.inf)


def _log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def floating_value(value: Any, given: Tensor | float) -> Tensor:
    """A value to score as a floating point tensor: integers and booleans take the dtype of the parameter."""
    tensor = as_value(value)
    if tensor.is_floating_point():
        return tensor
    return tensor.to(given.dtype if isinstance(given, Tensor) else torch.get_default_dtype())


def widen(x: Any, dtype: torch.dtype) -> Any:
    """A tensor in another dtype; a number or None as it is."""
    return x.to(dtype) if isinstance(x, Tensor) else x


def result_dtype(law: UnivariateLaw, value: Tensor) -> torch.dtype:
    """The dtype that parameters and value promote to, whatever the density was computed in."""
    dtype: torch.dtype = law._options().get("dtype", torch.get_default_dtype())
    return torch.promote_types(dtype, value.dtype)
