"""Constraints as plain JSON data, under names that stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import FileFormatError
from . import matrix, scalar, vector
from .base import Constraint, SingletonConstraint, independent

__all__ = ["from_spec", "to_spec"]

_BOUNDED: dict[str, type[Constraint]] = {
    "greater_than": scalar.greater_than,
    "greater_than_eq": scalar.greater_than_eq,
    "less_than": scalar.less_than,
    "less_than_eq": scalar.less_than_eq,
    "interval": scalar.interval,
    "open_interval": scalar.open_interval,
    "integer_interval": scalar.integer_interval,
    "integer_greater_than": scalar.integer_greater_than,
    "multinomial": vector.multinomial,
    "zero_sum": vector.zero_sum,
}
# The very objects that users compare with, so that `from_spec(to_spec(positive)) is positive`.
_NAMED_BOUNDS: dict[tuple[Any, ...], Constraint] = {
    ("greater_than", 0.0): scalar.positive,
    ("greater_than_eq", 0.0): scalar.nonnegative,
    ("interval", 0.0, 1.0): scalar.unit_interval,
    ("integer_greater_than", 0): scalar.nonnegative_integer,
    ("integer_greater_than", 1): scalar.positive_integer,
}
_BOUNDED_NAMES = {kind: name for name, kind in _BOUNDED.items()}
_NAMED_SPECS = {
    type(constraint): {"name": key[0]} | dict(zip(_fields, key[1:], strict=True))
    for key, constraint in _NAMED_BOUNDS.items()
    for _fields in [_BOUNDED[key[0]].leaf_names]
}
_SINGLETONS: dict[str, Constraint] = {
    name: member
    for module in (scalar, vector, matrix)
    for name, member in vars(module).items()
    if isinstance(member, SingletonConstraint)
    and not isinstance(member, independent)
    and type(member) not in _NAMED_SPECS
}
_SINGLETON_NAMES = {type(constraint): name for name, constraint in _SINGLETONS.items()}


def to_spec(constraint: Constraint) -> dict[str, Any]:
    """``constraint`` as data that JSON can hold; the same data as the torch package writes.

    Args:
        constraint: any constraint of this module except dependent ones.

    Returns:
        A dictionary with ``"name"`` and the bounds or parts; read it back with `from_spec`.

    Raises:
        TypeError: the constraint is a class of someone else's, or depends on other arguments.

    Example:
        >>> to_spec(scalar.interval(-1.0, 2.0))
        {'name': 'interval', 'lower_bound': -1.0, 'upper_bound': 2.0}
    """
    c: Any = constraint
    kind = type(c)
    if kind in _NAMED_SPECS:
        return dict(_NAMED_SPECS[kind])
    if kind in _SINGLETON_NAMES:
        return {"name": _SINGLETON_NAMES[kind]}
    if kind in _BOUNDED_NAMES:
        fields = (*kind.leaf_names, *kind.static_names)
        return {"name": _BOUNDED_NAMES[kind]} | {field: _pack(getattr(c, field)) for field in fields}
    if isinstance(c, independent):
        dims = c.reinterpreted_batch_ndims
        return {"name": "independent", "base_constraint": to_spec(c.base_constraint), "reinterpreted_batch_ndims": dims}
    if kind is vector.cat:
        return {"name": "cat", "parts": [to_spec(part) for part in c.cseq], "dim": c.dim, "lengths": list(c.lengths)}
    raise TypeError(f"the constraint {constraint!r} has no written form; use one of twofold_jax's constraints")


def from_spec(spec: Mapping[str, Any]) -> Constraint:
    """The constraint that `to_spec` wrote; no code of the file is run.

    Args:
        spec: the dictionary, as JSON gives it back.

    Returns:
        The constraint; the same object for those without settings.

    Raises:
        FileFormatError: the data name no constraint, or lack a bound.

    Example:
        >>> from_spec({"name": "greater_than", "lower_bound": 0.0}) is scalar.positive
        True
    """
    try:
        return _read(spec)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
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
        kind: Any = _BOUNDED[name]
        bounds = [_unpack(spec[field]) for field in (*kind.leaf_names, *kind.static_names)]
        if all(isinstance(bound, (int, float)) for bound in bounds) and (name, *bounds) in _NAMED_BOUNDS:
            return _NAMED_BOUNDS[(name, *bounds)]
        made: Constraint = kind(*bounds)
        return made
    if name == "independent":
        made = independent(_read(spec["base_constraint"]), int(spec["reinterpreted_batch_ndims"]))
        return next((named for named in (vector.real_vector, matrix.real_matrix) if named == made), made)
    if name == "cat":
        return vector.cat([_read(part) for part in spec["parts"]], spec["dim"], spec["lengths"])
    raise FileFormatError("no constraint has this name", seen=name, expected=sorted([*_SINGLETONS, *_BOUNDED]))


_DTYPE_NAMES = ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64")


def _pack(bound: Any) -> Any:
    """Numbers as they are (infinities as text, which strict JSON lacks), arrays as lists with their dtype."""
    if isinstance(bound, (jax.Array, np.ndarray, np.generic)):
        array = np.asarray(bound)
        flat = array.astype(np.float64) if jnp.issubdtype(array.dtype, jnp.floating) else array
        packed = [_pack(item) for item in flat.reshape(-1).tolist()]
        return {"tensor": packed, "shape": list(array.shape), "dtype": str(array.dtype)}
    if isinstance(bound, float) and not np.isfinite(bound):
        return str(bound)
    if not isinstance(bound, (int, float)):
        raise TypeError(f"a bound of type {type(bound).__name__} has no written form; use a number or an array")
    return bound


def _unpack(packed: Any) -> Any:
    if isinstance(packed, Mapping):
        if packed["dtype"] not in _DTYPE_NAMES:
            raise TypeError(f"a bound cannot have dtype {packed['dtype']}")
        values = [_unpack(item) for item in packed["tensor"]]
        return jnp.asarray(values, dtype=packed["dtype"]).reshape(packed["shape"])
    if isinstance(packed, str):
        return float(packed)
    if not isinstance(packed, (int, float)):
        raise TypeError("a bound must be a number")
    return packed
