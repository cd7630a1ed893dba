"""Constraints as plain JSON data, under names that stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as tc
from torch.distributions.constraints import Constraint

from twofold_torch.errors import FileFormatError

from . import basic

__all__ = ["from_spec", "to_spec"]

_SINGLETONS: dict[str, Constraint] = {
    "real": tc.real,
    "boolean": tc.boolean,
    "one_hot": tc.one_hot,
    "integer": basic.integer,
    "circular": basic.circular,
    "softplus_positive": basic.softplus_positive,
    "simplex": basic.simplex,
    "sphere": basic.sphere,
    "l1_ball": basic.l1_ball,
    "ordered_vector": basic.ordered_vector,
    "positive_ordered_vector": basic.positive_ordered_vector,
    "lower_triangular": tc.lower_triangular,
    "lower_cholesky": tc.lower_cholesky,
    "corr_cholesky": tc.corr_cholesky,
    "unit_lower_cholesky": basic.unit_lower_cholesky,
    "softplus_lower_cholesky": basic.softplus_lower_cholesky,
    "scaled_unit_lower_cholesky": basic.scaled_unit_lower_cholesky,
    "corr_matrix": basic.corr_matrix,
    "square": tc.square,
    "symmetric": tc.symmetric,
    "positive_definite": tc.positive_definite,
    "positive_semidefinite": tc.positive_semidefinite,
}
_BOUNDED: dict[str, tuple[Any, tuple[str, ...]]] = {
    "greater_than": (tc.greater_than, ("lower_bound",)),
    "greater_than_eq": (tc.greater_than_eq, ("lower_bound",)),
    "less_than": (tc.less_than, ("upper_bound",)),
    "interval": (tc.interval, ("lower_bound", "upper_bound")),
    "open_interval": (basic.open_interval, ("lower_bound", "upper_bound")),
    "half_open_interval": (tc.half_open_interval, ("lower_bound", "upper_bound")),
    "integer_interval": (tc.integer_interval, ("lower_bound", "upper_bound")),
    "integer_greater_than": (basic.integer_greater_than, ("lower_bound",)),
    "multinomial": (tc.multinomial, ("upper_bound",)),
    "zero_sum": (basic.zero_sum, ("event_dim",)),
}
# The very objects that users compare with, so that `from_spec(to_spec(positive)) is positive`.
_NAMED_BOUNDS: dict[tuple[Any, ...], Constraint] = {
    ("greater_than", 0.0): tc.positive,
    ("greater_than_eq", 0.0): tc.nonnegative,
    ("interval", 0.0, 1.0): tc.unit_interval,
    ("integer_greater_than", 0): tc.nonnegative_integer,
    ("integer_greater_than", 1): tc.positive_integer,
}
_SINGLETON_NAMES = {type(c): name for name, c in _SINGLETONS.items()} | {type(tc.simplex): "simplex"}
_BOUNDED_NAMES = {kind: name for name, (kind, _) in _BOUNDED.items()}


def to_spec(constraint: Constraint) -> dict[str, Any]:
    """``constraint`` as data that JSON can hold.

    Args:
        constraint: any constraint of this module except dependent ones.

    Returns:
        A dictionary with ``"name"`` and the bounds or parts; read it back with :func:`from_spec`.

    Raises:
        TypeError: the constraint is a class of someone else's, or depends on other arguments.

    Example:
        >>> to_spec(tc.interval(-1.0, 2.0))
        {'name': 'interval', 'lower_bound': -1.0, 'upper_bound': 2.0}
    """
    c: Any = constraint
    kind = type(c)
    if kind in _SINGLETON_NAMES:
        return {"name": _SINGLETON_NAMES[kind]}
    if kind in _BOUNDED_NAMES:
        name = _BOUNDED_NAMES[kind]
        return {"name": name} | {field: _pack(getattr(c, field)) for field in _BOUNDED[name][1]}
    if kind is tc.independent:
        dims = c.reinterpreted_batch_ndims
        return {"name": "independent", "base_constraint": to_spec(c.base_constraint), "reinterpreted_batch_ndims": dims}
    if kind is tc.cat:
        return {"name": "cat", "parts": [to_spec(part) for part in c.cseq], "dim": c.dim, "lengths": list(c.lengths)}
    if kind is tc.stack:
        return {"name": "stack", "parts": [to_spec(part) for part in c.cseq], "dim": c.dim}
    raise TypeError(f"the constraint {constraint!r} has no written form; use one of twofold_torch's constraints")


def from_spec(spec: Mapping[str, Any]) -> Constraint:
    """The constraint that :func:`to_spec` wrote; no code of the file is run.

    Args:
        spec: the dictionary, as JSON gives it back.

    Returns:
        The constraint; the same object for those without settings.

    Raises:
        FileFormatError: the data name no constraint, or lack a bound.

    Example:
        >>> from_spec({"name": "greater_than", "lower_bound": 0.0}) is tc.positive
        True
    """
    try:
        return _read(spec)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(
            "the description of a constraint is damaged", seen=spec, expected="data written by to_spec"
        ) from error


def _read(spec: Mapping[str, Any]) -> Constraint:
    name = spec["name"]
    if name in _SINGLETONS:
        return _SINGLETONS[name]
    if name in _BOUNDED:
        kind, fields = _BOUNDED[name]
        bounds = [_unpack(spec[field]) for field in fields]
        if all(isinstance(bound, int | float) for bound in bounds) and (name, *bounds) in _NAMED_BOUNDS:
            return _NAMED_BOUNDS[(name, *bounds)]
        made: Constraint = kind(*bounds)
        return made
    if name == "independent":
        return tc.independent(_read(spec["base_constraint"]), spec["reinterpreted_batch_ndims"])
    if name == "cat":
        return tc.cat([_read(part) for part in spec["parts"]], spec["dim"], spec["lengths"])
    if name == "stack":
        return tc.stack([_read(part) for part in spec["parts"]], spec["dim"])
    raise FileFormatError("no constraint has this name", seen=name, expected=sorted([*_SINGLETONS, *_BOUNDED]))


def _pack(bound: Any) -> Any:
    """Numbers as they are (infinities as text, which strict JSON lacks), tensors as nested lists with their dtype."""
    if isinstance(bound, Tensor):
        values = bound.detach().cpu().double() if bound.is_floating_point() else bound.detach().cpu()
        packed = [_pack(item) for item in values.reshape(-1).tolist()]
        return {"tensor": packed, "shape": list(bound.shape), "dtype": str(bound.dtype).removeprefix("torch.")}
    if isinstance(bound, float) and (bound != bound or bound in (float("inf"), float("-inf"))):
        return str(bound)
    if not isinstance(bound, int | float):
        raise TypeError(f"a bound of type {type(bound).__name__} has no written form; use a number or a tensor")
    return bound


_DTYPE_NAMES = ["float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64"]
_DTYPES = {name: getattr(torch, name) for name in _DTYPE_NAMES}


def _unpack(packed: Any) -> Any:
    if isinstance(packed, Mapping):
        values = [_unpack(item) for item in packed["tensor"]]
        return torch.tensor(values, dtype=_DTYPES[packed["dtype"]]).reshape(packed["shape"])
    if isinstance(packed, str):
        return float(packed)
    if not isinstance(packed, int | float):
        raise TypeError("a bound must be a number")
    return packed
