"""Plates: declarations that what happens inside is repeated independently along one batch dim.

A plate is a statement when it is made: its indices are the value of a site that handlers may fix.  It is a handler
while it is entered: it takes a free batch dim, repeats the laws of the sites inside along it, and weighs their
densities by size / batch, so that a random batch stands for the whole.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from twofold_conformance.reference.draws import random_subset
from twofold_conformance.reference.errors import PlateError, ReplayError, ShapeError, StatementError
from twofold_conformance.reference.laws import Law
from twofold_conformance.reference.mechanism import STACK, Frame, Handler, Message, message, show
from twofold_conformance.reference.statements import check_name
from twofold_conformance.reference.tensor import Tensor, array, tensor


class Plate(Handler, ABC):
    """What both flavours share; each adds where random indices come from, and its own liberties."""

    def __init__(self, name: str, size: Any, subsample_size: Any = None, dim: Any = None, given: Any = None) -> None:
        super().__init__()
        check_name(name)
        self.name, self.dim = name, _as_dim(name, dim)
        self.size = None if size is None else _as_count(name, "size", size)
        self.subsample_size = None if subsample_size is None else _as_count(name, "subsample_size", subsample_size)
        self._check_batch()
        self.frame: Frame | None = None
        """While the plate is active: what its sites list."""
        self.indices = None if self.size is None else self._announce(given)

    def _check_batch(self) -> None:
        if self.size is not None and self.subsample_size is not None and self.subsample_size > self.size:
            raise PlateError(f"plate {self.name!r}: subsample_size {self.subsample_size} exceeds size {self.size}")

    def _announce(self, given: Any) -> Tensor:
        """The plate's own statement: its indices are the value of a site."""
        msg = message("plate", self.name, self._default_indices, value=given, check=self._check_indices)
        return tensor(show(msg))

    def _default_indices(self, msg: Message) -> Tensor:
        """All indices in order, or a random batch of them."""
        assert self.size is not None
        if self.subsample_size is None or self.subsample_size == self.size:
            return Tensor(np.arange(self.size))
        return random_subset(self.draw_key(msg), self.size, self.subsample_size)

    @abstractmethod
    def draw_key(self, msg: Message) -> Tensor:
        """The key for a random batch."""

    def _check_indices(self, msg: Message) -> None:
        """Indices that a handler has fixed must be a batch that this plate could have drawn."""
        indices = array(msg["value"])
        if indices.ndim != 1 or indices.dtype.kind not in "iu" or not indices.size:
            raise PlateError(f"plate {self.name!r}: indices are one row of integers, seen: {indices!r}")
        self._check_length(len(indices))
        self._check_range(indices)

    def _check_length(self, length: int) -> None:
        if self.subsample_size is not None and length != self.subsample_size:
            raise ReplayError(
                f"plate {self.name!r}: {length} indices were given, subsample_size is {self.subsample_size}"
            )

    def _check_range(self, indices: np.ndarray) -> None:
        if not np.all((indices >= 0) & (indices < self.size)):
            raise PlateError(f"plate {self.name!r}: indices {indices} leave the range of size {self.size}")

    @property
    def batch(self) -> int:
        """How many members are present; -1 if the plate has no size."""
        return -1 if self.indices is None else len(self.indices)

    def weight(self) -> float:
        """How many members each present one stands for."""
        return 1.0 if self.size is None else self.size / self.batch

    def __enter__(self) -> Tensor | None:
        self.frame = self._claim()
        try:
            super().__enter__()
        except BaseException:
            self.frame = None
            raise
        return self.indices

    def finish(self, *, failed: bool) -> None:
        self.frame = None

    def _claim(self) -> Frame:
        """A name and a batch dim that no active plate has."""
        active = active_plates()
        check_unique(self.name, active)
        dim = self.dim if self.dim is not None else _free_dim(active)
        check_dim_free(self.name, dim, active)
        return Frame(self.name, dim, self.batch)

    def process(self, msg: Message) -> None:
        """Repeat a site's law along the plate's dim, weigh it, and put the plate on the site's list."""
        frame = self.frame
        if frame is None or msg["type"] not in ("sample", "param", "deterministic"):
            return
        msg["cond_indep_stack"] = (frame, *msg["cond_indep_stack"])
        if msg["type"] == "sample":
            self._weigh(msg)
            if frame.dim is not None and isinstance(msg["fn"], Law):
                msg["fn"] = msg["fn"].expand(_repeated(msg, frame))

    def _weigh(self, msg: Message) -> None:
        """Factors multiply: a batch of a batch."""
        msg["scale"] = msg["scale"] * self.weight()

    def postprocess(self, msg: Message) -> None:
        """Give a parameter, or data, the entries that belong to the batch."""
        frame, event_dim = self.frame, msg["kwargs"].get("event_dim")
        if frame is None or frame.dim is None or frame.size < 0 or event_dim is None:
            return
        if msg["type"] in ("param", "subsample"):
            msg["value"] = self._entries(msg, event_dim, frame.dim)

    def _entries(self, msg: Message, event_dim: int, dim: int) -> Any:
        """The entries of the message's value at the plate's indices."""
        value = tensor(msg["value"])
        axis = value.ndim - event_dim + dim
        _check_param_length(self, msg, value, axis)
        if axis < 0 or value.shape[axis] == 1 or _is_whole(self):
            return msg["value"]
        return value[(slice(None),) * axis + (self.indices,)]


