"""plate: at once a statement, which draws a subsample, and a handler, which broadcasts and scales the sites inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution as TorchBase

from .errors import PlateError, ShapeError, SiteTypeError
from .messages import CondIndepStackFrame, Message, is_law, new_message
from .plate_arguments import (
    as_device,
    as_rows,
    check_rows,
    length_of_subsample,
    negative_integer,
    positive_integer,
)
from .plate_rows import _Subsample, take_rows
from .runtime import STACK, Messenger, apply_stack, current_run
from .validation import is_validation_enabled
from .warning import warn

__all__ = ["iarange", "irange", "plate", "plate_stack"]


class plate(Messenger):
    """Conditionally independent draws: a batch dim (``with plate(...) as ind``) or a loop (``for i in plate(...)``).

    Inside it sites get size ``subsample_size`` at the plate's dim, and their log densities the factor
    ``size / subsample_size``.

    Args:
        name: matches plates of model and guide; unique within one run.
        size: number of rows; without it sites may have any length at the plate's dim, and nothing is expanded.
        subsample_size: number of rows drawn at random, ``0 < subsample_size <= size``; default: all, in order.
        subsample: row numbers of your own choice, anything with a length; ``subsample_size`` is then their number.
        dim: negative batch dim; default: the rightmost that no enclosing plate has, decided on entry.
        use_cuda: deprecated, see ``device``.
        device: where the row numbers live; default: the default device.

    Yields:
        A tensor of row numbers, one-dimensional; in a loop one int after the other; None for a plate without a size.

    Raises:
        PlateError: sizes, dim or row numbers that do not fit; on entry: a name or dim that is taken.

    The subsample is drawn on first use within a run, and stays the same for the whole run.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> with plate("rows", 6, subsample_size=2) as ind:
        ...     x = sample("x", dist.Normal(0.0, 1.0))
        >>> ind.shape, x.shape
        (torch.Size([2]), torch.Size([2]))
    """

    def __init__(
        self,
        name: str,
        size: int | None = None,
        subsample_size: int | None = None,
        subsample: Any = None,
        dim: int | None = None,
        use_cuda: bool | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(name, str):
            raise SiteTypeError(
                "the name of a plate statement is no string",
                seen=f"{name!r} of type {type(name).__name__}",
                expected="a string",
                suggestion="write plate('x', size)",
            )
        self.name = name
        self.device = as_device(name, use_cuda, device)
        self.size = None if size is None else positive_integer(name, "size", size)
        self._chosen = None if subsample is None else as_rows(name, subsample, self.device)
        self.subsample_size = length_of_subsample(name, self.size, subsample_size, self._chosen)
        self._asked_dim = None if dim is None else negative_integer(name, dim)
        if self._chosen is not None and is_validation_enabled():
            check_rows(name, self._chosen, self.size)
        self.dim = self._asked_dim
        self._scale = 1.0 if self.size is None else self.size / (self.subsample_size or 1)
        self._use: str | None = None
        self._run: object = None
        self._indices: Tensor | None = None
        self._takes_all = False
        self._frame: CondIndepStackFrame | None = None

    def __len__(self) -> int:
        if self.subsample_size is None:
            raise _without_size(self.name, "so no length")
        return self.subsample_size

    @property
    def indices(self) -> Tensor | None:
        """The row numbers of this run; drawn now if this is the first time."""
        if self.size is None or self.subsample_size is None:
            return None
        run = current_run()
        if self._indices is None or self._run is not run:
            self._indices = self._draw_indices(self.size, self.subsample_size)
            self._run = run
        return self._indices

    def _draw_indices(self, size: int, subsample_size: int) -> Tensor:
        law = _Subsample(size, subsample_size, self.device)
        value: Any
        if STACK.handlers:
            value = apply_stack(new_message("sample", self.name, law, value=self._chosen))["value"]
        else:
            value = law() if self._chosen is None else self._chosen
        self._takes_all = value is not None and value is law.all_rows
        indices = self._chosen if value is self._chosen else as_rows(self.name, value, self.device)
        if indices is None or len(indices) != subsample_size:
            raise PlateError(
                f"plate {self.name!r} was given a subsample of another length",
                seen=f"{0 if indices is None else len(indices)} row numbers, as by replay or condition",
                expected=f"{subsample_size}",
                suggestion="give the plate the same subsample_size in model and guide",
            )
        return indices

    # -- as a batch dim

    def __enter__(self) -> Any:
        self._begin("context manager")
        dim = self._free_dim()
        indices = self.indices
        size = -1 if self.subsample_size is None else self.subsample_size
        frame = CondIndepStackFrame(self.name, dim, size, 0, self.size)
        super().__enter__()
        self.dim, self._frame = dim, frame
        return indices

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> bool | None:
        self._frame, self.dim = None, self._asked_dim
        return super().__exit__(exc_type, exc_value, traceback)

    def _begin(self, use: str) -> None:
        if self._use not in (None, use):
            raise PlateError(
                f"plate {self.name!r} is used both as a {self._use} and as a {use}",
                seen=f"a {self._use} first, then a {use}",
                expected="one of the two for all of a plate's life",
                suggestion="make two plates of different names",
            )
        for other in _active():
            if other.name == self.name:
                raise PlateError(
                    f"two plates called {self.name!r} are active at once"
                    if other is not self
                    else f"plate {self.name!r} is entered while it is active",
                    seen=f"active plates {', '.join(repr(plate.name) for plate in _active())}",
                    expected="one plate of each name at a time",
                    suggestion="give each plate its own name",
                )
        self._use = use

    def _free_dim(self) -> int:
        taken = {other._frame.dim: other.name for other in _active() if isinstance(other, plate) and other._frame}
        if self._asked_dim is None:
            return next(dim for dim in range(-1, -len(taken) - 2, -1) if dim not in taken)
        if self._asked_dim in taken:
            raise PlateError(
                f"plates {taken[self._asked_dim]!r} and {self.name!r} have one dim, {self._asked_dim}",
                seen=f"dim {self._asked_dim} twice",
                expected="another dim for each of the plates that are active at once",
                suggestion="give one of them another dim, or leave dim out",
            )
        return self._asked_dim

    def process_message(self, msg: Message) -> None:
        """Broadcast and scale a sample site; leave the mark of the plate on every site."""
        fn = msg["fn"]
        if self._frame is None or fn.__class__ is _Subsample:
            return
        msg["cond_indep_stack"] = (self._frame, *msg["cond_indep_stack"])
        if msg["type"] != "sample":
            return
        if self._scale != 1.0:
            msg["scale"] = msg["scale"] * self._scale
        if self.size is not None and (isinstance(fn, TorchBase) or is_law(fn)):
            shape = fn.batch_shape
            dim, size = self._frame.dim, self._frame.size
            assert dim is not None  # an entered plate has a dim
            if len(shape) < -dim:
                msg["fn"] = fn.expand(torch.Size((size,) + (1,) * (-dim - 1 - len(shape))) + shape)
            elif shape[dim] != size:
                msg["fn"] = self._expand_at(msg, dim, size)

    def _expand_at(self, msg: Message, dim: int, size: int) -> Any:
        shape = list(msg["fn"].batch_shape)
        if shape[dim] != 1:
            raise ShapeError(
                f"site {msg['name']!r} does not fit plate {self.name!r} at dim {dim}",
                seen=f"size {shape[dim]} in batch shape {tuple(shape)} of {type(msg['fn']).__name__}",
                expected=f"size {size} of the plate, or 1",
                suggestion="index the data with what the plate yields, declare event dims with .to_event(), "
                "or give the plate another dim",
            )
        shape[dim] = size
        return msg["fn"].expand(torch.Size(shape))

    def postprocess_message(self, msg: Message) -> None:
        """Take the rows of the subsample from a param with ``event_dim``, or from data."""
        if msg["type"] not in ("param", "subsample") or self._frame is None:
            return
        event_dim, dim = msg["kwargs"].get("event_dim"), self._frame.dim
        if event_dim is not None and self.size is not None and dim is not None:
            rows = None if self._takes_all else self._indices
            msg["value"] = take_rows(msg, event_dim, self.name, dim, self.size, rows)

    # -- as a loop

    def __iter__(self) -> Iterator[int]:
        if self._asked_dim is not None:
            raise PlateError(
                f"plate {self.name!r} has a dim, {self._asked_dim}, and cannot be a loop",
                seen=f"`for ... in plate({self.name!r}, ..., dim={self._asked_dim})`",
                expected="a dim and `with`, or no dim and `for`",
                suggestion=f"write `with plate({self.name!r}, ...):`, or leave dim out",
            )
        if self.size is None:
            raise _without_size(self.name, "cannot be a loop")
        self._begin("loop")
        rows: Sequence[int]
        if self.subsample_size == self.size and self._chosen is None and not STACK.handlers:
            rows = range(self.size)
        else:
            indices = self.indices
            assert indices is not None  # a plate with a size has indices
            rows = indices.tolist()
        return self._loop(rows)

    def _loop(self, rows: Sequence[int]) -> Iterator[int]:
        with _Loop(self.name, self._scale, len(rows), self.size) as step:
            for counter, row in enumerate(rows):
                step.begin(counter)
                yield row


class _Loop(Messenger):
    """The steps of a sequential plate."""

    def __init__(self, name: str, scale: float, size: int, full_size: int | None) -> None:
        super().__init__()
        self.name, self._scale, self._size, self._full_size = name, scale, size, full_size
        self._frame: CondIndepStackFrame | None = None

    def begin(self, counter: int) -> None:
        """Go on to the next step; drop what the last one left on the stack."""
        self._frame = CondIndepStackFrame(self.name, None, self._size, counter, self._full_size)
        handlers = STACK.handlers
        if handlers and handlers[-1] is not self and self in handlers:
            STACK.handlers = handlers[: handlers.index(self) + 1]

    def process_message(self, msg: Message) -> None:
        """Scale a sample site; leave the mark of the plate on every site."""
        if self._frame is None or msg["fn"].__class__ is _Subsample:
            return
        msg["cond_indep_stack"] = (self._frame, *msg["cond_indep_stack"])
        if msg["type"] == "sample" and self._scale != 1.0:
            msg["scale"] = msg["scale"] * self._scale


def _without_size(name: str, consequence: str) -> PlateError:
    return PlateError(
        f"plate {name!r} has no size and {consequence}",
        seen="size=None",
        expected="a plate with a size",
        suggestion=f"write plate({name!r}, len(data))",
    )


def _active() -> list[Any]:
    return [handler for handler in STACK.handlers if isinstance(handler, plate | _Loop)]


@contextmanager
def plate_stack(prefix: str, sizes: Sequence[int], rightmost_dim: int = -1) -> Iterator[None]:
    """Nested plates, one for each of ``sizes``, in contiguous dims.

    Args:
        prefix: plates are called ``prefix_0``, ``prefix_1``, ... from the rightmost on.
        sizes: sizes of the plates, as in a batch shape.
        rightmost_dim: dim of the last.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> with plate_stack("p", (3, 2)):
        ...     sample("x", dist.Normal(0.0, 1.0)).shape
        torch.Size([3, 2])
    """
    negative_integer(prefix, rightmost_dim)
    with ExitStack() as stack:
        for place, size in enumerate(reversed(tuple(sizes))):
            stack.enter_context(plate(f"{prefix}_{place}", size, dim=rightmost_dim - place))
        yield


def irange(name: str, size: int, subsample_size: int | None = None, subsample: Any = None, **kwargs: Any) -> plate:
    """The former name of a sequential ``plate``; deprecated."""
    warn("irange is deprecated; write `for i in plate(...)`", DeprecationWarning)
    return plate(name, size, subsample_size, subsample, **kwargs)


def iarange(
    name: str, size: int | None = None, subsample_size: int | None = None, subsample: Any = None, **kwargs: Any
) -> plate:
    """The former name of a vectorised ``plate``; deprecated."""
    warn("iarange is deprecated; write `with plate(...)`", DeprecationWarning)
    return plate(name, size, subsample_size, subsample, **kwargs)
