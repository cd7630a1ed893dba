"""``plate``: conditionally independent sites, at once a statement (its indices) and a handler (broadcast and scale)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn

import jax

from .errors import PlateError, RandomKeyError, ShapeError, SiteTypeError
from .messages import CondIndepStackFrame, Message, new_message
from .ops.indices import all_indices, draw_without_replacement
from .params import take_along_plate
from .plate_arguments import as_dim, as_rows, as_size, length_of_subsample, refuse_rows
from .runtime import Messenger, active_handlers, apply_stack, is_handled, push
from .site_checks import check_name
from .typing import ArrayLike

__all__ = ["plate", "plate_stack"]


class plate(Messenger):
    """Declare that the sites inside are independent along one batch dim.

    Sites are broadcast to the plate's size in its dim; with a subsample their log densities are multiplied by
    ``size / subsample_size``.  The subsample is drawn when the plate is made, by the enclosing ``seed``; the dim is
    taken when the plate is entered.  A plate may be entered again, one entry after the other.

    Args:
        name: unique within one run of the model.
        size: length of the whole plate, positive.
        subsample_size: length of the mini-batch, from 1 to ``size``.  Default: the whole plate, in order.
        dim: negative batch dim.  Default: the rightmost that no enclosing plate has taken, chosen at each entry.
        subsample: row numbers of your own choice; ``subsample_size`` is then their number.

    Returns:
        Entering gives the indices, an integer array of shape ``(subsample_size,)``.

    Raises:
        PlateError: sizes, dim or row numbers that do not fit; on entry: dim or name is taken.
        RandomKeyError: a subsample has to be drawn, and there is no ``seed`` handler.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.handlers import seed
        >>> with seed(rng_seed=0), tf.plate("rows", 3):
        ...     tf.sample("x", dist.Normal(0.0, 1.0)).shape
        (3,)
    """

    reads_key = False

    def __init__(
        self,
        name: str,
        size: int,
        subsample_size: int | None = None,
        dim: int | None = None,
        *,
        subsample: ArrayLike | Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        check_name(name, "plate")
        self.name = name
        self.size = as_size(name, "size", size)
        self._chosen = None if subsample is None else as_rows(name, subsample, self.size)
        self.subsample_size = length_of_subsample(name, self.size, subsample_size, self._chosen)
        self.dim = None if dim is None else as_dim(name, dim)
        self._is_declared = subsample_size is not None or subsample is not None
        self._all = all_indices(self.size) if self._chosen is None and self.subsample_size == self.size else None
        self.frame: CondIndepStackFrame | None = None
        self.site_name = name
        self._indices = self._announce(self._all if self._chosen is None else self._chosen)

    def _announce(self, indices: jax.Array | None) -> jax.Array:
        """Send the plate's own site through the handlers; they may supply the indices."""
        if not is_handled():
            return self._draw(self.size, self.subsample_size) if indices is None else indices
        msg = new_message("plate", self.name, self._draw, indices, args=(self.size, self.subsample_size), kwargs={})
        msg["is_repeat"] = hasattr(self, "_indices")
        chosen = apply_stack(msg)["value"]
        self.site_name = str(msg["name"])
        return indices if chosen is indices and indices is not None else self._accept(chosen)

    def _draw(self, size: int, subsample_size: int, rng_key: Any = None) -> jax.Array:
        if rng_key is None:
            raise RandomKeyError(
                f"plate {self.name!r} has to draw its subsample, and no random key reached it",
                expected="a key from an enclosing seed handler",
                suggestion="wrap the model: handlers.seed(model, rng_seed=0); or substitute the indices",
                seen="no seed handler around the plate",
            )
        return draw_without_replacement(rng_key, size, subsample_size)

    def _accept(self, indices: Any) -> jax.Array:
        """Check indices that a handler supplied."""
        rows = as_rows(self.name, indices, self.size)
        if self._is_declared and len(rows) != self.subsample_size:
            refuse_rows(self.name, f"{len(rows)} indices", f"{self.subsample_size}, the plate's subsample_size")
        return rows

    def __enter__(self) -> jax.Array:
        if not self._claim():
            raise PlateError(
                f"plate {self.name!r} is active already",
                expected="one entry of a plate at a time",
                suggestion="leave it first, or make a second plate with a name of its own",
                seen="a second entry inside the first",
            )
        try:
            indices = self._announce(self._indices)
            self.frame = CondIndepStackFrame(self.name, self._free_dim(), indices.shape[0], self.size)
        except BaseException:
            self.__dict__.pop("_entry", None)
            raise
        self._scale = None if self.frame.size == self.size else self.size / self.frame.size
        self._taken = indices
        push(self)
        return indices

    def __exit__(self, *exc_info: Any) -> None:
        super().__exit__(*exc_info)
        self.frame = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise PlateError(
            f"plate {self.name!r} is no function",
            suggestion=f"write `with plate({self.name!r}, {self.size}):`",
            seen="a call",
            expected="a context manager",
        )

    def __iter__(self) -> NoReturn:
        raise SiteTypeError(
            f"plate {self.name!r} cannot be iterated",
            expected="a context manager",
            suggestion=f"write `with plate({self.name!r}, {self.size}) as indices:`",
            seen="a for loop",
        )

    def _free_dim(self) -> int:
        """The plate's own dim, or the rightmost free one; refuse a dim or a name that is taken."""
        active = [handler for handler in active_handlers() if isinstance(handler, plate)]
        taken: dict[int, plate] = {}
        for other in active:
            if other.site_name == self.site_name:
                raise PlateError(
                    f"two plates named {self.site_name!r} are active at once",
                    expected="a name of its own for each plate",
                    seen="one inside the other",
                    suggestion="rename one of them, or prefix one part with handlers.scope",
                )
            if other.frame is not None:
                taken[other.frame.dim] = other
        if self.dim is None:
            return next(dim for dim in range(-1, -2 - len(taken), -1) if dim not in taken)
        if self.dim in taken:
            other = taken[self.dim]
            raise PlateError(
                f"plates {self.name!r} and {other.name!r} collide at dim {self.dim}",
                seen=f"{other.name!r} of size {other.size} took dim {self.dim} first",
                expected="a batch dim of its own for each plate",
                suggestion="leave dim out, so that a free one is chosen",
            )
        return self.dim

    def process_message(self, msg: Message) -> None:
        kind, frame = msg["type"], self.frame
        if frame is None:
            return
        if kind == "sample":
            msg["cond_indep_stack"].append(frame)
            msg["fn"] = self._expanded(msg)
            if self._scale is not None:
                scale = msg["scale"]
                msg["scale"] = self._scale if scale is None else scale * self._scale
        elif kind == "param" or kind == "subsample":
            msg["cond_indep_stack"].append(frame)
            msg["subsamplers"].append(self)
        elif kind == "deterministic":
            msg["cond_indep_stack"].append(frame)

    def _expanded(self, msg: Message) -> Any:
        """The site's law with the plate's size in the plate's dim."""
        fn = msg["fn"]
        batch = fn.batch_shape
        frame = self.frame
        if msg["kwargs"].get("sample_shape"):
            batch = (*msg["kwargs"]["sample_shape"], *batch)
            msg["kwargs"]["sample_shape"] = ()
        dim, size = frame.dim, frame.size  # type: ignore[union-attr]
        target = [1] * (-dim - len(batch)) + list(batch)
        if target[dim] not in (1, size):
            self._refuse_batch(msg, batch)
        target[dim] = size
        return fn if tuple(target) == fn.batch_shape else fn.expand(tuple(target))

    def _refuse_batch(self, msg: Message, batch: tuple[int, ...]) -> NoReturn:
        dim, size = self.frame.dim, self.frame.size  # type: ignore[union-attr]
        subsampled = f" (a subsample of {self.size})" if size != self.size else ""
        raise ShapeError(
            f"site {msg['name']!r} does not fit plate {self.name!r}",
            seen=f"batch shape {batch} of the law, that is size {batch[dim]} at dim {dim}",
            expected=f"size {size}{subsampled} or 1 at dim {dim}",
            suggestion="index what the law is made of by the plate's indices"
            if subsampled
            else "resize the plate, choose another dim, or mark dims of one event with `.to_event(n)`",
        )

    def take(self, value: Any, event_dim: int, *, site: str) -> Any:
        """The rows of ``value`` in the current mini-batch."""
        dim = self.frame.dim if self.frame is not None else -1
        indices = None if self._taken is self._all else self._taken
        return take_along_plate(value, event_dim, plate=self.name, dim=dim, size=self.size, indices=indices, site=site)


@contextmanager
def plate_stack(prefix: str, sizes: Sequence[int], rightmost_dim: int = -1) -> Iterator[None]:
    """Nested plates with contiguous dims, ``prefix_0`` at ``rightmost_dim`` and each next one to the left of it.

    Args:
        prefix: of the plates' names.
        sizes: sizes as in a shape: the last is that of ``prefix_0``.
        rightmost_dim: negative batch dim of ``prefix_0``.

    Raises:
        PlateError: ``rightmost_dim`` is not negative, or a plate cannot be entered.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.handlers import seed
        >>> with seed(rng_seed=0), tf.plate_stack("grid", (3, 2)):
        ...     tf.sample("x", dist.Normal(0.0, 1.0)).shape
        (3, 2)
    """
    first = as_dim(f"{prefix}_0", rightmost_dim)
    with ExitStack() as plates:
        for i, size in enumerate(reversed(tuple(sizes))):
            plates.enter_context(plate(f"{prefix}_{i}", size, dim=first - i))
        yield
