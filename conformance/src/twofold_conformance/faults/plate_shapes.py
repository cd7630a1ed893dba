"""Faults of plates: names, dims, and the shapes of the sites inside."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import (
    Patch,
    altered,
    area,
    everywhere,
    forgotten_between_checks,
    nothing,
    swap,
)
from twofold_conformance.reference import laws, plates, statements, traces
from twofold_conformance.reference.mechanism import STACK, Frame
from twofold_conformance.reference.plates import Plate
from twofold_conformance.reference.tensor import array, tensor

fault = area("PLATE")


@fault("plate_no_broadcast", "a plate does not repeat the laws inside", "shape of value")
def _() -> Iterator[Patch]:
    yield everywhere(plates._repeated, lambda msg, frame: msg["fn"].batch_shape)
    yield everywhere(statements.check_shape, nothing)


@fault("plate_shared_draw", "a plate repeats one draw instead of drawing for each member", "number of different draws")
def _() -> Iterator[Patch]:
    normal = laws.Normal.draw

    def repeated(self: Any, key: Any) -> Any:
        drawn = normal(self, key)
        index = tuple(0 for _ in drawn.shape)
        return tensor(np.broadcast_to(array(drawn)[index], drawn.shape)) if drawn.shape else drawn

    yield swap(laws.Normal, "draw", repeated)


@fault(
    "plate_names_unchecked",
    "two plates of one name may be active at once",
    "two active plates called|two plates called",
)
def _() -> Iterator[Patch]:
    yield everywhere(plates.check_unique, nothing)
    check = traces.trace._check_repeated
    yield swap(traces.trace, "_check_repeated", lambda self, msg: None if msg["type"] == "plate" else check(self, msg))


@fault(
    "active_plate_entered_again", "a plate object may be entered while it is active", "a plate entered inside itself"
)
def _() -> Iterator[Patch]:
    check, enter, leave = plates.check_unique, Plate.__enter__, Plate.__exit__

    def own_name_allowed(name: str, active: Any) -> None:
        held = [handler for handler in STACK.handlers if isinstance(handler, Plate) and handler.name == name]
        if len(held) > 1:
            check(name, active)

    yield everywhere(check, own_name_allowed)
    yield swap(Plate, "_check_inactive", nothing)
    yield swap(Plate, "__enter__", lambda self: self.indices if self.frame else enter(self))
    yield swap(Plate, "__exit__", lambda self, *error: leave(self, *error) if self.frame else None)


@fault("plates_recorded_by_last", "a second plate of one name replaces the first in the trace", "two plates called")
def _() -> Iterator[Patch]:
    check = traces.trace._check_repeated
    yield swap(traces.trace, "_check_repeated", lambda self, msg: None if msg["type"] == "plate" else check(self, msg))


@fault("first_dim_is_second", "the outermost plate takes dim -2", "dim of the only plate")
def _() -> Iterator[Patch]:
    free = plates._free_dim
    yield everywhere(free, lambda active: min(free(active), -2))


@fault(
    "dim_left_of_all",
    "a plate takes the dim left of all that are taken, not the rightmost free one",
    "dim of the inner plate,",
)
def _() -> Iterator[Patch]:
    yield everywhere(plates._free_dim, lambda active: min([0, *(f.dim for f in active if f.dim is not None)]) - 1)


@fault("nested_dim_reused", "a nested plate takes the dim of its outer plate", "ShapeError: site")
def _() -> Iterator[Patch]:
    yield everywhere(plates._free_dim, lambda active: -1)
    yield everywhere(plates.check_dim_free, nothing)


@fault("third_plate_skips_a_dim", "from the third plate on a dim is left out", "dims of three nested plates")
def _() -> Iterator[Patch]:
    free = plates._free_dim
    yield everywhere(free, lambda active: free(active) - (len(active) >= 2))


@fault("dims_follow_entry_order", "explicit dims are replaced by the order of entry", "shape of value, plates entered")
def _() -> Iterator[Patch]:
    yield _claiming(lambda plate, active: plates._free_dim(active))


@fault("explicit_dim_clipped", "an explicit dim never leaves the dims in use", "shape")
def _() -> Iterator[Patch]:
    yield _claiming(
        lambda plate, active: plates._free_dim(active) if plate.dim is None else max(plate.dim, -1 - len(active))
    )


def _claiming(choose: Any) -> Patch:
    def claim(self: Any) -> Frame:
        active = plates.active_plates()
        plates.check_unique(self.name, active)
        dim = choose(self, active)
        plates.check_dim_free(self.name, dim, active)
        return Frame(self.name, dim, self.batch)

    return swap(Plate, "_claim", claim)


@fault(
    "dims_fixed_at_construction",
    "the dim of a plate is settled when it is made, not when it is entered",
    "ShapeError: site",
)
def _() -> Iterator[Patch]:
    init = Plate.__init__

    def settling(self: Any, *args: Any, **settings: Any) -> None:
        init(self, *args, **settings)
        self.settled = self.dim if self.dim is not None else plates._free_dim(plates.active_plates())

    yield swap(Plate, "__init__", settling)
    yield _claiming(lambda plate, active: plate.settled)
    yield everywhere(plates.check_dim_free, nothing)


@fault("dim_sticks_to_plate", "a plate keeps the dim of its first entry, taken or not", "shape of value")
def _() -> Iterator[Patch]:
    def sticky(plate: Any, active: Sequence[Frame]) -> int:
        if not hasattr(plate, "stuck"):
            plate.stuck = plate.dim if plate.dim is not None else plates._free_dim(active)
        return int(plate.stuck)

    yield _claiming(sticky)
    yield everywhere(plates.check_dim_free, nothing)


@fault("nonnegative_dim_accepted", "dim may be 0 or positive", "plate at dim")
def _() -> Iterator[Patch]:
    yield everywhere(plates._as_dim, lambda name, dim: None if dim is None or dim >= 0 else dim)


@fault("dim_collision_accepted", "two plates may claim one dim", "a second plate at dim")
def _() -> Iterator[Patch]:
    yield everywhere(plates.check_dim_free, nothing)
    yield everywhere(plates._repeated, lambda msg, frame: _stretched(msg, frame))


def _stretched(msg: Any, frame: Frame) -> tuple[int, ...]:
    """The longer of law and plate at the plate's dim."""
    shape, dim = msg["fn"].batch_shape, frame.dim or -1
    padded = [1] * (-dim - len(shape)) + list(shape)
    if frame.size >= 0:
        padded[dim] = max(padded[dim], frame.size)
    return tuple(padded)


