"""One of several categories, as a unit vector."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch import distributions as td

from .base import ArgumentCheck
from .categorical import Categorical
from .lean import WrappedLaw

__all__ = ["OneHotCategorical"]


class OneHotCategorical(WrappedLaw, td.OneHotCategorical, ArgumentCheck):
    """A unit vector with its 1 at place ``k``, with a probability proportional to ``probs[k]``.

    Args:
        probs: weights of 0 or more along the last dim, not all 0; the dims before it are ``batch_shape``.
        logits: logarithms of weights along the last dim; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Example:
        >>> import torch
        >>> OneHotCategorical(torch.tensor([0.25, 0.75])).log_prob(torch.tensor([0.0, 1.0]))
        tensor(-0.2877)
    """

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        self._categorical: Any = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        ArgumentCheck.__init__(self, shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        new = object.__new__(type(self)) if _instance is None else _instance
        new.__dict__.update(self.__dict__)
        new._categorical = self._categorical.expand(batch_shape)
        new._batch_shape = new._categorical.batch_shape
        return new
