"""The handler stack, the base class of handlers, and the journey of a message through them."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from typing import Any

from torch import Tensor

from .errors import HandlerError
from .messages import Message, as_site_value, draw
from .shapes import check_value_shape

__all__ = [
    "Messenger",
    "NonlocalExit",
    "active_handlers",
    "am_i_wrapped",
    "apply_stack",
    "current_run",
    "is_handled",
]

_RESUMABLE = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


class _Stack(threading.local):
    """The active handlers of this thread, the outermost first; a new thread starts with none."""

    def __init__(self) -> None:
        self.handlers: tuple[Messenger, ...] = ()
        self.exits_elsewhere = 0


STACK = _Stack()
_EXITS_ELSEWHERE = [0]
"""How many handlers were left that were not on the stack of the thread that left them."""


class _Entry:
    """Token of one activation of a handler; a class of its own because torch.compile knows no bare objects."""


def active_handlers() -> tuple[Messenger, ...]:
    """The handlers around the caller in this thread, the outermost first."""
    return STACK.handlers


def is_handled() -> bool:
    """Whether any handler is active in this thread."""
    return bool(STACK.handlers)


am_i_wrapped = is_handled
"""The lineage's name of ``is_handled``."""


def current_run() -> object | None:
    """A token of the run that the caller is part of; None outside every handler.

    A run is what the outermost trace records, or without one what happens inside the outermost handler.
    """
    handlers = STACK.handlers
    outermost = next((handler for handler in handlers if handler.is_recorder), handlers[0] if handlers else None)
    return None if outermost is None else outermost._entry


class NonlocalExit(Exception):  # noqa: N818 - no error: a way out
    """Raised to leave a model at a site.

    Args:
        site: the message of the site.
    """

    def __init__(self, site: Message) -> None:
        super().__init__(f"left the model at site {site['name']!r}")
        self.site = site

    def reset_stack(self) -> None:
        """Let the handlers that are still active forget what they saw of the run that was left; a new run begins."""
        for handler in STACK.handlers:
            handler.__dict__["_entry"] = _Entry()
            handler._reset()


