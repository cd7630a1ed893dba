"""Checks of arguments and values: one look at the data when all is well, a full diagnosis when it is not.

The quick look reduces a tensor to its extremes (`min`, `max`, `sum` all carry a NaN through), so that a check costs
one small operation and one read. A tensor that cannot be read, because a transformation of `torch.func` or a tracer
stands in its place, is let through: structure that depends on data has no place inside a trace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.constraints import Constraint

from twofold_torch.errors import ShapeError, SiteTypeError, SupportError

from .constraints.describe import describe

__all__ = ["as_switch", "check_argument", "check_shape", "check_value", "is_true", "is_valid"]

_Number = int | float | bool


def is_valid(constraint: Constraint, value: Any) -> bool:
    """Whether every entry of ``value`` satisfies ``constraint``; True where the entries cannot be read.

    Example:
        >>> is_valid(tc.positive, torch.tensor([1.0, -1.0]))
        False
    """
    quick = _QUICK.get(type(constraint))
    try:
        if not isinstance(value, Tensor):
            return (
                bool(torch.as_tensor(constraint.check(value)).all()) if quick is None else bool(constraint.check(value))
            )
        if quick is not None:
            size = value.numel()
            if size == 1:
                return _all(constraint.check(value.item()))
            if size == 0:
                return True
            return quick(constraint, value.detach() if value.requires_grad else value)
        return bool(constraint.check(value).all())
    except RuntimeError:
        if _is_unreadable(value):
            return True
        raise


def is_true(flags: Tensor) -> bool:
    """Whether all ``flags`` are True; True where they cannot be read."""
    try:
        return bool(flags.all())
    except RuntimeError:
        if _is_unreadable(flags):
            return True
        raise


def as_switch(law: str, validate_args: Any) -> bool:
    """``validate_args`` as it is; refuse what is no bool, such as data that stand one place too far to the left.

    Raises:
        SiteTypeError: ``validate_args`` is no bool.
    """
    if isinstance(validate_args, bool):
        return validate_args
    raise SiteTypeError(
        f"{law} was given one argument too many, in the place of validate_args",
        seen=f"a {type(validate_args).__name__}",
        expected="True, False or None",
        suggestion="an observation goes to the statement: sample(name, law, obs=...)",
    )


def check_argument(law: str, name: str, constraint: Constraint, value: Any) -> None:
    """Raise SupportError if the argument ``name`` of ``law`` leaves its domain."""
    if not is_valid(constraint, value):
        raise SupportError(
            f"argument {name!r} of {law} is outside its domain",
            seen=_offenders(constraint, value),
            expected=describe(constraint),
            suggestion=_suggestion(value, f"check how {name} is computed"),
        )


def check_value(law: str, support: Constraint, value: Any) -> None:
    """Raise SupportError if ``value`` is outside the ``support`` of ``law``."""
    if not is_valid(support, value):
        raise SupportError(
            f"value outside the support of {law}",
            seen=_offenders(support, value),
            expected=describe(support),
            suggestion=_suggestion(value, "check the data, or use a law with a wider support"),
        )


def check_shape(law: str, value: Any, batch_shape: torch.Size, event_shape: torch.Size) -> None:
    """Raise ShapeError if ``value`` does not broadcast to ``batch_shape + event_shape``."""
    shape = value.shape if isinstance(value, Tensor) else ()
    expected = batch_shape + event_shape
    if shape == expected:
        return
    num_event = len(event_shape)
    if num_event and shape[len(shape) - num_event :] != event_shape:
        fits = False
    else:
        fits = all(i == j or i == 1 or j == 1 for i, j in zip(reversed(shape), reversed(expected), strict=False))
    if not fits:
        raise ShapeError(
            f"value does not fit the shape of {law}",
            seen=tuple(shape),
            expected=f"batch_shape {tuple(batch_shape)} + event_shape {tuple(event_shape)}",
            suggestion="give the value these dims on the right, or build the law with other parameter shapes",
        )


def _is_unreadable(value: Any) -> bool:
    """Whether the entries of ``value`` are hidden by a transformation or a tracer."""
    try:
        value.sum().item()
    except RuntimeError:
        return True
    return False


def _all(valid: Any) -> bool:
    return bool(valid.all()) if isinstance(valid, Tensor) else bool(valid)


def _real(constraint: Any, value: Tensor) -> bool:
    if not value.is_floating_point():
        return True
    total = value.sum().item()
    # opposite infinities and overflow in half precision also give NaN, so look again before saying no
    return total == total or not bool(value.isnan().any())


def _scalar_bounds(check: Callable[[Any, Tensor], bool]) -> Callable[[Any, Tensor], bool]:
    """Use ``check`` where all bounds are numbers, the constraint's own check where one is a tensor."""

    def quick(constraint: Any, value: Tensor) -> bool:
        bounds = vars(constraint).values()
        if any(isinstance(bound, Tensor) for bound in bounds):
            return bool(constraint.check(value).all())
        return check(constraint, value)

    return quick