def _check_param_length(plate: Plate, msg: Message, value: Tensor, axis: int) -> None:
    if axis >= 0 and value.shape[axis] not in (1, plate.size):
        raise ShapeError(
            f"{msg['type']} {msg['name']!r} of shape {value.shape} in plate {plate.name!r}: the length at its dim is "
            f"{value.shape[axis]}, not 1 or the size {plate.size}"
        )


def _is_whole(plate: Plate) -> bool:
    """Are all members present, in order?"""
    return plate.size is None or bool(np.array_equal(array(plate.indices), np.arange(plate.size)))


def _as_count(name: str, what: str, value: Any) -> int:
    """A positive whole number."""
    if isinstance(value, bool) or (isinstance(value, Tensor | np.ndarray) and array(value).ndim):
        raise StatementError(f"plate {name!r}: {what} is a whole number, seen: {value!r}")
    try:
        count = operator.index(value)
    except TypeError:
        raise StatementError(f"plate {name!r}: {what} is a whole number, seen: {value!r}") from None
    _check_positive(name, what, count)
    return count


def _check_positive(name: str, what: str, count: int) -> None:
    if count < 1:
        raise PlateError(f"plate {name!r}: {what} is at least 1, seen: {count}")


def _as_dim(name: str, dim: Any) -> int | None:
    """A batch dim counts from the right."""
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int)):
        raise StatementError(f"plate {name!r}: dim is a whole number, seen: {dim!r}")
    if dim is not None and dim >= 0:
        raise PlateError(f"plate {name!r}: dim counts from the right and is negative, seen: {dim}")
    return dim


def active_plates() -> list[Frame]:
    """The frames of the active plates, outermost first."""
    return [handler.frame for handler in STACK.handlers if isinstance(handler, Plate) and handler.frame is not None]


def check_unique(name: str, active: Sequence[Frame]) -> None:
    if any(frame.name == name for frame in active):
        raise PlateError(f"plate {name!r} is active already; the name of a plate is unique")


def check_dim_free(name: str, dim: int, active: Sequence[Frame]) -> None:
    for frame in active:
        if frame.dim == dim:
            raise PlateError(f"plates {frame.name!r} and {name!r} both claim dim {dim}")


def _free_dim(active: Sequence[Frame]) -> int:
    """The rightmost dim that no active plate has (PLATE-025, alternative B)."""
    dim = -1
    while any(frame.dim == dim for frame in active):
        dim -= 1
    return dim


def _repeated(msg: Message, frame: Frame) -> tuple[int, ...]:
    """The batch shape of a site's law, repeated along the plate's dim."""
    shape, dim = msg["fn"].batch_shape, frame.dim or -1
    if frame.size < 0:
        return tuple(shape)
    padded = (1,) * (-dim - len(shape)) + tuple(shape)
    if padded[dim] not in (1, frame.size):
        raise ShapeError(
            f"site {msg['name']!r} in plate {frame.name!r}: at dim {dim} the law has length {padded[dim]}, "
            f"the plate has size {frame.size}"
        )
    return (*padded[: len(padded) + dim], frame.size, *padded[len(padded) + dim + 1 :])


@contextmanager
def plate_stack_of(
    plate: Callable[..., Plate], prefix: str, sizes: Sequence[int], rightmost_dim: int = -1
) -> Iterator[None]:
    """Nested plates ``prefix_1``, ``prefix_0``, ... that give scalar sites the shape ``sizes``."""
    with ExitStack() as entered:
        for i, size in reversed(list(enumerate(reversed(sizes)))):
            entered.enter_context(plate(f"{prefix}_{i}", size, dim=rightmost_dim - i))
        yield