@fault("dim_error_without_plates", "the error about a taken dim does not name the plates", "a second plate at dim")
def _() -> Iterator[Patch]:
    def vague(name: str, dim: int, active: Sequence[Frame]) -> None:
        if any(frame.dim == dim for frame in active):
            raise ValueError("the dim is taken")

    yield everywhere(plates.check_dim_free, vague)


@fault("dim_not_freed_on_exit", "the dim of a plate stays taken after the plate", "dim of the plate")
def _() -> Iterator[Patch]:
    yield from _keeping_dims(lambda error: True)


@fault("dim_not_freed_on_exception", "the dim of a plate stays taken when its body fails", "value|plates")
def _() -> Iterator[Patch]:
    yield from _keeping_dims(lambda error: error[0] is not None)


def _keeping_dims(kept: Any) -> Iterator[Patch]:
    taken: list[int] = []
    free, leave = plates._free_dim, Plate.__exit__

    def crowded(active: Any) -> int:
        return int(free([*active, *(Frame("", dim, 1) for dim in taken)]))

    def leaving(self: Any, *error: Any) -> None:
        if kept(error) and self.frame is not None and self.frame.dim is not None:
            taken.append(self.frame.dim)
        leave(self, *error)

    yield everywhere(free, crowded)
    yield forgotten_between_checks(taken.clear)
    yield swap(Plate, "__exit__", leaving)


