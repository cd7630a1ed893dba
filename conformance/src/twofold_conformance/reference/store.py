"""Stateful: the parameter store.  For each name an unconstrained leaf, and the constraint that makes it a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from twofold_conformance.reference import constraints
from twofold_conformance.reference.constraints import Constraint
from twofold_conformance.reference.errors import (
    FileFormatError,
    StatementError,
    SupportError,
    UnknownParameterError,
)
from twofold_conformance.reference.tensor import Tensor, array
from twofold_conformance.reference.validation import is_validation_enabled

State = dict[str, dict[str, Any]]
"""``params``: name -> unconstrained array; ``constraints``: name -> constraint."""


class Parameter(Tensor):
    """A leaf that belongs to somebody, such as a network: the store shares it instead of copying."""

    def __init__(self, data: Any, *, requires_grad: bool = True) -> None:
        super().__init__(np.array(data), requires_grad=requires_grad)


class ParamStore:
    """Constrained values by name, in the order of registration."""

    def __init__(self) -> None:
        self.leaves: dict[str, Tensor] = {}
        self.constraints: dict[str, Constraint] = {}

    def clear(self) -> None:
        self.leaves, self.constraints = {}, {}

    def keys(self) -> Any:
        return self.leaves.keys()

    def values(self) -> Iterator[Tensor]:
        return (self[name] for name in self.leaves)

    def items(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, self[name]) for name in self.leaves)

    def __iter__(self) -> Iterator[str]:
        return iter(self.leaves)

    def __len__(self) -> int:
        return len(self.leaves)

    def __contains__(self, name: object) -> bool:
        return name in self.leaves

    def __getitem__(self, name: str) -> Tensor:
        """The constrained value; its ``unconstrained()`` is the leaf."""
        if name not in self.leaves:
            raise UnknownParameterError(f"the store holds no parameter {name!r}")
        leaf, constraint = self.leaves[name], self.constraints[name]
        if constraint == constraints.real:
            return leaf
        value = constraint.constrain(leaf)
        value.leaf = leaf
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        """Overwrite a constrained value; a new name is real."""
        constraint = self.constraints.get(name, constraints.real)
        self.leaves[name] = _new_leaf(name, value, constraint)
        self.constraints[name] = constraint

    def __delitem__(self, name: str) -> None:
        if name not in self.leaves:
            raise UnknownParameterError(f"the store holds no parameter {name!r}")
        del self.leaves[name], self.constraints[name]

    def setdefault(self, name: str, init: Any, constraint: Constraint = constraints.real) -> Tensor:
        """Register ``init`` (or what it returns) if the name is new; the value in any case."""
        if name not in self.leaves:
            leaf = _new_leaf(name, init() if callable(init) else init, constraint)
            self.leaves[name], self.constraints[name] = leaf, constraint
        return self[name]

    def named_parameters(self) -> Any:
        return self.leaves.items()

    def match(self, pattern: str) -> dict[str, Tensor]:
        """The entries whose name matches from the start."""
        return {name: self[name] for name in self.leaves if re.match(pattern, name)}

    def param_name(self, leaf: Any) -> str | None:
        """The name under which ``leaf`` is stored now."""
        return next((name for name, stored in self.leaves.items() if stored is leaf), None)

    def get_state(self) -> State:
        """A copy of everything."""
        params = {name: leaf.data.copy() for name, leaf in self.leaves.items()}
        return {"params": params, "constraints": dict(self.constraints)}

    def set_state(self, state: State) -> None:
        """Replace the contents."""
        _check_state(state)
        self.leaves = {name: Tensor(np.array(data), requires_grad=True) for name, data in state["params"].items()}
        self.constraints = dict(state["constraints"])

    @contextmanager
    def scope(self, state: State | None = None) -> Iterator[State]:
        """Another store during a ``with`` block: empty, or as ``state`` has it.  ``state`` receives its end."""
        inner: State = {"params": {}, "constraints": {}} if state is None else state
        outer = self.leaves, self.constraints
        try:
            self.set_state(inner)
            yield inner
            inner.update(self.get_state())
        finally:
            self.leaves, self.constraints = outer

    def save(self, filename: Any) -> None:
        """Write arrays and a description of the constraints; no code."""
        state = self.get_state()
        described = json.dumps([[name, *_describe(state["constraints"][name])] for name in state["params"]])
        arrays = {f"array{i}": data for i, data in enumerate(state["params"].values())}
        with Path(filename).open("wb") as file:
            np.savez(file, description=np.array(described), **arrays)

    def load(self, filename: Any) -> None:
        """Replace the contents by those of a file."""
        with Path(filename).open("rb") as file:
            try:
                saved = np.load(file, allow_pickle=False)
                described = json.loads(str(saved["description"]))
                params = {name: saved[f"array{i}"] for i, (name, *_) in enumerate(described)}
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                raise FileFormatError(f"{filename} was not written by save(): {error}") from error
        self.set_state({"params": params, "constraints": {name: _constraint(*rest) for name, *rest in described}})


def _new_leaf(name: str, value: Any, constraint: Constraint) -> Tensor:
    """The leaf behind a constrained value: a ``Parameter`` itself, a copy of anything else."""
    data = array(value)
    if data.dtype.kind != "f":
        raise StatementError(f"param {name!r}: a floating dtype is required, seen: {data.dtype}")
    if is_validation_enabled() and not np.all(constraint.check(data)):
        raise SupportError(f"param {name!r}: {data} is outside its constraint {constraint}")
    if isinstance(value, Parameter) and constraint == constraints.real:
        return value
    return Tensor(np.array(constraint.unconstrain(data), dtype=data.dtype), requires_grad=True)


def _check_state(state: Any) -> None:
    try:
        params, limits = state["params"], state["constraints"]
        sound = set(state) == {"params", "constraints"} and set(params) == set(limits)
        sound = sound and all(np.asarray(data).dtype.kind == "f" for data in params.values())
        sound = sound and all(isinstance(limit, Constraint) for limit in limits.values())
    except (TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise FileFormatError("a state is {'params': arrays by name, 'constraints': constraints of the same names}")


_NAMED = {
    "real": constraints.real,
    "positive": constraints.positive,
    "simplex": constraints.simplex,
    "lower_cholesky": constraints.lower_cholesky,
}


def _describe(constraint: Constraint) -> tuple[str, Mapping[str, float]]:
    """A constraint in words that JSON can hold."""
    for name, known in _NAMED.items():
        if constraint == known:
            return name, {}
    bounds = {key: float(getattr(constraint, key)) for key in ("low", "high") if hasattr(constraint, key)}
    return ("interval" if "high" in bounds else "greater_than"), bounds


def _constraint(name: str, bounds: Mapping[str, float]) -> Constraint:
    if name in _NAMED:
        return _NAMED[name]
    return constraints.interval(**bounds) if name == "interval" else constraints.greater_than(**bounds)


STORE = ParamStore()