class Messenger:
    """Base of all handlers: changes how sites behave during one call of ``fn``, or inside a ``with`` block.

    A subclass overrides ``process_message`` (asked from the inside outward, while the value may be missing) and
    ``postprocess_message`` (told from the outside inward, once the value is there).  Or it defines a method for each
    type of statement that it cares about: ``_pyro_sample(msg)`` and ``_pyro_post_sample(msg)``, ``_pyro_param(msg)``
    and so on.  All of them edit the message that they get.

    Args:
        fn: function whose statements are handled.  Without it the handler is a context manager, and a decorator.

    Raises:
        HandlerError: ``fn`` is not callable, or the handler is entered while it is active.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> class Names(Messenger):
        ...     def process_message(self, msg):
        ...         print("statement", msg["name"])
        >>> with Names():
        ...     _ = sample("x", dist.Normal(0.0, 1.0), obs=0.5)
        statement x
    """

    is_recorder: bool = False
    """Whether a run begins where this handler is entered."""

    fn: Callable[..., Any] | None = None
    _entry: object = None
    """Token of the present activation."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the runtime reach an overridden hook under either name in one call."""
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        for name, prefix in (("process_message", "_pyro_"), ("postprocess_message", "_pyro_post_")):
            if f"_{name}" in own:
                continue
            if name in own:
                setattr(cls, f"_{name}", own[name])
            elif any(hook.startswith(prefix) for hook in own):
                setattr(cls, f"_{name}", _with_hooks(getattr(cls, f"_{name}"), getattr(Messenger, name)))

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
        method = getattr(self, f"_pyro_{msg['type']}", None)
        if method is not None:
            method(msg)

    def postprocess_message(self, msg: Message) -> None:
        """Hook: the value is there."""
        method = getattr(self, f"_pyro_post_{msg['type']}", None)
        if method is not None:
            method(msg)

    # The lineage's names, which the runtime calls.
    _process_message = process_message
    _postprocess_message = postprocess_message

    def _reset(self) -> None:
        """Hook: the model was left and will be run again inside this handler; forget what belongs to one run."""

    def __enter__(self) -> Any:
        if not self._claim():
            raise HandlerError(
                f"this {type(self).__name__} handler is active already",
                expected="one handler object entered once at a time",
                suggestion="make a second one",
                seen="a second entry inside the first",
            )
        if STACK.exits_elsewhere != _EXITS_ELSEWHERE[0]:
            _drop_dead_handlers()
        STACK.handlers = (*STACK.handlers, self)
        return self

    def _claim(self) -> bool:
        """Mark the handler as active; setdefault is atomic, so one of two threads gets it."""
        token = _Entry()
        return self.__dict__.setdefault("_entry", token) is token

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> bool | None:
        self.__dict__.pop("_entry", None)
        handlers = STACK.handlers
        if handlers and handlers[-1] is self:
            STACK.handlers = handlers[:-1]
        elif self in handlers:
            place = handlers.index(self)
            # What lies above was left behind by a suspended generator, unless this very handler is the one that a
            # generator left behind: then it belongs to whoever resumed or collected the generator.
            above = handlers[place + 1 :] if _exits_from_generator() else ()
            STACK.handlers = handlers[:place] + above
        else:
            _EXITS_ELSEWHERE[0] += 1
        return None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fn is None:
            return self._decorate(*args, **kwargs)
        with self._for_call():
            return self.fn(*args, **kwargs)

    def _for_call(self) -> Any:
        """This handler, or a copy if it is active already: in another thread, or in a recursive model."""
        return self if "_entry" not in self.__dict__ else self._copy()

    def _copy(self) -> Any:
        handler = copy.copy(self)
        handler.__dict__.pop("_entry", None)
        return handler

    def _decorate(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs or not callable(args[0]):
            raise HandlerError(
                f"this {type(self).__name__} handler has no function yet",
                seen=f"a call with {len(args)} positional and {len(kwargs)} keyword arguments",
                expected="one function, to be decorated",
                suggestion=f"pass the model first: {type(self).__name__}(model, ...)",
            )
        handler = self._copy()
        handler.fn = args[0]
        return handler

    @classmethod
    def register(
        cls, fn: Callable[..., Any] | None = None, type: str | None = None, post: bool = False
    ) -> Callable[..., Any]:
        """Add a method for one type of statement to this class; also a decorator.

        Args:
            fn: function of the handler and the message.
            type: type of statement, such as ``"sample"`` or one of your own.
            post: told after the statement rather than asked before it.

        Example:
            >>> class Quiet(Messenger):
            ...     pass
            >>> @Quiet.register(type="sample")
            ... def _stop(self, msg):
            ...     msg["stop"] = True
        """
        if fn is None:
            return lambda function: cls.register(function, type=type, post=post)
        if type is None:
            raise HandlerError(f"{cls.__name__}.register needs the type of statement", expected='such as type="sample"')
        setattr(cls, f"_pyro_{'post_' if post else ''}{type}", fn)
        return fn

    @classmethod
    def unregister(cls, fn: Callable[..., Any] | None = None, type: str | None = None) -> Callable[..., Any] | None:
        """Take the methods for one type of statement off this class again."""
        for name in (f"_pyro_{type}", f"_pyro_post_{type}"):
            if name in cls.__dict__:
                delattr(cls, name)
        return fn


def _drop_dead_handlers() -> None:
    """Take off handlers whose ``with`` block was ended by another thread, which collected their generator."""
    STACK.exits_elsewhere = _EXITS_ELSEWHERE[0]
    STACK.handlers = tuple(handler for handler in STACK.handlers if "_entry" in handler.__dict__)


def _with_hooks(inherited: Callable[..., None], dispatch: Callable[..., None]) -> Callable[..., None]:
    """A handler's own treatment of a message, then the methods that a subclass has for single types."""
    if inherited is dispatch:
        return inherited

    def both(self: Messenger, msg: Message) -> None:
        inherited(self, msg)
        dispatch(self, msg)

    return both


def _exits_from_generator() -> bool:
    """Whether the ``with`` statement that is being left stands in a generator or coroutine."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_name == "__exit__":
        frame = frame.f_back
    return bool(frame.f_code.co_flags & _RESUMABLE)


def apply_stack(msg: Message) -> Message:
    """Show ``msg`` to the handlers, perform it, and show it back to the same handlers.

    The innermost handler is asked first; ``msg["stop"]`` ends the round.  Then the same handlers are told in the
    opposite order, and last the ``continuation`` of the message is called.

    Args:
        msg: a message with all its keys; it is edited in place.

    Returns:
        The same message, its value there.
    """
    handlers = STACK.handlers
    first = len(handlers)
    while first:
        first -= 1
        handlers[first]._process_message(msg)
        if msg["stop"]:
            break
    if not msg["done"]:
        _perform(msg)
    for handler in handlers[first:]:
        handler._postprocess_message(msg)
    if msg["continuation"] is not None:
        msg["continuation"](msg)
    return msg


def _perform(msg: Message) -> None:
    """Make the value that no handler supplied; hold one that was supplied against its law."""
    value = msg["value"]
    if value is None:
        msg["value"] = draw(msg["fn"], msg["args"], msg["kwargs"])
    elif msg["type"] == "sample":
        if value.__class__ is not Tensor:
            msg["value"] = as_site_value(msg, value)
        check_value_shape(msg)
    msg["done"] = True
