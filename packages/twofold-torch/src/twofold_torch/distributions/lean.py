"""Constructors that cost little: numbers stay numbers, tensors stay as they came, one look checks each.

A law that is given a number keeps it. Its density is then computed with a constant, which costs less and is exact in
every precision; the tensor that users read (``law.scale``) is made when they ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from twofold_torch.errors import ShapeError, SiteTypeError
from twofold_torch.ops.shapes import broadcast_shape, broadcasts_to

from .base import ArgumentCheck, TorchDistributionMixin, expand_error
from .checks import check_argument

__all__ = ["LeanLaw", "Parameter", "UnivariateLaw", "WrappedLaw", "as_parameter", "as_value"]

_EMPTY = torch.Size()


class WrappedLaw(TorchDistributionMixin):
    """A torch law with its own constructor and formulas, and our surface and checks.

    Use it as ``class Weibull(WrappedLaw, torch.distributions.Weibull, ArgumentCheck)``.
    """

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        try:
            new: Any = super().expand(torch.Size(batch_shape), _instance)  # type: ignore[misc]
        except NotImplementedError:
            raise  # torch's word to subclasses with a constructor of their own
        except RuntimeError as error:
            raise expand_error(self, batch_shape) from error
        for name in ("_validation", "has_rsample"):  # torch fixes the first at expansion and forgets the second
            new.__dict__.pop(name, None)
            if name in self.__dict__:
                new.__dict__[name] = self.__dict__[name]
        return new

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if ArgumentCheck not in cls.__mro__:
            raise TypeError(f"{cls.__name__} must derive from (WrappedLaw, <torch law>, ArgumentCheck)")


class LeanLaw(TorchDistributionMixin):
    """A law with a lean constructor of our own.

    ``_parameters`` gives each tensor attribute that is expanded along with the batch its number of event dims.
    """

    _parameters: ClassVar[Mapping[str, int]]
    _batch_shape: torch.Size = _EMPTY
    _event_shape: torch.Size = _EMPTY

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        new: Any = object.__new__(type(self)) if _instance is None else _instance
        shape = batch_shape if type(batch_shape) is torch.Size else torch.Size(batch_shape)
        old_shape, state = self._batch_shape, new.__dict__
        state.update(self.__dict__)
        if shape != old_shape:
            if old_shape and not broadcasts_to(old_shape, shape):
                raise expand_error(self, batch_shape)
            for name, event_dim in self._parameters.items():
                value = state.get(name)
                if value is not None:
                    state[name] = value.expand(shape + value.shape[value.dim() - event_dim :] if event_dim else shape)
            state["_batch_shape"] = shape
        return new


class Parameter:
    """Attribute of a :class:`UnivariateLaw`: the tensor that was given, or one made of the number that was given.

    Args:
        derive: the value from the law's other parameters, where this one was not given.
    """

    def __init__(self, derive: Callable[[Any], Tensor] | None = None) -> None:
        self.derive = derive

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, law: Any, owner: type | None = None) -> Any:
        if law is None:
            return self
        number = law._numbers.get(self.name)
        if number is None:
            if self.derive is None:
                raise AttributeError(f"{type(law).__name__} has no {self.name}")
            return self.derive(law)
        # not kept: a tensor made while a transformation of torch.func runs belongs to that transformation
        return torch.full(law._batch_shape, number, **law._options())


class UnivariateLaw(LeanLaw):
    """A law of single numbers whose parameters all have the batch shape, each declared as a :class:`Parameter`."""

    _numbers: Mapping[str, float] = MappingProxyType({})

    def _set(self, validate_args: bool | None, **values: Any) -> None:
        """Keep the arguments, check each, and find the batch shape; None stands for an argument not given."""
        state = self.__dict__
        if validate_args is not None:
            state["_validation"] = validate_args
        constraints = self.arg_constraints if self._validate_args else None  # type: ignore[attr-defined]
        numbers, tensors = {}, 0
        shape = _EMPTY
        for name, value in values.items():
            if isinstance(value, int | float):
                numbers[name] = float(value)
            elif value is None:
                continue
            else:
                if not isinstance(value, Tensor) or not value.is_floating_point():
                    value = as_parameter(type(self).__name__, name, value, _first_tensor(values))
                state[name] = value
                tensors += 1
                shape = value.shape if tensors == 1 else shape
                if value.shape != shape:
                    tensors = -len(values)  # negative: shapes differ
            if constraints is not None:
                check_argument(type(self).__name__, name, constraints[name], value)
        if tensors < 0:
            shape = self._broadcast(values)
        state["_numbers"], state["_batch_shape"] = numbers, shape

    def _broadcast(self, values: dict[str, Any]) -> torch.Size:
        state = self.__dict__
        names = [name for name in values if name in state]
        try:
            shape = broadcast_shape(*(state[name].shape for name in names))
        except ValueError as error:
            raise ShapeError(
                f"the arguments of {type(self).__name__} do not broadcast together",
                seen=", ".join(f"{name} {tuple(state[name].shape)}" for name in names),
                expected="shapes that agree from the right, or are 1",
            ) from error
        for name in names:
            state[name] = state[name].expand(shape)
        return shape

    def _arguments(self) -> list[Any]:
        """The parameters in the order of ``_parameters``: a number where one was given, a tensor, or None."""
        state, numbers = self.__dict__, self._numbers
        return [numbers[name] if name in numbers else state.get(name) for name in self._parameters]

    def _options(self) -> dict[str, Any]:
        """The dtype and device of the law's tensors; nothing for a law of numbers."""
        for name in self._parameters:
            tensor = self.__dict__.get(name)
            if tensor is not None:
                return {"dtype": tensor.dtype, "device": tensor.device}
        return {}

    def _over_batch(self, result: Tensor) -> Tensor:
        """``result`` with the batch dims that only an expanded law of numbers can lack."""
        shape = self._batch_shape
        if result.shape == shape or not shape:
            return result
        full = broadcast_shape(result.shape, shape)
        return result if full == result.shape else result.expand(full)

    def sample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw without gradient.

        Args:
            sample_shape: leading dims of independent draws.

        Returns:
            A tensor of shape ``sample_shape + batch_shape``.
        """
        with torch.no_grad():
            draw: Tensor = self.rsample(sample_shape)  # type: ignore[attr-defined]
        return draw

    def __repr__(self) -> str:
        state, parts = self.__dict__, []
        for name in self._parameters:
            if name in self._numbers:
                parts.append(f"{name}: {self._numbers[name]:g}")
            elif name in state:
                value = state[name]
                parts.append(f"{name}: {value.item():g}" if value.numel() == 1 else f"{name}: {tuple(value.shape)}")
        if self._batch_shape:
            parts.append(f"batch_shape: {tuple(self._batch_shape)}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _first_tensor(values: Mapping[str, Any]) -> Tensor | None:
    tensors = [value for value in values.values() if isinstance(value, Tensor)]
    floating = [value for value in tensors if value.is_floating_point()]
    return next(iter(floating + tensors), None)


def as_parameter(law: str, name: str, value: Any, like: Tensor | None = None) -> Tensor:
    """``value`` as a floating point tensor; numbers and integers take dtype and device of ``like``.

    Raises:
        SiteTypeError: ``value`` is no number, tensor, array or nested list of numbers.
    """
    dtype = like.dtype if like is not None and like.is_floating_point() else torch.get_default_dtype()
    if isinstance(value, Tensor):
        return value if value.is_floating_point() else value.to(dtype)
    device = None if like is None else like.device
    if isinstance(value, int | float):
        return torch.full(_EMPTY, float(value), dtype=dtype, device=device)
    try:
        tensor = torch.as_tensor(value, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SiteTypeError(
            f"argument {name!r} of {law} is of the wrong type",
            seen=f"{type(value).__name__}: {value!r}",
            expected="a number, a tensor, or an array of numbers",
        ) from error
    return tensor if tensor.is_floating_point() else tensor.to(dtype)


def as_value(value: Any) -> Tensor:
    """A value to score, as a tensor: numbers and arrays are taken too."""
    return value if isinstance(value, Tensor) else torch.as_tensor(value)
