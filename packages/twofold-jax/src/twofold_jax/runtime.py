"""The handler stack, the base class of handlers, and the journey of a message through them."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from typing import Any, Self

from .distributions import Delta, Distribution, Unit
from .errors import HandlerError, RandomKeyError
from .messages import Message
from .shapes import check_value_shape
from .site_checks import check_observed_value
from .transformations import handled_context, note_bare_statement

__all__ = [
    "Messenger",
    "active_handlers",
    "apply_stack",
    "draw",
    "is_handled",
    "isolated",
    "make_key",
    "push",
    "without_inner_renaming",
]

_RESUMABLE = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


class _Stack(threading.local):
    """The active handlers of this thread, the outermost first; a new thread starts with none."""

    def __init__(self) -> None:
        self.handlers: list[Messenger] = []
        self.claimed: Messenger | None = None
        self.context: AbstractContextManager[Any] | None = None
        self.exits_elsewhere = 0


_STACK = _Stack()
_EXITS_ELSEWHERE = [0]
"""How many handlers were left that were not on the stack of the thread that left them."""


def active_handlers() -> tuple[Messenger, ...]:
    """The handlers around the caller in this thread, the outermost first."""
    return tuple(_STACK.handlers)


def is_handled() -> bool:
    """Whether any handler is active in this thread: whether a statement has anybody to speak to."""
    if _STACK.handlers:
        return True
    note_bare_statement()
    return False


def push(handler: Messenger) -> None:
    """Put ``handler`` inside of all handlers of this thread; its ``__exit__`` takes it off."""
    if not _STACK.handlers:
        _STACK.context = handled_context()
        _STACK.context.__enter__()
    elif _STACK.exits_elsewhere != _EXITS_ELSEWHERE[0]:
        _drop_dead_handlers()
    _STACK.handlers.append(handler)


def _drop_dead_handlers() -> None:
    """Take off handlers whose ``with`` block was ended by another thread, which collected their generator."""
    _STACK.exits_elsewhere = _EXITS_ELSEWHERE[0]
    _STACK.handlers[:] = [handler for handler in _STACK.handlers if "_entry" in handler.__dict__]


def _remove(handler: Messenger) -> None:
    """Take ``handler`` off, wherever it stands."""
    handlers = _STACK.handlers
    if handlers and handlers[-1] is handler:
        handlers.pop()
    else:
        for index in range(len(handlers) - 1, -1, -1):
            if handlers[index] is handler:
                # What lies above was left behind by a suspended generator, unless this very handler is the one that
                # a generator left behind: then it belongs to whoever resumed or collected the generator.
                del handlers[index : index + 1 if _exits_from_generator() else len(handlers)]
                break
        else:
            _EXITS_ELSEWHERE[0] += 1
    if not handlers and _STACK.context is not None:
        context, _STACK.context = _STACK.context, None
        context.__exit__(None, None, None)


@contextmanager
def without_inner_renaming(handler: Messenger) -> Iterator[None]:
    """For statements that ``handler`` makes itself: skip the handlers inside of it that rename sites.

    Their names are made from a name that was already renamed on its way to ``handler``.
    """
    before = _STACK.handlers
    place = before.index(handler)
    _STACK.handlers = before[: place + 1] + [inner for inner in before[place + 1 :] if not inner.renames]
    try:
        yield
    finally:
        _STACK.handlers = before


@contextmanager
def isolated() -> Iterator[None]:
    """No handler of this thread sees what runs inside: it is no part of the enclosing run."""
    before, context = _STACK.handlers, _STACK.context
    _STACK.handlers, _STACK.context = [], None
    try:
        yield
    finally:
        _STACK.handlers, _STACK.context = before, context


class Messenger:
    """Base of all handlers: changes how sites behave during one call of ``fn``, or inside a ``with`` block.

    A subclass overrides ``process_message`` (asked from the inside outward, while the value may be missing) and
    ``postprocess_message`` (told from the outside inward, once the value is there); both get the message and edit it.

    Args:
        fn: function whose statements are handled.  Without it the handler is a context manager and a decorator.

    Raises:
        HandlerError: ``fn`` is not callable, or the handler is entered while it is active.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> class Names(Messenger):
        ...     def process_message(self, msg):
        ...         print("statement", msg["name"])
        >>> with Names():
        ...     _ = sample("x", dist.Normal(0.0, 1.0), obs=0.5)
        statement x
    """

    reads_key: bool = True
    """Whether ``process_message`` may read ``msg["kwargs"]["rng_key"]``: then it is made though nothing may draw."""
    renames: bool = False
    """Whether ``process_message`` changes ``msg["name"]``."""
    passes_stop: bool = False
    """Whether the handler is asked although ``msg["stop"]`` hides the site."""

    fn: Callable[..., Any] | None = None

    def __init__(self, fn: Callable[..., Any] | None = None) -> None:
        if fn is not None and not callable(fn):
            raise HandlerError(
                f"{type(self).__name__} needs a function to handle",
                seen=f"{fn!r} of type {type(fn).__name__}",
                expected="a callable, or nothing for a context manager",
                suggestion=f"write {type(self).__name__}(model, ...)",
            )
        self.fn = fn

    def process_message(self, msg: Message) -> None:
        """Hook: the statement has been made, its value may be missing."""

    def postprocess_message(self, msg: Message) -> None:
        """Hook: the value is there."""

    def __enter__(self) -> Any:
        if not self._claim():
            raise HandlerError(
                f"this {type(self).__name__} handler is active already",
                expected="one handler object entered once at a time",
                suggestion="make a second one",
                seen="a second entry inside the first",
            )
        push(self)
        return self

    def _claim(self) -> bool:
        """Mark the handler as active; setdefault is atomic, so one of two threads gets it."""
        if _STACK.claimed is self:
            _STACK.claimed = None
            return True
        token = object()
        return self.__dict__.setdefault("_entry", token) is token

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        self.__dict__.pop("_entry", None)
        _remove(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fn is None:
            return self._decorate(*args, **kwargs)
        handler = self._for_call()
        with handler:
            return self.fn(*args, **kwargs)

    def _for_call(self) -> Self:
        """This handler, or a copy if it is active already: in another thread, or in a recursive model."""
        token = object()
        handler = self
        if self.__dict__.setdefault("_entry", token) is not token:
            handler = copy.copy(self)
            handler.__dict__["_entry"] = token
        _STACK.claimed = handler
        return handler

    def _decorate(self, *args: Any, **kwargs: Any) -> Self:
        if len(args) != 1 or kwargs or not callable(args[0]):
            raise HandlerError(
                f"this {type(self).__name__} handler has no function yet",
                seen=f"a call with {len(args)} positional and {len(kwargs)} keyword arguments",
                expected="one function, to be decorated",
                suggestion=f"pass the model first: {type(self).__name__}(model, ...)",
            )
        handler = copy.copy(self)
        handler.__dict__.pop("_entry", None)
        handler.fn = args[0]
        return handler


def _exits_from_generator() -> bool:
    """Whether the ``with`` block that ends now stands in a generator or coroutine."""
    frame = sys._getframe(2)
    while frame.f_code.co_name == "__exit__" and frame.f_back is not None:
        frame = frame.f_back
    return bool(frame.f_code.co_flags & _RESUMABLE)


def apply_stack(msg: Message) -> Message:
    """Show ``msg`` to the handlers, perform it, and show it back to the same handlers.

    The innermost handler is asked first; ``msg["stop"]`` ends the round, save for handlers that pass a stop (``seed``
    does: a hidden site needs its key).  Then the same handlers are told in the opposite order.

    Args:
        msg: a message with all keys of its type; it is edited in place.

    Returns:
        The same message, its value there.
    """
    asked: list[Messenger] = []
    stopped = False
    for handler in reversed(_STACK.handlers):
        if stopped and not handler.passes_stop:
            continue
        if handler.reads_key and msg.get("draw_key") is not None:
            make_key(msg)
        asked.append(handler)
        handler.process_message(msg)
        if not stopped and msg.get("stop"):
            stopped = True
    if msg["value"] is None:
        _perform(msg)
    elif msg["type"] == "sample":
        check_value_shape(msg)
        if msg["is_observed"]:
            check_observed_value(msg)
    msg.pop("draw_key", None)
    for handler in reversed(asked):
        handler.postprocess_message(msg)
    return msg


def make_key(msg: Message) -> Any:
    """The site's random key, made at the first request; None if no key reached the site."""
    source = msg.get("draw_key")
    if source is not None:
        msg["draw_key"] = None
        msg["kwargs"]["rng_key"] = source()
    return msg["kwargs"].get("rng_key")


def draw(name: str, fn: Any, rng_key: Any, sample_shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """A value of ``fn`` with what its log density can reuse."""
    if rng_key is None and isinstance(fn, Delta | Unit):
        return fn.sample(None, sample_shape), []
    if rng_key is None:
        raise RandomKeyError(
            f"site {name!r} has to draw a value, and no random key reached it",
            seen="no seed handler around the site, and no rng_key",
            expected="a key from an enclosing seed handler, or the argument rng_key",
            suggestion="wrap the model: handlers.seed(model, rng_seed=0); or give the site a value",
        )
    if isinstance(fn, Distribution):
        return fn.sample_with_intermediates(rng_key, sample_shape)
    return fn.sample(rng_key, sample_shape), []


def _perform(msg: Message) -> None:
    """Make the value that no handler supplied."""
    make_key(msg)
    fn = msg["fn"]
    if msg["type"] == "sample":
        kwargs = msg["kwargs"]
        msg["value"], msg["intermediates"] = draw(str(msg["name"]), fn, kwargs["rng_key"], kwargs["sample_shape"])
    elif fn is not None:
        msg["value"] = fn(*msg["args"], **msg["kwargs"])
