"""One parameter: from an initial value to its unconstrained leaf, and from the leaf to its value."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions.constraints import Constraint

from .distributions import constraints, transform_to
from .errors import SiteTypeError, StoreError, SupportError, TwofoldWarning
from .validation import is_validation_enabled
from .warning import warn

__all__ = [
    "as_init",
    "check_constrained",
    "check_param_name",
    "check_state",
    "constrained",
    "copy_leaf",
    "new_leaf",
    "warn_of_other_shape",
]


class _LeafOf:
    """What ``value.unconstrained`` is: a function that gives the stored leaf, and that can be pickled (as empty)."""

    __slots__ = ("_leaf",)

    def __init__(self, leaf: Tensor | None = None) -> None:
        self._leaf = None if leaf is None else weakref.ref(leaf)

    def __call__(self) -> Tensor | None:
        return None if self._leaf is None else self._leaf()

    def __reduce__(self) -> tuple[Any, ...]:
        return _LeafOf, ()


def constrained(leaf: Tensor, constraint: Constraint) -> Tensor:
    """The value of a leaf; its attribute ``unconstrained`` is a function that gives the leaf."""
    value: Any = leaf if constraint is constraints.real else transform_to(constraint)(leaf)
    if value is not leaf or "unconstrained" not in leaf.__dict__:
        value.unconstrained = _LeafOf(leaf)
    return value


def check_param_name(name: Any) -> None:
    """Refuse a name that is no string."""
    if not isinstance(name, str):
        raise SiteTypeError(
            "the name of a parameter is no string",
            seen=f"{name!r} of type {type(name).__name__}",
            expected="a string",
            suggestion="write store['x'] = value",
        )


def warn_of_other_shape(name: str, value: Tensor, shape: Any) -> None:
    """Say that an initial value has no effect, since the store has the name already."""
    if is_validation_enabled():
        warn(
            f"param {name!r} is in the store already, with shape {tuple(value.shape)}; the initial value of shape "
            f"{tuple(shape)} has no effect. For another model call clear_param_store() first, or use a "
            "get_param_store().scope() for each, or another name",
            TwofoldWarning,
        )


def as_init(name: str, value: Any) -> Tensor:
    """An initial value, lazy or not, as a floating point tensor."""
    if not isinstance(value, Tensor) and callable(value):
        value = value()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(float(value))
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SiteTypeError(
            f"param {name!r}: the initial value is no tensor",
            seen=f"{value!r} of type {type(value).__name__}",
            expected="a tensor or number, or a function that makes one",
            suggestion="convert it with torch.as_tensor(...)",
        ) from error
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise SiteTypeError(
            f"param {name!r}: the initial value needs a floating dtype, gradients do not reach others",
            seen=tensor.dtype,
            expected="a floating dtype, such as torch.float32",
            suggestion="write 1.0 for 1, or call .float()",
        )
    return tensor


def new_leaf(name: str, init: Any, constraint: Constraint) -> Tensor:
    """The leaf that a store keeps for an initial value: unconstrained, and its own unless it is a parameter already."""
    _check_constraint(name, constraint)
    value = as_init(name, init)
    if is_validation_enabled():
        check_constrained(name, value, constraint)
    if constraint is constraints.real:
        if isinstance(value, nn.Parameter) and value.requires_grad:
            return value
        unconstrained = value.detach().clone()
    else:
        with torch.no_grad():
            unconstrained = _transform(name, constraint).inv(value.detach()).detach().clone()
    return unconstrained.contiguous().requires_grad_()


def _check_constraint(name: str, constraint: Any) -> None:
    if not isinstance(constraint, Constraint):
        raise SiteTypeError(
            f"param {name!r}: this is no constraint",
            seen=f"{constraint!r} of type {type(constraint).__name__}",
            expected="a constraint, such as constraints.positive",
            suggestion="from twofold_torch.distributions import constraints",
        )


def _transform(name: str, constraint: Constraint) -> Any:
    """The map from all reals to ``constraint``."""
    try:
        return transform_to(constraint)
    except NotImplementedError as error:
        raise SiteTypeError(
            f"param {name!r} cannot have this constraint: no map from the reals to it is known",
            seen=constraints.describe(constraint),
            expected="a continuous constraint, or a transform registered with transform_to",
            suggestion="choose among constraints.real, positive, unit_interval, interval, simplex, ...",
        ) from error


def check_constrained(name: str, value: Tensor, constraint: Constraint) -> None:
    """Refuse a value that violates its constraint, or that is NaN."""
    if constraint is constraints.real:
        fine = not bool(torch.isnan(value).any())
    else:
        fine = bool(torch.as_tensor(constraint.check(value.detach())).all())
    if not fine:
        shown = value.detach()
        raise SupportError(
            f"param {name!r}: the value violates its constraint",
            seen=shown.tolist() if shown.numel() <= 8 else f"a tensor of shape {tuple(shown.shape)}",
            expected=constraints.describe(constraint),
            suggestion="give an initial value inside the constraint, or another constraint",
        )


def copy_leaf(leaf: Tensor) -> Tensor:
    """A leaf of its own, a parameter if the given one is."""
    copied = leaf.detach().clone()
    return nn.Parameter(copied) if isinstance(leaf, nn.Parameter) else copied.requires_grad_()


def check_state(state: Any) -> None:
    """Refuse what is no state of a store."""
    problem = _problem_of_state(state)
    if problem is not None:
        raise StoreError(
            f"this is no state of a parameter store: {problem}",
            seen=type(state).__name__ if not isinstance(state, Mapping) else f"keys {sorted(map(str, state))}",
            expected="{'params': {name: unconstrained tensor}, 'constraints': {name: constraint}}, as of get_state",
            suggestion="give what get_state() gave; for a file, load(filename)",
        )


def _problem_of_state(state: Any) -> str | None:
    if not isinstance(state, Mapping) or set(state) != {"params", "constraints"}:
        return "it needs exactly the keys 'params' and 'constraints'"
    params, held = state["params"], state["constraints"]
    if not isinstance(params, Mapping) or not isinstance(held, Mapping):
        return "'params' and 'constraints' are dicts by name"
    if set(params) != set(held):
        return f"params and constraints differ in the names {sorted(map(str, set(params) ^ set(held)))}"
    for name, leaf in params.items():
        if not isinstance(name, str):
            return f"the name {name!r} is no string"
        if not isinstance(leaf, Tensor) or not (leaf.is_floating_point() or leaf.is_complex()):
            return f"the value of {name!r} is no floating point tensor"
        if not isinstance(held[name], Constraint):
            return f"the constraint of {name!r} is a {type(held[name]).__name__}"
        _transform(name, held[name])
    return None
