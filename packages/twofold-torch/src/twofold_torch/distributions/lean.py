"""Constructors that cost little: numbers stay numbers, tensors stay as they came, one look checks each.

A law that is given a number keeps it. Its density is then computed with a constant, which costs less and is exact in
every precision. A tensor is not expanded to the batch shape either, so that ``log(scale)`` of one scale for many values
is one logarithm. The tensor of the batch shape that users read (``law.scale``) is made when they ask.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from twofold_torch.errors import ShapeError, SiteTypeError
from twofold_torch.ops.shapes import broadcast_shape, broadcasts_to

from .base import ArgumentCheck, TorchDistributionMixin, expand_error
from .checks import as_switch, check_argument

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
    """Attribute of a :class:`UnivariateLaw`: the argument of this name as a tensor of the batch shape.

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
        value = law._given.get(self.name)
        if isinstance(value, Tensor):
            return value if value.shape == law._batch_shape else value.expand(law._batch_shape)
        if value is not None:
            # not kept: a tensor made while a transformation of torch.func runs belongs to that transformation
            return torch.full(law._batch_shape, value, **law._options())
        if self.derive is None:
            raise AttributeError(f"{type(law).__name__} has no {self.name}")
        return self.derive(law)


class UnivariateLaw(LeanLaw):
    """A law of single numbers whose parameters all have the batch shape, each declared as a :class:`Parameter`."""

    _given: Mapping[str, Any] = MappingProxyType({})

    def _set(self, validate_args: bool | None, **values: Any) -> None:
        """Keep the arguments, all of ``_parameters`` in order, None if not given; check them; find the batch shape."""
        state = self.__dict__
        if validate_args is not None:
            state["_validation"] = as_switch(type(self).__name__, validate_args)
        constraints = self.arg_constraints if self._validate_args else None  # type: ignore[attr-defined]
        shape: torch.Size | None = None
        for name, value in values.items():
            if type(value) is not float:
                if not isinstance(value, Tensor) or not value.is_floating_point():
                    if value is None and _may_be_missing(type(self), name):
                        continue
                    value = values[name] = self._as_argument(name, value, values)
                if not isinstance(value, float):
                    if shape is None:
                        shape = value.shape
                    elif value.shape != shape:
                        shape = self._broadcast(shape, name, value.shape, values)
            if constraints is not None:
                check_argument(type(self).__name__, name, constraints[name], value)
        state["_given"], state["_batch_shape"] = values, _EMPTY if shape is None else shape

    def _as_argument(self, name: str, value: Any, values: Mapping[str, Any]) -> Tensor | float:
        if not isinstance(value, Tensor) and isinstance(value, int | float):
            return float(value)
        return as_parameter(type(self).__name__, name, value, _first_tensor(values))

    def _broadcast(self, shape: torch.Size, name: str, other: torch.Size, given: Mapping[str, Any]) -> torch.Size:
        try:
            return broadcast_shape(shape, other)
        except ValueError as error:
            names = list(given)[: list(given).index(name)]
            before = [f"{key} {tuple(given[key].shape)}" for key in names if isinstance(given[key], Tensor)]
            raise ShapeError(
                f"the arguments of {type(self).__name__} do not broadcast together",
                seen=", ".join([*before, f"{name} {tuple(other)}"]),
                expected="shapes that agree from the right, or are 1",
            ) from error

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        new: Any = object.__new__(type(self)) if _instance is None else _instance
        shape = batch_shape if type(batch_shape) is torch.Size else torch.Size(batch_shape)
        old_shape = self._batch_shape
        new.__dict__.update(self.__dict__)
        if shape != old_shape:
            if old_shape and not broadcasts_to(old_shape, shape):
                raise expand_error(self, shape)
            new.__dict__["_batch_shape"] = shape
        return new

    def _arguments(self) -> list[Any]:
        """The arguments as they were given, in the order of ``_parameters``: number, unexpanded tensor, or None."""
        return list(self._given.values())

    def _options(self) -> dict[str, Any]:
        """The dtype and device of the law's tensors; nothing for a law of numbers."""
        for value in self._given.values():
            if isinstance(value, Tensor):
                return {"dtype": value.dtype, "device": value.device}
        return {}

    def _uniform(self, sample_shape: Iterable[int]) -> Tensor:
        """Draws from 0 (included) to 1 (excluded); not drawn in place, so that ``vmap`` can pass."""
        return self._noise(torch.rand, torch.rand_like, sample_shape)

    def _standard_normal(self, sample_shape: Iterable[int]) -> Tensor:
        """Standard normal draws."""
        return self._noise(torch.randn, torch.randn_like, sample_shape)

    def _noise(
        self, draw: Callable[..., Tensor], draw_like: Callable[[Tensor], Tensor], sample_shape: Iterable[int]
    ) -> Tensor:
        """Draws of the full shape; ``draw_like`` an argument of that shape costs half of ``draw``."""
        shape = (*sample_shape, *self._batch_shape) if sample_shape else self._batch_shape
        for value in self._given.values():
            if isinstance(value, Tensor):
                if value.shape == shape:
                    return draw_like(value)
                break
        return draw(tuple(shape), **self._options())

    def _over_batch(self, result: Tensor) -> Tensor:
        """``result`` with the batch dims that numbers and unexpanded tensors leave out."""
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
        parts = [f"{name}: {_shown(value)}" for name, value in self._given.items() if value is not None]
        if self._batch_shape:
            parts.append(f"batch_shape: {tuple(self._batch_shape)}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _shown(value: Tensor | float) -> str:
    if isinstance(value, Tensor) and value.dim():
        return str(tuple(value.shape))
    return f"{float(value):g}"


def _may_be_missing(law: type, name: str) -> bool:
    """Whether the parameter follows from the others, as ``probs`` does from ``logits``."""
    parameter = inspect.getattr_static(law, name)
    return not isinstance(parameter, Parameter) or parameter.derive is not None


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
            suggestion="convert it with torch.as_tensor(...)",
        ) from error
    return tensor if tensor.is_floating_point() else tensor.to(dtype)


def as_value(value: Any) -> Tensor:
    """A value to score, as a tensor: numbers and arrays are taken too."""
    return value if isinstance(value, Tensor) else torch.as_tensor(value)
