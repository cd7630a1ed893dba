"""One of several categories, as an index."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td
from torch.distributions.utils import probs_to_logits

from twofold_torch.errors import ShapeError, SupportError
from twofold_torch.ops.shapes import broadcast_shape

from . import constraints
from .binary import one_of
from .checks import as_switch, check_argument, is_valid
from .lean import LeanLaw, as_parameter, as_value

__all__ = ["Categorical"]


class Categorical(LeanLaw, td.Categorical):
    r"""Index ``k`` with a probability proportional to ``probs[k]``, or to ``exp(logits[k])``.

    .. math:: \log p(k) = \log p_k - \log\textstyle\sum_j p_j

    Args:
        probs: weights of 0 or more along the last dim, not all 0; the dims before it are ``batch_shape``.
        logits: logarithms of weights along the last dim, minus infinity allowed; exactly one of the two is given.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: a weight is negative or NaN, or all of them are 0.
        ShapeError: the weights have no dim.
        ValueError: both or neither of ``probs`` and ``logits`` are given.

    Example:
        >>> import torch
        >>> Categorical(torch.tensor([0.25, 0.75])).log_prob(torch.tensor(1))
        tensor(-0.2877)
    """

    _parameters = {"probs": 1, "logits": 1}
    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        one_of("Categorical", probs, logits)
        state, name = self.__dict__, "logits" if probs is None else "probs"
        if validate_args is not None:
            state["_validation"] = as_switch(type(self).__name__, validate_args)
        given = as_parameter("Categorical", name, logits if probs is None else probs)
        if given.dim() < 1:
            raise ShapeError(
                f"argument {name!r} of Categorical has no dim", seen=tuple(given.shape), expected="one dim or more"
            )
        if self._validate_args:
            check_argument("Categorical", name, constraints.real if probs is None else constraints.nonnegative, given)
        given = given.log_softmax(-1) if probs is None else given / given.sum(-1, keepdim=True)
        if self._validate_args and not is_valid(constraints.real, given):
            raise SupportError(
                f"argument {name!r} of Categorical has an event without any weight",
                seen="weights that sum to zero or to infinity",
                expected="a positive, finite sum along the last dim",
            )
        state[name] = given
        self._batch_shape, self._num_events = given.shape[:-1], given.shape[-1]

    @property
    def _param(self) -> Tensor:  # type: ignore[override]
        return self.__dict__["probs"] if "probs" in self.__dict__ else self.__dict__["logits"]

    @property
    def probs(self) -> Tensor:
        """Probabilities along the last dim."""
        given: Tensor | None = self.__dict__.get("probs")
        return self.__dict__["logits"].exp() if given is None else given

    @property
    def logits(self) -> Tensor:
        """Log probabilities along the last dim."""
        given: Tensor | None = self.__dict__.get("logits")
        return probs_to_logits(self.__dict__["probs"]) if given is None else given

    def log_prob(self, value: Tensor) -> Tensor:
        """Log probability of the index ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        index = as_value(value)
        table, state = self._param, self.__dict__
        shape = broadcast_shape(index.shape, self._batch_shape)
        if table.dim() == 1:
            picked = table.index_select(0, index.long().reshape(-1)).reshape(shape)
        else:
            rows = table.expand(shape + table.shape[-1:])
            picked = rows.gather(-1, index.long().expand(shape).unsqueeze(-1)).squeeze(-1)
        return picked.log() if "probs" in state else picked

    def __repr__(self) -> str:
        name = "probs" if "probs" in self.__dict__ else "logits"
        return f"Categorical({name}: {tuple(self._param.shape)})"