@fault("law_expanded_twice", "a law that has the plate's dim already is repeated once more", "shape of value of batch")
def _() -> Iterator[Patch]:
    repeated = plates._repeated

    def twice(msg: Any, frame: Frame) -> tuple[int, ...]:
        shape = tuple(repeated(msg, frame))
        return (frame.size, *shape) if msg["fn"].batch_shape == shape else shape

    yield everywhere(repeated, twice)
    yield everywhere(statements.check_shape, nothing)


@fault("law_length_unchecked", "the batch length of a law is not held against the plate", r"batch \(")
def _() -> Iterator[Patch]:
    def unchecked(msg: Any, frame: Frame) -> tuple[int, ...]:
        shape, dim = msg["fn"].batch_shape, frame.dim or -1
        padded = [1] * (-dim - len(shape)) + list(shape)
        padded[dim] = frame.size if padded[dim] == 1 and frame.size >= 0 else padded[dim]
        return tuple(padded)

    yield everywhere(plates._repeated, unchecked)


@fault("plate_of_one_accepts_any_length", "in a plate of size 1 a law may have any length", r"batch \(")
def _() -> Iterator[Patch]:
    repeated = plates._repeated
    yield everywhere(repeated, lambda msg, frame: msg["fn"].batch_shape if frame.size == 1 else repeated(msg, frame))


@fault("plate_error_without_names", "the error about a law that does not fit names neither site nor plate", r"batch \(")
def _() -> Iterator[Patch]:
    repeated = plates._repeated

    def vague(msg: Any, frame: Frame) -> Any:
        try:
            return repeated(msg, frame)
        except ValueError:
            raise ValueError("incompatible shapes for broadcasting") from None

    yield everywhere(repeated, vague)


@fault("other_dims_dropped", "a plate drops the batch dims of a law that are not its own", r"shape of batch \(")
def _() -> Iterator[Patch]:
    repeated = plates._repeated

    def single(msg: Any, frame: Frame) -> Any:
        count = sum(other.dim is not None for other in msg["cond_indep_stack"])
        shape = repeated(msg, frame)
        return shape[-max(count, -(frame.dim or -1)) :] if msg["fn"].batch_shape else shape

    yield everywhere(repeated, single)
    expand = laws.Law.expand

    def forgiving(self: Any, batch_shape: tuple[int, ...]) -> Any:
        try:
            return expand(self, batch_shape)
        except ValueError:
            new = type(self)(*(value.reshape((-1,))[:1].reshape((1,) * len(batch_shape)) for value in self.values))
            return expand(new, batch_shape)

    yield swap(laws.Law, "expand", forgiving)
    yield everywhere(statements.check_shape, nothing)


@fault("event_dims_counted", "a plate counts its dim over the event dims of a law", "shape of value")
def _() -> Iterator[Patch]:
    repeated = plates._repeated

    def shifted(msg: Any, frame: Frame) -> Any:
        events = len(msg["fn"].event_shape)
        return repeated(msg, frame._replace(dim=(frame.dim or -1) - events))

    yield everywhere(repeated, shifted)
    yield everywhere(statements.check_shape, nothing)


@fault("full_size_in_subsampled_plate", "sites in a subsampled plate have the length of the whole", "shape")
def _() -> Iterator[Patch]:
    repeated = plates._repeated

    def whole(msg: Any, frame: Frame) -> Any:
        sizes = {handler.name: handler.size for handler in STACK.handlers if isinstance(handler, Plate)}
        return repeated(msg, frame._replace(size=sizes.get(frame.name) or frame.size))

    yield everywhere(repeated, whole)