@_scalar_bounds
def _by_minimum(constraint: Any, value: Tensor) -> bool:
    return bool(constraint.check(value.min().item()))


@_scalar_bounds
def _by_maximum(constraint: Any, value: Tensor) -> bool:
    return bool(constraint.check(value.max().item()))


@_scalar_bounds
def _by_extremes(constraint: Any, value: Tensor) -> bool:
    low, high = torch.aminmax(value)
    return bool(constraint.check(low.item()) and constraint.check(high.item()))


def _whole(value: Tensor) -> bool:
    return not value.is_floating_point() or bool((value % 1 == 0).all())


@_scalar_bounds
def _whole_from(constraint: Any, value: Tensor) -> bool:
    return bool(constraint.check(value.min().item())) and _whole(value)


@_scalar_bounds
def _whole_between(constraint: Any, value: Tensor) -> bool:
    return _by_extremes(constraint, value) and _whole(value)


def _boolean(constraint: Any, value: Tensor) -> bool:
    return value.dtype is torch.bool or bool(constraint.check(value).all())


_QUICK: dict[type, Callable[[Any, Tensor], bool]] = {
    type(tc.real): _real,
    tc.greater_than: _by_minimum,
    tc.greater_than_eq: _by_minimum,
    tc.less_than: _by_maximum,
    tc.interval: _by_extremes,
    tc.half_open_interval: _by_extremes,
    tc.integer_interval: _whole_between,
    type(tc.nonnegative_integer): _whole_from,
    type(tc.boolean): _boolean,
}


def _offenders(constraint: Constraint, value: Any) -> str:
    """The first entries that fail, with their places."""
    tensor = torch.as_tensor(value).detach()
    valid = constraint.check(tensor)
    if tensor.dim() == 0:
        return f"{tensor.item():g}"
    if valid.dim() == 0:
        return f"{tensor.tolist()}" if tensor.numel() <= 16 else f"an event of shape {tuple(tensor.shape)}"
    valid = valid.expand(torch.broadcast_shapes(valid.shape, tensor.shape[: valid.dim()]))
    places = (~valid).nonzero().tolist()
    event_dim = tensor.dim() - valid.dim()
    shown = []
    for place in places[:3]:
        index = [i if size > 1 else 0 for i, size in zip(place, tensor.shape, strict=False)]
        entry = tensor[tuple(index)] if event_dim >= 0 else tensor
        text = f"{entry.item():g}" if entry.dim() == 0 else f"an event of shape {tuple(entry.shape)}"
        text = f"{entry.tolist()}" if entry.dim() == 1 and entry.numel() <= 16 else text
        shown.append(f"{text} at {place[0] if len(place) == 1 else tuple(place)}")
    rest = f" ({len(places)} of {valid.numel()} entries)" if len(places) > 3 else ""
    return ", ".join(shown) + rest


def _suggestion(value: Any, otherwise: str) -> str:
    tensor = torch.as_tensor(value)
    if tensor.is_floating_point() and bool(tensor.isnan().any()):
        return "NaN came in from outside: mask the missing entries out, or find the step that made it"
    return otherwise
