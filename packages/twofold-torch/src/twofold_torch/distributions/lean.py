"""Constructors that cost little: numbers and tensors become parameters of one batch shape, checked in one look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor

from twofold_torch.errors import ShapeError, SiteTypeError
from twofold_torch.ops.shapes import broadcast_shape

from .base import ArgumentCheck, TorchDistributionMixin
from .checks import check_argument

__all__ = ["LeanLaw", "WrappedLaw", "as_parameter", "as_parameters", "below_zero_impossible"]

_EMPTY = torch.Size()


class WrappedLaw(TorchDistributionMixin):
    """A torch law with its own constructor and formulas, and our surface and checks."""

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        try:
            new: Any = super().expand(torch.Size(batch_shape), _instance)  # type: ignore[misc]
        except RuntimeError as error:
            raise _expand_error(self, batch_shape) from error
        for name in ("_validation", "has_rsample"):  # torch fixes the first at expansion and forgets the second
            if name in self.__dict__:
                new.__dict__[name] = self.__dict__[name]
            else:
                new.__dict__.pop(name, None)
        return new

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if ArgumentCheck not in cls.__mro__:
            raise TypeError(f"{cls.__name__} must derive from (WrappedLaw, <torch law>, ArgumentCheck)")


class LeanLaw(TorchDistributionMixin):
    """A law with a lean constructor of our own: it sets ``_parameters`` and calls :meth:`_set`.

    ``_parameters`` gives each tensor attribute that is expanded along with the batch its number of event dims.
    """

    _parameters: ClassVar[dict[str, int]]
    _batch_shape: torch.Size = _EMPTY
    _event_shape: torch.Size = _EMPTY

    def _set(self, validate_args: bool | None, **values: Any) -> None:
        """Turn univariate arguments into tensors of one shape, and check them."""
        if validate_args is not None:
            self.__dict__["_validation"] = validate_args
        if self._validate_args:
            arg_constraints = self.arg_constraints  # type: ignore[attr-defined]
            for name, value in values.items():
                if not isinstance(value, Tensor | int | float):
                    value = values[name] = as_parameter(type(self).__name__, name, value)
                check_argument(type(self).__name__, name, arg_constraints[name], value)
        tensors = as_parameters(type(self).__name__, values)
        self.__dict__.update(zip(values, tensors, strict=True))
        self._batch_shape = tensors[0].shape

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        new: Any = object.__new__(type(self)) if _instance is None else _instance
        shape = batch_shape if type(batch_shape) is torch.Size else torch.Size(batch_shape)
        state = new.__dict__
        state.update(self.__dict__)
        try:
            for name, event_dim in self._parameters.items():
                value = state.get(name)
                if value is not None:
                    state[name] = value.expand(shape + value.shape[value.dim() - event_dim :] if event_dim else shape)
        except RuntimeError as error:
            raise _expand_error(self, batch_shape) from error
        state["_batch_shape"] = shape
        return new


def _expand_error(law: Any, batch_shape: Iterable[int]) -> ShapeError:
    return ShapeError(
        f"{type(law).__name__} cannot be expanded to this batch shape",
        seen=tuple(batch_shape),
        expected=f"a shape that batch_shape {tuple(law.batch_shape)} broadcasts to",
    )


def as_parameter(law: str, name: str, value: Any, like: Tensor | None = None) -> Tensor:
    """``value`` as a floating point tensor; numbers take dtype and device of ``like``.

    Raises:
        SiteTypeError: ``value`` is no number, tensor, array or nested list of numbers.
    """
    if isinstance(value, Tensor):
        return value if value.is_floating_point() else value.to(_dtype(like))
    if isinstance(value, int | float):
        if like is None:
            return torch.full(_EMPTY, float(value))
        return like.new_full(_EMPTY, float(value))
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SiteTypeError(
            f"argument {name!r} of {law} is of the wrong type",
            seen=f"{type(value).__name__}: {value!r}",
            expected="a number, a tensor, or an array of numbers",
        ) from error
    return as_parameter(law, name, tensor, like)


def _dtype(like: Tensor | None) -> torch.dtype:
    return like.dtype if like is not None and like.is_floating_point() else torch.get_default_dtype()


def as_parameters(law: str, values: dict[str, Any]) -> list[Tensor]:
    """Arguments as floating point tensors of one shape.

    Args:
        law: its name, for errors.
        values: numbers, tensors, arrays or lists by argument name.

    Returns:
        The tensors, in order; numbers and integer data take the dtype and device of the first floating point tensor.

    Raises:
        ShapeError: the shapes do not broadcast together.
        SiteTypeError: an argument is no number or tensor.
    """
    like: Tensor | None = None
    tensors: list[Tensor] = []
    ready, shape = True, None
    for value in values.values():
        if isinstance(value, Tensor) and value.is_floating_point():
            like = value if like is None else like
            ready = ready and shape in (None, value.shape)
            shape = value.shape
        else:
            ready = False
    if ready:
        return list(values.values())
    if like is None:
        like = next((value for value in values.values() if isinstance(value, Tensor)), None)
        like = like.new_empty(_EMPTY, dtype=torch.get_default_dtype()) if like is not None else None
    tensors = [as_parameter(law, name, value, like) for name, value in values.items()]
    first = tensors[0].shape
    if all(tensor.shape == first for tensor in tensors):
        return tensors
    try:
        shape = broadcast_shape(*(tensor.shape for tensor in tensors))
    except ValueError as error:
        raise ShapeError(
            f"the arguments of {law} do not broadcast together",
            seen=", ".join(f"{name} {tuple(t.shape)}" for name, t in zip(values, tensors, strict=True)),
            expected="shapes that agree from the right, or are 1",
        ) from error
    return [tensor if tensor.shape == shape else tensor.expand(shape) for tensor in tensors]


def below_zero_impossible(value: Tensor, log_prob: Tensor) -> Tensor:
    """``log_prob`` where ``value`` is 0 or more, else minus infinity."""
    return torch.where(value >= 0, log_prob, -torch.inf)