@fault(
    "sample_shape_outside_plate",
    "stateless: the dims of sample_shape stand beside those of plates",
    r"shape of sample_shape \(",
)
def _() -> Iterator[Patch]:
    from twofold_conformance.reference import stateless

    original = stateless.repeated_law

    def beside(law: Any, sample_shape: tuple[int, ...]) -> Any:
        count = len(plates.active_plates())
        return original(law, sample_shape + (1,) * count if sample_shape else ())

    yield everywhere(original, beside)


@fault(
    "scalar_obs_counts_once", "an observation that one value gives for a whole plate counts once", "joint log density"
)
def _() -> Iterator[Patch]:
    site_log_prob = traces.site_log_prob

    def once(site: Any) -> Any:
        weighed = site_log_prob(site)
        scalar = site["is_observed"] and not site["fn"].event_shape and array(site["value"]).ndim == 0
        return weighed / max(1, weighed.data.size) if scalar else weighed

    yield everywhere(site_log_prob, once)


@fault("frames_missing", "sites do not list their plates", "dims around a site")
def _() -> Iterator[Patch]:
    yield _frames(lambda frames: ())


@fault("frames_innermost_first", "sites list their plates from the inside out", "names of the plates, in the order")
def _() -> Iterator[Patch]:
    yield _frames(lambda frames: tuple(reversed(frames)))


@fault("frames_list_whole_size", "sites list the whole size of a subsampled plate", "lengths around a site")
def _() -> Iterator[Patch]:
    yield _frames(lambda frames: tuple(frame._replace(size=frame.size + 1) for frame in frames))


def _frames(change: Any) -> Patch:
    postprocess = traces.trace.postprocess

    def recording(self: Any, msg: Any) -> None:
        postprocess(self, altered(msg, cond_indep_stack=change(msg["cond_indep_stack"])))

    return swap(traces.trace, "postprocess", recording)


@fault("plate_stack_reversed", "plate_stack gives the sizes in reverse", "shape of value inside plate_stack")
def _() -> Iterator[Patch]:
    original = plates.plate_stack_of
    yield everywhere(
        original, lambda plate, prefix, sizes, dim=-1: original(plate, prefix, tuple(reversed(sizes)), dim)
    )


@fault("deterministic_expanded", "a plate repeats deterministic values", "shape of what")
def _() -> Iterator[Patch]:
    process = Plate.process

    def expanding(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["type"] == "deterministic" and self.batch > 0:
            value = array(msg["value"])
            msg["value"] = tensor(np.broadcast_to(value, (self.batch,)) if value.ndim == 0 else value[: self.batch])

    yield swap(Plate, "process", expanding)


@fault("unsized_plate_expands", "a plate without a size repeats laws along its dim", "ShapeError: site")
def _() -> Iterator[Patch]:
    repeated = plates._repeated
    yield everywhere(repeated, lambda msg, frame: repeated(msg, frame._replace(size=2) if frame.size < 0 else frame))


@fault("unsized_plate_without_dim", "a plate without a size takes no dim", "plates around latent")
def _() -> Iterator[Patch]:
    claim = Plate._claim

    def dimless(self: Any) -> Frame:
        frame = claim(self)
        return frame._replace(dim=None) if self.size is None else frame

    yield swap(Plate, "_claim", dimless)


@fault(
    "scope_is_lexical", "a plate acts on the statements of its own function only", "site of a function called inside"
)
def _() -> Iterator[Patch]:
    process, enter = Plate.process, Plate.__enter__

    def entering(self: Any) -> Any:
        self.home = _caller()
        return enter(self)

    def lexical(self: Any, msg: Any) -> None:
        if _caller() is self.home:
            process(self, msg)

    yield swap(Plate, "process", lexical)
    yield swap(Plate, "__enter__", entering)


def _caller() -> Any:
    """The code of the function, outside the machinery, that is making a statement."""
    frame: Any = sys._getframe(1)
    while any(part in frame.f_code.co_filename for part in ("/reference/", "/faults/", "contextlib")):
        frame = frame.f_back
    return frame.f_code
