"""Faults of inference, as far as the clauses reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, area, swap
from twofold_conformance.reference.infer import StatefulSVI, StatelessSVI
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import Tensor

fault = area("INFER")


@fault("svi_does_not_move", "a step of SVI changes no parameter", "loc after a step")
def _() -> Iterator[Patch]:
    yield swap(StatefulSVI, "step", StatefulSVI.evaluate)
    yield swap(StatelessSVI, "update", lambda self, state, *args: (state, self.evaluate(*args)))


@fault("svi_replaces_leaves", "stateful: a step puts new leaves into the store", "leaf of loc")
def _() -> Iterator[Patch]:
    step = StatefulSVI.step

    def replacing(self: Any, *args: Any) -> float:
        loss = step(self, *args)
        for name, leaf in list(STORE.leaves.items()):
            STORE.leaves[name] = Tensor(leaf.data.copy(), requires_grad=True)
        return float(loss)

    yield swap(StatefulSVI, "step", replacing)


@fault("svi_renames_params", "stateful: a step leaves other names in the store", "names in the store")
def _() -> Iterator[Patch]:
    step = StatefulSVI.step

    def renaming(self: Any, *args: Any) -> float:
        loss = step(self, *args)
        STORE["step"] = Tensor(0.0)
        return float(loss)

    yield swap(StatefulSVI, "step", renaming)


@fault(
    "svi_params_unconstrained",
    "get_params gives unconstrained values",
    r"constrained value of the positive|share is in \(",
)
def _() -> Iterator[Patch]:
    yield swap(StatelessSVI, "params", lambda self: {k: np.asarray(v) for k, v in self.state.unconstrained.items()})
    yield swap(StatefulSVI, "params", lambda self: {k: leaf.data for k, leaf in STORE.leaves.items()})


@fault(
    "svi_starts_elsewhere",
    "stateless: a fit does not start from the initial values of the statements",
    "initial value of loc",
)
def _() -> Iterator[Patch]:
    first = StatelessSVI.first

    def zeros(self: Any, *args: Any) -> Any:
        state = first(self, *args)
        return state._replace(unconstrained={k: np.zeros_like(v) for k, v in state.unconstrained.items()})

    yield swap(StatelessSVI, "first", zeros)


@fault("svi_steps_on_values", "a step moves constrained values, out of their constraint", r"share is in \(")
def _() -> Iterator[Patch]:
    step = StatefulSVI.step

    def stepping(self: Any, *args: Any) -> float:
        loss = step(self, *args)
        for leaf in STORE.leaves.values():
            leaf.data = leaf.data * np.nan
        return float(loss)

    yield swap(StatefulSVI, "step", stepping)
    update = StatelessSVI.update

    def updating(self: Any, state: Any, *args: Any) -> Any:
        moved, loss = update(self, state, *args)
        return moved._replace(unconstrained={k: v * np.nan for k, v in moved.unconstrained.items()}), loss

    yield swap(StatelessSVI, "update", updating)
