"""Faults of ``param``: what is stored, what is returned, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import (
    Patch,
    altered,
    area,
    everywhere,
    forgotten_between_checks,
    swap,
)
from twofold_conformance.reference import constraints, draws, mechanism, stateful, stateless, store, traces
from twofold_conformance.reference.store import STORE, ParamStore
from twofold_conformance.reference.tensor import Tensor, array, tensor

fault = area("PARAM")


@fault(
    "param_not_stored",
    "stateful: param returns its initial value and stores nothing",
    "names in the store|UnknownParameterError: the store holds",
)
def _() -> Iterator[Patch]:
    def forgetful(msg: Any) -> Any:
        init = msg["args"][0] if msg["args"] else None
        return STORE[msg["name"]] if init is None else tensor(init() if callable(init) else init)

    yield everywhere(stateful.read_store, forgetful)


@fault("param_init_every_time", "each param statement stores its initial value again", "value")
def _() -> Iterator[Patch]:
    setdefault = ParamStore.setdefault

    def anew(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        self.leaves.pop(name, None)
        return setdefault(self, name, init, self.constraints.get(name, constraint))

    yield swap(ParamStore, "setdefault", anew)


@fault(
    "unknown_param_is_none",
    "stateful: param of an unknown name without an initial value returns None",
    r"param\(name\) of an unknown name",
)
def _() -> Iterator[Patch]:
    getitem = ParamStore.__getitem__
    yield swap(ParamStore, "__getitem__", lambda self, name: getitem(self, name) if name in self.leaves else None)


@fault(
    "unknown_param_error_without_name",
    "stateful: the error about an unknown parameter does not name it",
    r"param\(name\) of an unknown name",
)
def _() -> Iterator[Patch]:
    getitem = ParamStore.__getitem__

    def vague(self: Any, name: str) -> Any:
        if name not in self.leaves:
            raise KeyError("unknown parameter")
        return getitem(self, name)

    yield swap(ParamStore, "__getitem__", vague)


@fault(
    "lazy_init_called_every_time",
    "a function that makes the initial value is called by every statement",
    "calls of the init",
)
def _() -> Iterator[Patch]:
    setdefault = ParamStore.setdefault

    def eager(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        return setdefault(self, name, init() if callable(init) else init, constraint)

    yield swap(ParamStore, "setdefault", eager)


@fault(
    "param_detached",
    "stateful: the value of a parameter carries no gradient to its leaf",
    "the returned value requires grad",
)
def _() -> Iterator[Patch]:
    yield _reading(lambda value: value.detach())


@fault(
    "unconstrained_is_a_copy",
    "stateful: unconstrained() gives a copy of the leaf",
    r"unconstrained\(\) of a real parameter",
)
def _() -> Iterator[Patch]:
    yield swap(Tensor, "unconstrained", lambda self: Tensor(np.array(array(self.leaf if self.leaf else self))))


def _reading(change: Any) -> Patch:
    getitem = ParamStore.__getitem__

    def changed(self: Any, name: str) -> Any:
        value = change(getitem(self, name))
        value.leaf = self.leaves[name]
        return value

    return swap(ParamStore, "__getitem__", changed)


@fault(
    "real_param_stored_halved",
    "stateful: a parameter without a constraint is stored in other units",
    "unconstrained leaf",
)
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def halved(name: str, value: Any, constraint: Any) -> Any:
        return new_leaf(name, array(value) / 2 if constraint == constraints.real else value, constraint)

    getitem = ParamStore.__getitem__

    def doubled(self: Any, name: str) -> Any:
        value = getitem(self, name)
        if self.constraints[name] == constraints.real:
            value = value * 2.0
            value.leaf = self.leaves[name]
        return value

    yield everywhere(new_leaf, halved)
    yield swap(ParamStore, "__getitem__", doubled)


@fault(
    "init_taken_as_unconstrained",
    "stateful: the initial value of a constrained parameter is put into the leaf as it is",
    "value under positive",
)
def _() -> Iterator[Patch]:
    for kind in (constraints._GreaterThan, constraints._Interval, constraints._LowerCholesky):
        yield swap(kind, "unconstrain", lambda self, value: np.array(array(value)))
    yield swap(constraints._Simplex, "unconstrain", lambda self, value: array(value)[..., :-1])


@fault(
    "constraint_checked_only_once",
    "stateful: only the initial value satisfies the constraint, not what it becomes",
    "the value stays inside positive",
)
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf
    getitem = ParamStore.__getitem__

    def plain(self: Any, name: str) -> Any:
        return self.leaves[name] if name in self.leaves else getitem(self, name)

    yield everywhere(new_leaf, lambda name, value, constraint: new_leaf(name, value, constraints.real))
    yield swap(ParamStore, "__getitem__", plain)


@fault(
    "param_later_constraint_wins", "stateful: a later statement changes the constraint", "value of a later statement"
)
def _() -> Iterator[Patch]:
    setdefault = ParamStore.setdefault

    def replacing(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        setdefault(self, name, init, constraint)
        self.constraints[name] = constraint
        return self[name]

    yield swap(ParamStore, "setdefault", replacing)


@fault("param_constraint_not_recorded", "the site of a parameter does not say its constraint", "recorded constraint")
def _() -> Iterator[Patch]:
    postprocess = traces.trace.postprocess

    def unconstrained(self: Any, msg: Any) -> None:
        extra = {"kwargs": {**msg["kwargs"], "constraint": constraints.real}} if msg["type"] == "param" else {}
        postprocess(self, altered(msg, **extra))

    yield swap(traces.trace, "postprocess", unconstrained)


@fault(
    "params_disagree_in_one_run",
    "stateless: each statement of a parameter takes its own initial value",
    "outputs of the second statement|values of two statements",
)
def _() -> Iterator[Patch]:
    yield everywhere(stateless.first_value, stateless.initial_value)


@fault(
    "params_persist", "stateless: a parameter keeps its first value beyond the run", "values of two statements outside"
)
def _() -> Iterator[Patch]:
    kept: dict[str, Any] = {}

    def keeping(msg: Any) -> Any:
        if kept.get(msg["name"]) is None:
            kept[msg["name"]] = stateless.initial_value(msg)
        return kept[msg["name"]]

    yield everywhere(stateless.first_value, keeping)
    yield forgotten_between_checks(kept.clear)


@fault("param_without_init_fails", "stateless: param without an initial value is an error", "ValueError: param")
def _() -> Iterator[Patch]:
    initial = stateless.initial_value

    def strict(msg: Any) -> Any:
        if msg["args"][0] is None:
            raise ValueError(f"param {msg['name']!r} has no initial value")
        return initial(msg)

    yield everywhere(initial, strict)


@fault("param_ignores_init", "stateless: param returns zeros in the place of its initial value", "value")
def _() -> Iterator[Patch]:
    initial = stateless.initial_value

    def zeros(msg: Any) -> Any:
        value = initial(msg)
        return value if value is None or isinstance(value, dict | list) else Tensor(np.zeros(array(value).shape))

    yield everywhere(initial, zeros)


@fault(
    "lazy_param_key_fixed",
    "stateless: a function that makes an initial value gets the same key whatever the seed",
    "outputs with different seeds|values with different seeds",
)
def _() -> Iterator[Patch]:
    initial = stateless.initial_value
    yield everywhere(initial, lambda msg: initial(altered(msg, rng_key=draws.make_key(0))))


@fault(
    "lazy_param_called_though_substituted",
    "stateless: a function that makes an initial value is called in any case",
    "MissingKeyError: param",
)
def _() -> Iterator[Patch]:
    perform = mechanism._perform

    def eager(msg: Any) -> None:
        if msg["type"] == "param" and msg["value"] is not None and callable(msg["args"][0] if msg["args"] else None):
            msg["default"](msg)
        perform(msg)

    yield everywhere(perform, eager)


@fault(
    "init_outside_constraint_accepted", "an initial value outside the constraint is taken as it is", "under positive"
)
def _() -> Iterator[Patch]:
    yield swap(store, "is_validation_enabled", lambda: False)
    yield swap(stateless, "is_validation_enabled", lambda: False)


@fault(
    "init_becomes_the_leaf",
    "stateful: the caller's array itself becomes the stored leaf",
    "requires_grad of the caller",
)
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def sharing(name: str, value: Any, constraint: Any) -> Any:
        leaf = new_leaf(name, value, constraint)
        if isinstance(value, Tensor) and constraint == constraints.real and value.dtype.kind == "f":
            value.requires_grad = True
            return value
        return leaf

    yield everywhere(new_leaf, sharing)


@fault(
    "failed_init_leaves_constraint",
    "stateful: a lazy init that fails leaves its constraint behind",
    "SupportError: param",
)
def _() -> Iterator[Patch]:
    setdefault, setitem = ParamStore.setdefault, ParamStore.__setitem__

    def hasty(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        if name not in self.leaves:
            self.constraints[name] = constraint
        return setdefault(self, name, init, constraint)

    yield swap(ParamStore, "setdefault", hasty)
    yield swap(ParamStore, "__setitem__", setitem)


@fault(
    "failed_init_registers_name",
    "stateful: a lazy init that fails leaves its name registered",
    "the store holds the name",
)
def _() -> Iterator[Patch]:
    setdefault = ParamStore.setdefault

    def hasty(self: Any, name: str, init: Any, constraint: Any = constraints.real) -> Any:
        try:
            return setdefault(self, name, init, constraint)
        except Exception:
            self.leaves[name], self.constraints[name] = Tensor(np.zeros(()), requires_grad=True), constraint
            raise

    yield swap(ParamStore, "setdefault", hasty)


@fault("param_dtype_changed", "stateful: parameters are stored in single precision", "dtype of the returned value")
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def narrowed(name: str, value: Any, constraint: Any) -> Any:
        leaf = new_leaf(name, value, constraint)
        leaf.data = leaf.data.astype(np.float32)
        return leaf

    yield everywhere(new_leaf, narrowed)


@fault("python_float_init_refused", "stateful: an initial value must be an array", "TypeError: param")
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def strict(name: str, value: Any, constraint: Any) -> Any:
        if isinstance(value, float):
            raise TypeError(f"param {name!r}: a float is no array")
        return new_leaf(name, value, constraint)

    yield everywhere(new_leaf, strict)


@fault(
    "integer_init_converted",
    "stateful: an integer initial value becomes a float without a word",
    "an integer array as init",
)
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def lenient(name: str, value: Any, constraint: Any) -> Any:
        data = array(value)
        return new_leaf(name, value if data.dtype.kind == "f" else data.astype(float), constraint)

    yield everywhere(new_leaf, lenient)


@fault(
    "blocked_param_not_stored",
    "stateful: a parameter that block hides is not stored",
    "UnknownParameterError: the store holds",
)
def _() -> Iterator[Patch]:
    read = stateful.read_store

    def hidden(msg: Any) -> Any:
        return tensor(msg["args"][0]) if msg["stop"] and msg["args"] else read(msg)

    yield everywhere(read, hidden)


@fault("init_graph_kept", "stateful: an initial value with a history is stored with it", "the stored value carries")
def _() -> Iterator[Patch]:
    new_leaf = store._new_leaf

    def grown(name: str, value: Any, constraint: Any) -> Any:
        leaf = new_leaf(name, value, constraint)
        return value if isinstance(value, Tensor) and value.step is not None else leaf

    yield everywhere(new_leaf, grown)
