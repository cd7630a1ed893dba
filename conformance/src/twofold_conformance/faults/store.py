"""Faults of the parameter store."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, area, everywhere, nothing, swap
from twofold_conformance.reference import constraints, stateful, store
from twofold_conformance.reference.store import STORE, ParamStore
from twofold_conformance.reference.tensor import Tensor, array

fault = area("STORE")


@fault("store_made_anew", "get_param_store gives another object each time", "the store after a param")
def _() -> Iterator[Patch]:
    def copied() -> ParamStore:
        copy = ParamStore()
        copy.leaves, copy.constraints = STORE.leaves, STORE.constraints
        return copy

    yield everywhere(stateful.get_param_store, copied)


@fault("clear_does_nothing", "clearing the store clears nothing", "length after clearing")
def _() -> Iterator[Patch]:
    yield swap(ParamStore, "clear", nothing)


@fault("clear_keeps_constraints", "clearing forgets values and keeps constraints", "SupportError: param")
def _() -> Iterator[Patch]:
    setdefault = ParamStore.setdefault

    def forgetting(self: Any) -> None:
        self.leaves = {}

    def remembering(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        return setdefault(self, name, init, self.constraints.get(name, constraint))

    yield swap(ParamStore, "clear", forgetting)
    yield swap(ParamStore, "setdefault", remembering)


@fault("named_parameters_constrained", "named_parameters lists values instead of leaves", "a trainable leaf is listed")
def _() -> Iterator[Patch]:
    yield swap(ParamStore, "named_parameters", ParamStore.items)


@fault("items_unconstrained", "items and values give leaves instead of values", r"values in items\(\)")
def _() -> Iterator[Patch]:
    yield swap(ParamStore, "items", lambda self: self.leaves.items())
    yield swap(ParamStore, "values", lambda self: self.leaves.values())


@fault("keys_sorted", "the store lists names alphabetically, not in the order of registration", "iteration")
def _() -> Iterator[Patch]:
    yield swap(ParamStore, "keys", lambda self: sorted(self.leaves))
    yield swap(ParamStore, "__iter__", lambda self: iter(sorted(self.leaves)))


@fault("store_length_off", "len counts constraints as well", "length and truth")
def _() -> Iterator[Patch]:
    yield swap(ParamStore, "__len__", lambda self: len(self.leaves) + len(self.constraints))


@fault("delete_keeps_value", "del store[name] removes the constraint only", "names after the deletion")
def _() -> Iterator[Patch]:
    def half(self: Any, name: str) -> None:
        if name not in self.leaves:
            raise KeyError(name)
        self.constraints[name] = constraints.real

    yield swap(ParamStore, "__delitem__", half)


@fault("delete_unknown_silent", "deleting an unknown name is no error", "deleting an unknown name")
def _() -> Iterator[Patch]:
    def silent(self: Any, name: str) -> None:
        self.leaves.pop(name, None)
        self.constraints.pop(name, None)

    yield swap(ParamStore, "__delitem__", silent)


@fault("setitem_takes_unconstrained", "store[name] = v takes v as the unconstrained value", "store")
def _() -> Iterator[Patch]:
    def raw(self: Any, name: str, value: Any) -> None:
        self.constraints.setdefault(name, constraints.real)
        self.leaves[name] = Tensor(np.array(array(value)), requires_grad=True)

    yield swap(ParamStore, "__setitem__", raw)


@fault("setitem_drops_constraint", "store[name] = v forgets the constraint", "is positive when its leaf")
def _() -> Iterator[Patch]:
    setitem = ParamStore.__setitem__

    def dropping(self: Any, name: str, value: Any) -> None:
        self.constraints[name] = constraints.real
        setitem(self, name, value)

    yield swap(ParamStore, "__setitem__", dropping)


@fault("setitem_refuses_new_names", "store[name] = v is an error for a new name", "KeyError")
def _() -> Iterator[Patch]:
    setitem = ParamStore.__setitem__

    def refusing(self: Any, name: str, value: Any) -> None:
        if name not in self.leaves:
            raise KeyError(name)
        setitem(self, name, value)

    yield swap(ParamStore, "__setitem__", refusing)


@fault(
    "setitem_new_name_positive", "a new name registered by store[name] = v is taken as positive", "SupportError: param"
)
def _() -> Iterator[Patch]:
    setitem = ParamStore.__setitem__

    def constraining(self: Any, name: str, value: Any) -> None:
        self.constraints.setdefault(name, constraints.positive)
        setitem(self, name, value)

    yield swap(ParamStore, "__setitem__", constraining)


@fault("setdefault_returns_leaf", "setdefault returns the unconstrained leaf", "value if absent")
def _() -> Iterator[Patch]:
    setdefault = ParamStore.setdefault

    def leaf(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        return setdefault(self, name, init, constraint).unconstrained()

    yield swap(ParamStore, "setdefault", leaf)


@fault("load_drops_constraints", "a saved or copied state holds no constraints", "positive value")
def _() -> Iterator[Patch]:
    get_state = ParamStore.get_state

    def values_only(self: Any) -> Any:
        state = get_state(self)
        return {**state, "constraints": dict.fromkeys(state["params"], constraints.real)}

    yield swap(ParamStore, "get_state", values_only)


@fault("save_narrows_dtype", "saved arrays come back in another precision", "after loading")
def _() -> Iterator[Patch]:
    load = ParamStore.load

    def narrowed(self: Any, filename: Any) -> None:
        load(self, filename)
        for leaf in self.leaves.values():
            leaf.data = leaf.data.astype(np.float16)

    yield swap(ParamStore, "load", narrowed)


@fault("loaded_params_frozen", "loaded parameters ask for no gradient", "is trainable after loading")
def _() -> Iterator[Patch]:
    load = ParamStore.load

    def frozen(self: Any, filename: Any) -> None:
        load(self, filename)
        for leaf in self.leaves.values():
            leaf.requires_grad = False

    yield swap(ParamStore, "load", frozen)


@fault("load_merges", "load and set_state keep what was in the store", "names after loading into")
def _() -> Iterator[Patch]:
    set_state = ParamStore.set_state

    def merging(self: Any, state: Any) -> None:
        leaves, limits = self.leaves, self.constraints
        set_state(self, state)
        self.leaves, self.constraints = {**leaves, **self.leaves}, {**limits, **self.constraints}

    yield swap(ParamStore, "set_state", merging)


@fault(
    "set_state_loses_values",
    "set_state restores names with zeros",
    "real value after set_state|outputs of the restored network",
)
def _() -> Iterator[Patch]:
    set_state = ParamStore.set_state

    def zeroed(self: Any, state: Any) -> None:
        set_state(self, state)
        for leaf in self.leaves.values():
            leaf.data = np.zeros_like(leaf.data)

    yield swap(ParamStore, "set_state", zeroed)


@fault("state_shares_memory", "get_state hands out the arrays of the store", "real value after set_state")
def _() -> Iterator[Patch]:
    get_state = ParamStore.get_state

    def shared(self: Any) -> Any:
        return {**get_state(self), "params": {name: leaf.data for name, leaf in self.leaves.items()}}

    yield swap(ParamStore, "get_state", shared)


@fault("malformed_state_accepted", "set_state takes what it understands of a malformed state", "set_state with keys")
def _() -> Iterator[Patch]:
    def lenient(self: Any, state: Any) -> None:
        params = state.get("params", {}) if isinstance(state, dict) else {}
        self.leaves = {name: Tensor(np.array(data, float), requires_grad=True) for name, data in params.items()}
        self.constraints = {name: state.get("constraints", {}).get(name, constraints.real) for name in params}

    yield swap(ParamStore, "set_state", lenient)


@fault(
    "malformed_state_clears_store",
    "set_state clears the store before it looks at the state",
    "names after the error about",
)
def _() -> Iterator[Patch]:
    set_state = ParamStore.set_state

    def clearing(self: Any, state: Any) -> None:
        self.clear()
        set_state(self, state)

    yield swap(ParamStore, "set_state", clearing)


@fault("match_anywhere", "match finds its pattern anywhere in a name", "names that match")
def _() -> Iterator[Patch]:
    import re

    def search(self: Any, pattern: str) -> Any:
        return {name: self[name] for name in self.leaves if re.search(pattern, name)}

    yield swap(ParamStore, "match", search)


@fault("match_whole_name", "match wants the whole name to match", "names that begin")
def _() -> Iterator[Patch]:
    import re

    def whole(self: Any, pattern: str) -> Any:
        return {name: self[name] for name in self.leaves if re.fullmatch(pattern, name)}

    yield swap(ParamStore, "match", whole)


@fault("param_name_stale", "param_name answers for a leaf that has been replaced", "name of the leaf")
def _() -> Iterator[Patch]:
    names: list[tuple[Any, str]] = []
    new_leaf = store._new_leaf

    def noting(name: str, value: Any, constraint: Any) -> Any:
        leaf = new_leaf(name, value, constraint)
        names.append((leaf, name))
        return leaf

    yield everywhere(new_leaf, noting)
    yield swap(
        ParamStore, "param_name", lambda self, leaf: next((name for known, name in names if known is leaf), None)
    )


@fault("param_name_unknown", "param_name knows no leaf", "name of a stored leaf")
def _() -> Iterator[Patch]:
    yield swap(ParamStore, "param_name", nothing)


@fault("scope_starts_full", "scope() starts with the outer parameters", "names at the start")
def _() -> Iterator[Patch]:
    scope = ParamStore.scope

    def full(self: Any, state: Any = None) -> Any:
        return scope(self, self.get_state() if state is None else state)

    yield swap(ParamStore, "scope", full)


@fault("scope_leaks", "parameters made inside scope() stay in the outer store", "names after the scope")
def _() -> Iterator[Patch]:
    scope = ParamStore.scope

    @contextmanager
    def leaking(self: Any, state: Any = None) -> Iterator[Any]:
        with scope(self, state) as inner:
            yield inner
            leaves, limits = self.leaves, self.constraints
        self.leaves, self.constraints = {**self.leaves, **leaves}, {**self.constraints, **limits}

    yield swap(ParamStore, "scope", leaking)


@fault("scope_state_lost", "scope(state) forgets what happened inside", r"names in scope\(state\)")
def _() -> Iterator[Patch]:
    scope = ParamStore.scope

    @contextmanager
    def forgetting(self: Any, state: Any = None) -> Iterator[Any]:
        with scope(self, None if state is None else dict(state)):
            yield {"params": {}, "constraints": {}} if state is None else state

    yield swap(ParamStore, "scope", forgetting)


@fault(
    "scope_not_restored_on_error", "an exception inside scope() leaves the inner store in place", "names after a scope"
)
def _() -> Iterator[Patch]:
    @contextmanager
    def careless(self: Any, state: Any = None) -> Iterator[Any]:
        inner: Any = {"params": {}, "constraints": {}} if state is None else state
        outer = self.leaves, self.constraints
        self.set_state(inner)
        yield inner
        inner.update(self.get_state())
        self.leaves, self.constraints = outer

    yield swap(ParamStore, "scope", careless)


@fault("load_missing_file_silent", "loading a file that does not exist is no error", "a missing file")
def _() -> Iterator[Patch]:
    load = ParamStore.load
    yield swap(ParamStore, "load", lambda self, filename: load(self, filename) if Path(filename).exists() else None)


@fault("load_clears_first", "load clears the store before it has read the file", "names after the error")
def _() -> Iterator[Patch]:
    load = ParamStore.load

    def clearing(self: Any, filename: Any) -> None:
        self.clear()
        load(self, filename)

    yield swap(ParamStore, "load", clearing)


@fault("load_unpickles", "load runs the code of a pickled file", "a function named")
def _() -> Iterator[Patch]:
    load = ParamStore.load

    def trusting(self: Any, filename: Any) -> None:
        try:
            load(self, filename)
        except ValueError:
            pickle.loads(Path(filename).read_bytes())
            raise

    yield swap(ParamStore, "load", trusting)
