"""The whole mechanism: a statement makes a message, handlers see it, it is performed, handlers see it again.

A handler changes what the statements inside it mean.  The active handlers form a stack, one per thread.  ``show`` asks
them from the innermost outward (``process``), so what an outer handler writes stands; one of them may ``stop`` the
message, which hides it from everything further out.  If nobody has given the value, the statement's own ``default``
makes it.  Then the same handlers are told, from the outermost inward (``postprocess``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, TypedDict

from twofold_conformance.reference.draws import fold_in, make_key
from twofold_conformance.reference.errors import HandlerError


class Frame(NamedTuple):
    """One plate, as the sites inside it list it."""

    name: str
    dim: int | None
    """The batch dim that the plate owns, counted from the right; None for one turn of a loop."""
    size: int
    """The length of the batch at that dim; -1 where the plate has no size."""
    counter: int = 0
    """Which turn of the loop."""


class Message(TypedDict):
    """One visit to one statement.  Handlers read it and edit it."""

    type: str
    """sample, param, plate, deterministic: the sites.  subsample, get_mask, prng_key: questions that leave no site."""
    name: str
    fn: Any
    """Of a sample site: its law."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    default: Callable[[Message], Any]
    """Makes the value if no handler has given one."""
    draw: Callable[[Message], Any]
    """Draws from ``fn``, as the flavour does."""
    check: Callable[[Message], None]
    """Looks at the value, wherever it came from."""
    value: Any
    is_observed: bool
    scale: Any
    mask: Any
    infer: dict[str, Any]
    cond_indep_stack: tuple[Frame, ...]
    """Outermost plate first."""
    rng_key: Any
    """Stateless: the key to draw with."""
    returns: Any
    """What the statement returns in place of the value, if an intervention says so."""
    stop: bool
    """Hide this message from every handler further out."""
    repeats: bool
    """This statement repeats an earlier one of the run: it is no site of its own."""


def message(type_: str, name: str, default: Callable[[Message], Any], **fields: Any) -> Message:
    """A message with everything in its place."""
    blank: Message = {
        "type": type_,
        "name": name,
        "fn": None,
        "args": (),
        "kwargs": {},
        "default": default,
        "draw": default,
        "check": lambda msg: None,
        "value": None,
        "is_observed": False,
        "scale": 1.0,
        "mask": None,
        "infer": {},
        "cond_indep_stack": (),
        "rng_key": None,
        "returns": None,
        "stop": False,
        "repeats": False,
    }
    return {**blank, **fields}  # type: ignore[typeddict-item]


class _Stack(threading.local):
    """Of one thread: the active handlers, outermost first, and what one run remembers."""

    def __init__(self) -> None:
        self.handlers: list[Handler] = []
        self.first_values: dict[str, Any] = {}
        """Stateless: the value of the first statement of each parameter.  A run ends when its last handler leaves."""


STACK = _Stack()


class Handler:
    """Changes what statements mean, inside a ``with`` block or during each call of ``fn``."""

    def __init__(self, fn: Callable[..., Any] | None = None) -> None:
        self._check_callable(fn)
        self.fn = fn

    def _check_callable(self, fn: Any) -> None:
        if fn is not None and not callable(fn):
            raise HandlerError(f"{type(self).__name__} wraps functions, seen: {fn!r}")

    def __enter__(self) -> Any:
        self._check_inactive()
        self.start()
        if not STACK.handlers:
            STACK.first_values = {}
        STACK.handlers.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _leave(self)
        self.finish(failed=error is not None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fn is None:
            raise HandlerError(f"{type(self).__name__} was given no function to call")
        with self:
            return self.fn(*args, **kwargs)

    def _check_inactive(self) -> None:
        if any(handler is self for handler in STACK.handlers):
            raise HandlerError(f"this {type(self).__name__} handler is active already")

    def start(self) -> None:
        """On entry: forget the run before."""

    def finish(self, *, failed: bool) -> None:
        """On exit."""

    def process(self, msg: Message) -> None:
        """Asked on the way out, while the value may be missing."""

    def postprocess(self, msg: Message) -> None:
        """Told on the way in, once the value is there."""


def _leave(handler: Handler) -> None:
    """Take ``handler`` off the stack, with everything that an error or an abandoned loop left inside it."""
    for position, active in enumerate(STACK.handlers):
        if active is handler:
            del STACK.handlers[position:]
            return


def show(msg: Message, *, outside: Handler | None = None) -> Any:
    """Show ``msg`` to the handlers (only those further out than ``outside``), perform it, and return its value."""
    asked = _ask(msg, _outside(outside))
    _perform(msg)
    _tell(msg, asked)
    return msg["value"] if msg["returns"] is None else msg["returns"]


def _outside(handler: Handler | None) -> list[Handler]:
    """The active handlers; or those further out than ``handler``."""
    for position, active in enumerate(STACK.handlers):
        if active is handler:
            return STACK.handlers[:position]
    return list(STACK.handlers)


def _ask(msg: Message, handlers: list[Handler]) -> list[Handler]:
    """Ask from the innermost outward, until one stops the message; those that were asked, innermost first."""
    asked = []
    for handler in reversed(handlers):
        asked.append(handler)
        handler.process(msg)
        if msg["stop"]:
            break
    return asked


def _perform(msg: Message) -> None:
    """Make the value if nobody has given it, and check it."""
    if msg["value"] is None:
        msg["value"] = msg["default"](msg)
    msg["check"](msg)


def _tell(msg: Message, asked: list[Handler]) -> None:
    """Tell those that were asked, from the outermost inward."""
    for handler in reversed(asked):
        handler.postprocess(msg)


def takes_key(msg: Message) -> bool:
    """Stateless: does this statement use up one random key?  It does so whether or not its value is given already."""
    lazy = msg["type"] == "param" and bool(msg["args"]) and callable(msg["args"][0])
    return msg["rng_key"] is None and (msg["type"] in ("sample", "plate") or lazy)


def prng_key(type_: str = "sample", *, outside: Handler | None = None) -> Any:
    """Stateless: a fresh random key for a statement of that type, from the innermost ``seed``; None without one."""
    return show(message("prng_key", type_, lambda msg: msg["rng_key"]), outside=outside)


class KeySequence:
    """The keys that one seed gives, one after the other."""

    def __init__(self, seed: Any) -> None:
        self.root, self.count = make_key(seed), 0

    def next(self) -> Any:
        self.count += 1
        return fold_in(self.root, self.count)
