"""Handlers that lay out discrete sites for exact summation: each gets all its values along a batch dim of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax.numpy as jnp

from ..errors import HandlerError, SiteError
from ..messages import Message
from ..runtime import Messenger

__all__ = ["enum", "markov"]


class enum(Messenger):
    """Give each latent site with ``infer={"enumerate": "parallel"}`` all values of its support at once.

    The values of a site lie along a batch dim to the left of all plates; its ``infer`` records that dim under
    ``_enumerate_dim``.  Inside ``markov`` the dims of sites that are out of reach are used again.

    Args:
        fn: the model.
        first_available_dim: negative batch dim from which on, to the left, dims are free: ``-1 - max_plate_nesting``.

    Raises:
        HandlerError: ``first_available_dim`` is not negative.
        SiteError: the support of a site cannot be listed, or a plate reaches into the dims of enumeration.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> coin = lambda: sample("z", dist.Bernoulli(0.3), infer={"enumerate": "parallel"})
        >>> trace(enum(coin, first_available_dim=-2)).get_trace()["z"]["value"].shape
        (2, 1)
    """

    reads_key = False

    def __init__(self, fn: Callable[..., Any] | None = None, first_available_dim: int | None = None) -> None:
        super().__init__(fn)
        if (
            not isinstance(first_available_dim, int)
            or isinstance(first_available_dim, bool)
            or first_available_dim >= 0
        ):
            raise HandlerError(
                "first_available_dim of enum must be a negative integer",
                seen=repr(first_available_dim),
                suggestion="pass -1 - max_plate_nesting",
            )
        self.first_available_dim = first_available_dim
        self._in_use: list[tuple[int, dict[Any, tuple[int, int]]]] = []

    def __enter__(self) -> Any:
        self._in_use = []
        return super().__enter__()

    def process_message(self, msg: Message) -> None:
        if msg["type"] != "sample":
            return
        msg["plates_end_at"] = self.first_available_dim + 1
        for frame in msg["cond_indep_stack"]:
            if frame.dim <= self.first_available_dim:
                raise SiteError(
                    f"plate {frame.name!r} around site {msg['name']!r} reaches into the dims of enumeration",
                    seen=f"plate dim {frame.dim}",
                    expected=f"a dim right of {self.first_available_dim}",
                    suggestion="raise max_plate_nesting",
                )
        if msg["is_observed"] or msg["value"] is not None or msg["infer"].get("enumerate") != "parallel":
            return
        law = msg["fn"]
        if not law.has_enumerate_support:
            raise SiteError(
                f"site {msg['name']!r} cannot be enumerated",
                seen=f"a law of type {type(law).__name__}",
                expected="a law of finite support, without to_event",
                suggestion='drop infer={"enumerate": "parallel"} from the site',
            )
        dim = self._allocate(msg.get("markov", {}))
        values = law.enumerate_support(expand=False)
        event = law.event_shape
        msg["value"] = jnp.reshape(values, (values.shape[0],) + (1,) * (-dim - 1) + event)
        msg["infer"]["_enumerate_dim"] = dim

    def _allocate(self, here: dict[Any, tuple[int, int]]) -> int:
        """The rightmost dim that no site within reach of ``here`` uses."""
        taken = {dim for dim, there in self._in_use if not _out_of_reach(there, here)}
        dim = self.first_available_dim
        while dim in taken:
            dim -= 1
        self._in_use.append((dim, here))
        return dim


def _out_of_reach(there: dict[Any, tuple[int, int]], here: dict[Any, tuple[int, int]]) -> bool:
    """Whether some markov context around both has gone further than its history allows."""
    return any(context in here and here[context][0] - step > here[context][1] for context, (step, _) in there.items())


class markov(Messenger):
    """Declare that each step depends on the last ``history`` steps only, so that enumeration dims can be used again.

    Works on an iterable (``for t in markov(range(n))``), as a decorator of the function of one step, and as a context
    manager that is entered once per step.  It changes no value and no density.

    Args:
        fn: an iterable of steps, or a function of one step; without it, a context manager.
        history: number of earlier steps on which a step may depend.
        keep: whether steps are not counted: every entry is the same step.

    Raises:
        HandlerError: ``history`` is negative.

    Example:
        >>> [t for t in markov(range(3))]
        [0, 1, 2]
    """

    reads_key = False

    def __init__(
        self, fn: Callable[..., Any] | Iterable[Any] | None = None, history: int = 1, keep: bool = False
    ) -> None:
        is_iterable = fn is not None and not callable(fn) and isinstance(fn, Iterable)
        super().__init__(None if is_iterable else fn)  # type: ignore[arg-type]
        if not isinstance(history, int) or isinstance(history, bool) or history < 0:
            raise HandlerError("history of markov must be a count of steps", seen=repr(history), expected="0, 1, ...")
        self.steps: Iterable[Any] | None = fn if is_iterable else None  # type: ignore[assignment]
        self.history, self.keep = history, keep
        self._context = object()
        self._step = 0

    def __enter__(self) -> Any:
        entered = super().__enter__()
        if not self.keep:
            self._step += 1
        return entered

    def __iter__(self) -> Iterator[Any]:
        if self.steps is None:
            raise HandlerError("this markov has no steps", suggestion="write `for t in markov(range(n)):`")
        for step in self.steps:
            with self:
                yield step

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample":
            msg.setdefault("markov", {})[self._context] = (self._step, self.history)
