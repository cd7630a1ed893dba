"""Faults of ``param`` inside a plate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import (
    Patch,
    area,
    everywhere,
    nothing,
    swap,
)
from twofold_conformance.reference import plates, traces
from twofold_conformance.reference.plates import Plate
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import array, tensor

fault = area("PARAM")


@fault("param_not_subsampled", "event_dim has no effect inside a subsampled plate", "shape")
def _() -> Iterator[Patch]:
    yield swap(Plate, "postprocess", nothing)


@fault(
    "param_subsampled_without_event_dim",
    "a parameter is subsampled although no event_dim was given",
    "shape of value without event_dim",
)
def _() -> Iterator[Patch]:
    postprocess = Plate.postprocess

    def always(self: Any, msg: Any) -> None:
        before = msg["kwargs"].get("event_dim")
        if msg["type"] == "param":
            msg["kwargs"]["event_dim"] = before or 0
        postprocess(self, msg)
        if msg["type"] == "param":
            msg["kwargs"]["event_dim"] = before

    yield swap(Plate, "postprocess", always)


@fault(
    "event_dim_ignored_position",
    "event_dim is taken as 0: the plate's dim is counted from the rightmost",
    "ShapeError: param",
)
def _() -> Iterator[Patch]:
    entries = Plate._entries
    yield swap(Plate, "_entries", lambda self, msg, event_dim, dim: entries(self, msg, 0, dim))


@fault("param_subsampled_at_last_dim", "every plate subsamples the rightmost batch dim", "ShapeError: param")
def _() -> Iterator[Patch]:
    entries = Plate._entries
    yield swap(Plate, "_entries", lambda self, msg, event_dim, dim: entries(self, msg, event_dim, -1))


@fault(
    "param_subsampled_by_one_plate",
    "of several plates only the outermost subsamples a parameter",
    "shape of init at both",
)
def _() -> Iterator[Patch]:
    postprocess = Plate.postprocess

    def first(self: Any, msg: Any) -> None:
        if not msg["kwargs"].get("done"):
            postprocess(self, msg)
            msg["kwargs"]["done"] = msg["type"] in ("param", "subsample")

    yield swap(Plate, "postprocess", first)


@fault(
    "missing_batch_dim_fails",
    "a parameter without a batch dim, or with one of length 1, cannot stand in a plate",
    "has no dim for plate",
)
def _() -> Iterator[Patch]:
    def strict(plate: Any, msg: Any, value: Any, axis: int) -> None:
        if axis < 0 or value.shape[axis] != plate.size:
            raise ValueError(f"{msg['name']!r} has no dim for plate {plate.name!r}")

    yield everywhere(plates._check_param_length, strict)


@fault("param_length_unchecked", "the length of a parameter is not held against the size of the plate", "a batch dim")
def _() -> Iterator[Patch]:
    yield everywhere(plates._check_param_length, nothing)
    yield everywhere(plates._is_whole, lambda plate: True)


@fault("store_keeps_batch_only", "stateful: the store keeps only the entries of the batch", "shape of stored value")
def _() -> Iterator[Patch]:
    postprocess = Plate.postprocess

    def storing(self: Any, msg: Any) -> None:
        postprocess(self, msg)
        if msg["type"] == "param" and msg["name"] in STORE and msg["kwargs"].get("event_dim") is not None:
            STORE[msg["name"]] = msg["value"]

    yield swap(Plate, "postprocess", storing)


@fault("subsampled_param_detached", "no gradient flows through a subsampled parameter", "gradient on the stored leaf")
def _() -> Iterator[Patch]:
    entries = Plate._entries
    yield swap(Plate, "_entries", lambda self, msg, *dims: tensor(entries(self, msg, *dims)).detach())


@fault("plate_expands_param", "a plate repeats parameters as it repeats laws", "shape of a scalar parameter")
def _() -> Iterator[Patch]:
    process = Plate.postprocess

    def expanding(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["type"] == "param" and self.batch > 0 and np.ndim(array(msg["value"])) == 0:
            msg["value"] = tensor(np.broadcast_to(array(msg["value"]), (self.batch,)))

    yield swap(Plate, "postprocess", expanding)


@fault("param_weighs", "parameters add to the joint log density", "joint log density")
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum

    def heavier(self: Any, *args: Any) -> Any:
        params = [site["value"] for site in self.values() if site["type"] == "param"]
        return sum((tensor(value).sum() for value in params), total(self, *args))

    yield swap(traces.Trace, "log_prob_sum", heavier)
