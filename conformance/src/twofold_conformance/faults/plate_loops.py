"""Faults of sequential plates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twofold_conformance.faults.planting import Patch, area, nothing, swap
from twofold_conformance.reference import plates, stateful, stateless
from twofold_conformance.reference.mechanism import Frame, Handler
from twofold_conformance.reference.plates import Plate
from twofold_conformance.reference.tensor import Tensor, array

fault = area("PLATE")
_TURNS = stateful.plate._turns


def _turning(change: Any) -> Patch:
    """Change what the loop goes through."""
    return swap(stateful.plate, "_turns", lambda self, indices: change(_TURNS(self, indices)))


@fault("loop_yields_arrays", "a loop yields arrays instead of numbers", "types of the turns")
def _() -> Iterator[Patch]:
    yield _turning(lambda turns: (Tensor(index) for index in turns))


@fault("loop_reversed", "a loop goes through the members from the last to the first", "turns of a sequential plate")
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_turns", lambda self, indices: _TURNS(self, indices[::-1]))


@fault(
    "loop_ignores_batch", "a loop goes through all members although a batch was asked for", "number of different turns"
)
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_turns", lambda self, indices: _TURNS(self, list(range(self.size))))


@fault("loop_not_weighed", "the sites of a subsampled loop are not weighed", "scale|joint log density, loop")
def _() -> Iterator[Patch]:
    weigh = Plate._weigh
    yield swap(
        Plate, "_weigh", lambda self, msg: weigh(self, msg) if self.frame and self.frame.dim is not None else None
    )


@fault("loop_weight_grows", "each turn of a loop adds its weight to those of the turns before", "scale")
def _() -> Iterator[Patch]:
    weigh = Plate._weigh

    def growing(self: Any, msg: Any) -> None:
        for _turn in range(self.frame.counter + 1 if self.frame and self.frame.dim is None else 1):
            weigh(self, msg)

    yield swap(Plate, "_weigh", growing)


@fault("loop_takes_a_dim", "a loop takes a batch dim", "shape of site")
def _() -> Iterator[Patch]:
    yield _entering(lambda plate, frame: frame._replace(dim=plates._free_dim(plates.active_plates()), size=1))


@fault("loop_counter_constant", "all turns of a loop look the same to their sites", "number of different counters")
def _() -> Iterator[Patch]:
    yield _entering(lambda plate, frame: frame._replace(counter=0))


@fault("loop_name_missing", "the sites of a loop do not list their plate", "plates around the sites")
def _() -> Iterator[Patch]:
    yield _entering(lambda plate, frame: frame._replace(name="", counter=0))


def _entering(change: Any) -> Patch:
    """Change the frame of each turn."""
    enter = Handler.__enter__

    def entering(self: Any) -> Any:
        if isinstance(self, Plate) and self.frame is not None and self.frame.dim is None:
            self.frame = change(self, self.frame)
        return enter(self)

    return swap(Handler, "__enter__", entering)


@fault("plate_used_both_ways", "one plate object may be a loop and a context manager", "iterating over a plate")
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_use_as", nothing)


@fault(
    "plate_used_loop_then_context", "a plate that was a loop may be a context manager later", "iterating over a plate"
)
def _() -> Iterator[Patch]:
    use = stateful.plate._use_as
    yield swap(stateful.plate, "_use_as", lambda self, what: None if what == "context manager" else use(self, what))


@fault("loop_left_by_break_stays", "a loop that is left by break stays active", "plates around a site")
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_turns", lambda self, indices: _careless(self, indices, GeneratorExit))


@fault("loop_left_by_error_stays", "a loop that is left by an exception stays active", "plates around a site")
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_turns", lambda self, indices: _careless(self, indices, BaseException))


def _careless(plate: Any, indices: Any, forgotten: type[BaseException]) -> Iterator[int]:
    for counter, index in enumerate(indices):
        plate.frame = Frame(plate.name, None, plate.batch, counter)
        Handler.__enter__(plate)
        try:
            yield index
        except forgotten:
            return
        plate.__exit__(None, None, None)


@fault("loop_with_dim_accepted", "a plate with an explicit dim may be a loop", "iterating over dim")
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_check_loop", nothing)


@fault("loop_expands", "a loop repeats the laws inside", "shape of site")
def _() -> Iterator[Patch]:
    yield _entering(lambda plate, frame: frame._replace(dim=-1))


@fault("stateless_plate_loops", "stateless: a plate may be a loop", "iterating over a plate")
def _() -> Iterator[Patch]:
    def turns(self: Any) -> Iterator[int]:
        return iter(array(self.indices).tolist())

    stateless.plate.__iter__ = turns  # type: ignore[attr-defined]
    yield _removing()


class _removing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        del stateless.plate.__iter__  # type: ignore[attr-defined]
