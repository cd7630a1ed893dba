"""Faults of plates: indices, random batches, and the weight of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, area, everywhere, forgotten_between_checks, nothing, swap
from twofold_conformance.reference import draws, handlers, plates, stateful, stateless, traces
from twofold_conformance.reference.plates import Plate
from twofold_conformance.reference.tensor import Tensor, array

fault = area("PLATE")


@fault("plate_no_scale", "a subsampled plate does not weigh the sites inside", r"log density|scale|ELBO of batch \(")
def _() -> Iterator[Patch]:
    yield swap(Plate, "weight", lambda self: 1.0)


@fault("plate_scale_inverted", "a subsampled plate weighs by batch / size", r"scale in a plate|log density of batch \(")
def _() -> Iterator[Patch]:
    weight = Plate.weight
    yield swap(Plate, "weight", lambda self: 1.0 / weight(self))


@fault("plate_scale_is_size", "a plate weighs by its size, subsampled or not", "scale of latent")
def _() -> Iterator[Patch]:
    yield swap(Plate, "weight", lambda self: float(self.size or 1))


@fault("plate_scale_overwrites_outer", "the weight of the outermost plate replaces those of the others", "scale")
def _() -> Iterator[Patch]:
    def assigning(self: Any, msg: Any) -> None:
        msg["scale"] = self.weight()

    yield swap(Plate, "_weigh", assigning)


@fault("plate_scales_only_observed", "a subsampled plate weighs observed sites only", "log density of latent")
def _() -> Iterator[Patch]:
    weigh = Plate._weigh
    yield swap(Plate, "_weigh", lambda self, msg: weigh(self, msg) if msg["is_observed"] else None)


@fault("plate_scales_only_latent", "a subsampled plate weighs latent sites only", "log density of seen")
def _() -> Iterator[Patch]:
    weigh = Plate._weigh
    yield swap(Plate, "_weigh", lambda self, msg: None if msg["is_observed"] else weigh(self, msg))


@fault(
    "plate_scale_outlives_plate", "sites after a subsampled plate are weighed too", "scale of (before|after), outside"
)
def _() -> Iterator[Patch]:
    from twofold_conformance.reference import mechanism

    last = [1.0]
    weigh, ask = Plate._weigh, mechanism._ask

    def noting(self: Any, msg: Any) -> None:
        last[0] = self.weight()
        weigh(self, msg)

    def asking(msg: Any, active: Any) -> Any:
        asked = ask(msg, active)
        if msg["type"] == "sample" and not any(isinstance(handler, Plate) for handler in asked):
            msg["scale"], last[0] = msg["scale"] * last[0], 1.0
        return asked

    yield swap(Plate, "_weigh", noting)
    yield everywhere(ask, asking)
    yield forgotten_between_checks(lambda: last.__setitem__(0, 1.0))


@fault("subsample_with_replacement", "a random batch may hold an index twice", "number of different")
def _() -> Iterator[Patch]:
    yield everywhere(draws.random_subset, lambda key, size, count: _scaled_uniform(key, size, count))


def _scaled_uniform(key: Tensor, size: int, count: int) -> Tensor:
    drawn = array(draws.uniform(key, (count,)))
    return Tensor(np.floor(drawn * min(size, max(1, count - 1))).astype(int))


@fault("subsample_first_b", "a random batch is always the first members", "frequencies within")
def _() -> Iterator[Patch]:
    yield everywhere(draws.random_subset, lambda key, size, count: Tensor(np.arange(count)))


@fault(
    "subsample_block", "a random batch is a run of neighbours that does not reach both ends alike", "frequencies within"
)
def _() -> Iterator[Patch]:
    def neighbours(key: Tensor, size: int, count: int) -> Tensor:
        start = int(array(draws.uniform(key, ())) * (size - count + 1))
        return Tensor(np.arange(start, start + count))

    yield everywhere(draws.random_subset, neighbours)


@fault("subsample_off_by_one", "a random batch has one member too many", "shape of batch")
def _() -> Iterator[Patch]:
    subset = draws.random_subset
    yield everywhere(subset, lambda key, size, count: subset(key, size, min(size, count + 1)))
    yield swap(Plate, "_check_length", nothing)


@fault("subsample_leaves_range", "the indices of a random batch start at 1", "indices lie")
def _() -> Iterator[Patch]:
    subset = draws.random_subset
    yield everywhere(subset, lambda key, size, count: subset(key, size, count) + 1)
    yield swap(Plate, "_check_range", nothing)


@fault("subsample_same_every_time", "every random batch is the same one", "frequencies within")
def _() -> Iterator[Patch]:
    subset = draws.random_subset
    yield everywhere(subset, lambda key, size, count: subset(draws.make_key(1), size, count))


@fault(
    "subsample_ignores_seed",
    "the random batch does not depend on the seed alone",
    "batch with the same seed|indices under jit",
)
def _() -> Iterator[Patch]:
    source = np.random.default_rng()
    yield everywhere(draws.random_subset, lambda key, size, count: Tensor(source.permutation(size)[:count]))


@fault("whole_batch_shuffled", "a batch of all members comes in random order", "indices with subsample_size equal")
def _() -> Iterator[Patch]:
    default = Plate._default_indices

    def shuffled(self: Any, msg: Any) -> Tensor:
        indices = array(default(self, msg))
        return Tensor(np.roll(indices, 1) if self.subsample_size == self.size else indices)

    yield swap(Plate, "_default_indices", shuffled)


@fault("indices_count_from_one", "the indices of a plate start at 1", "indices of a plate")
def _() -> Iterator[Patch]:
    default = Plate._default_indices
    yield swap(Plate, "_default_indices", lambda self, msg: default(self, msg) + 1)
    yield swap(Plate, "_check_range", nothing)


@fault("indices_are_floats", "a plate yields its indices as floating numbers", "kind of the indices")
def _() -> Iterator[Patch]:
    enter = Plate.__enter__

    def floating(self: Any) -> Any:
        indices = enter(self)
        return None if indices is None else indices * 1.0

    yield swap(Plate, "__enter__", floating)


@fault("indices_are_a_list", "a plate yields its custom indices as they came", "the plate yields an array")
def _() -> Iterator[Patch]:
    enter = Plate.__enter__

    def listed(self: Any) -> Any:
        indices = enter(self)
        return None if indices is None else array(indices).tolist()

    yield swap(Plate, "__enter__", listed)


@fault("indices_drawn_again", "a plate draws a new batch each time it is entered", "indices of a subsampled plate")
def _() -> Iterator[Patch]:
    enter = Plate.__enter__

    def redrawn(self: Any) -> Any:
        if self.subsample_size is not None and self.size is not None:
            self.indices = Tensor((array(self.indices) + 1) % self.size)
        return enter(self)

    yield swap(Plate, "__enter__", redrawn)


@fault("custom_indices_ignored", "stateful: subsample= has no effect but for its length", "indices given by hand")
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_row", lambda self, subsample: Tensor(np.arange(len(subsample))))


@fault("custom_indices_not_weighed", "stateful: a custom batch is not weighed", "scale")
def _() -> Iterator[Patch]:
    init, weight = stateful.plate.__init__, Plate.weight

    def noting(self: Any, *args: Any, **settings: Any) -> None:
        init(self, *args, **settings)
        self.custom = settings.get("subsample") is not None

    yield swap(stateful.plate, "__init__", noting)
    yield swap(Plate, "weight", lambda self: 1.0 if getattr(self, "custom", False) else weight(self))


@fault(
    "custom_length_unchecked", "stateful: subsample and another subsample_size are both accepted", "subsample of length"
)
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_check_given", nothing)


@fault("indices_unchecked", "stateful: custom indices may leave the range", "in a plate")
def _() -> Iterator[Patch]:
    yield swap(Plate, "_check_range", nothing)


@fault("batch_length_unchecked", "replay may give a batch of another length than subsample_size", "a replayed batch")
def _() -> Iterator[Patch]:
    yield swap(Plate, "_check_length", nothing)


@fault("batch_larger_than_size_accepted", "subsample_size may be larger than size", "subsample_size")
def _() -> Iterator[Patch]:
    def clipping(self: Any) -> None:
        if self.size is not None and self.subsample_size is not None:
            self.subsample_size = min(self.subsample_size, self.size)

    yield swap(Plate, "_check_batch", clipping)


@fault("size_zero_accepted", "a plate may have size 0", "plate of size")
def _() -> Iterator[Patch]:
    yield _lenient(lambda what, count: what == "size" and count == 0)


@fault("size_negative_accepted", "a plate may have a negative size", "plate of size")
def _() -> Iterator[Patch]:
    yield _lenient(lambda what, count: what == "size" and count < 0)


@fault("batch_zero_accepted", "subsample_size may be 0", "subsample_size")
def _() -> Iterator[Patch]:
    yield _lenient(lambda what, count: what == "subsample_size" and count == 0)


@fault("batch_negative_accepted", "subsample_size may be negative", "subsample_size")
def _() -> Iterator[Patch]:
    yield _lenient(lambda what, count: what == "subsample_size" and count < 0)


def _lenient(accepted: Any) -> Patch:
    """Take what is accepted for 1."""
    as_count = plates._as_count

    def lenient(name: str, what: str, value: Any) -> int:
        return 1 if isinstance(value, int) and accepted(what, value) else as_count(name, what, value)

    return everywhere(as_count, lenient)


@fault("size_rounded", "a size that is no whole number is rounded", "plate of size")
def _() -> Iterator[Patch]:
    as_count = plates._as_count
    yield everywhere(
        as_count,
        lambda name, what, value: as_count(name, what, round(value) if isinstance(value, float) else value),
    )


@fault("plate_site_weighs", "the site of a plate adds to the joint log density", "joint log density of plate,")
def _() -> Iterator[Patch]:
    total = traces.Trace.log_prob_sum

    def heavier(self: Any, *args: Any) -> Any:
        count = sum(site["type"] == "plate" for site in self.values())
        return total(self, *args) + -1.0 * count

    yield swap(traces.Trace, "log_prob_sum", heavier)


@fault(
    "condition_skips_plates", "data under the name of a plate does not fix its indices", "indices given under the plate"
)
def _() -> Iterator[Patch]:
    yield swap(stateful.condition, "types", ("sample",))
    yield swap(stateless.substitute, "types", ("sample", "param"))


@fault("replay_skips_plates", "replay does not fix the indices of plates", "the model")
def _() -> Iterator[Patch]:
    yield swap(handlers.replay, "_replay_plate", nothing)


@fault(
    "unsized_with_batch_accepted", "stateful: a plate without a size takes a subsample", "subsample_size without size"
)
def _() -> Iterator[Patch]:
    yield swap(stateful.plate, "_check_unsized", nothing)
    init = stateful.plate.__init__

    def dropping(self: Any, name: str, size: Any = None, *rest: Any, **settings: Any) -> None:
        if size is None:
            settings = {key: value for key, value in settings.items() if not key.startswith("subsample")}
            rest = ()
        init(self, name, size, *rest, **settings)

    yield swap(stateful.plate, "__init__", dropping)


@fault("device_refused", "stateful: device= is an error", "ValueError: plate")
def _() -> Iterator[Patch]:
    def refusing(self: Any, name: str, use_cuda: Any, device: Any) -> None:
        if device is not None:
            raise ValueError(f"plate {name!r}: unknown keyword device")

    yield swap(stateful.plate, "_check_device", refusing)


@fault("use_cuda_refused", "stateful: the deprecated use_cuda= is an error", "ValueError: plate")
def _() -> Iterator[Patch]:
    def refusing(self: Any, name: str, use_cuda: Any, device: Any) -> None:
        if use_cuda is not None:
            raise ValueError(f"plate {name!r}: use device instead of use_cuda")

    yield swap(stateful.plate, "_check_device", refusing)
