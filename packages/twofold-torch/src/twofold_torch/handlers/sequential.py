"""Handlers that run through the values of discrete sites one after the other: escape, queue."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..errors import HandlerError, InferenceError
from ..messages import Message
from ..runtime import Messenger, NonlocalExit
from ..traces import Trace
from .enumeration import support_of
from .recording import replay, trace

__all__ = ["NonlocalExit", "discrete_escape", "enum_extend", "escape", "queue"]


class escape(Messenger):
    """Leave the model, by ``NonlocalExit``, at the first sample site that ``escape_fn`` accepts.

    Args:
        fn: model.
        escape_fn: function of the message.
    """

    def __init__(
        self, fn: Callable[..., Any] | None = None, escape_fn: Callable[[Message], bool] | None = None
    ) -> None:
        super().__init__(fn)
        if not callable(escape_fn):
            raise HandlerError("escape needs escape_fn, a function of the site", seen=repr(escape_fn))
        self.escape_fn = escape_fn

    def process_message(self, msg: Message) -> None:
        """Leave here if the site is accepted."""
        if msg["type"] == "sample" and self.escape_fn(msg):
            raise NonlocalExit(msg)


def discrete_escape(recorded: Trace, msg: Message) -> bool:
    """Whether a site is a discrete latent that a partial trace does not have yet."""
    return (
        msg["type"] == "sample"
        and not msg["is_observed"]
        and msg["name"] not in recorded
        and getattr(msg["fn"], "has_enumerate_support", False)
    )


def enum_extend(recorded: Trace, msg: Message, num_samples: int | None = None) -> list[Trace]:
    """A partial trace, extended by each value of a site in turn.

    Args:
        recorded: what has been decided before the site.
        msg: the site.
        num_samples: at most so many values; None or a negative number for all.
    """
    values = support_of(msg, expand=True)
    if num_samples is not None and num_samples >= 0:
        values = values[:num_samples]
    extended = []
    for value in values:
        longer = recorded.copy()
        longer.record(str(msg["name"]), {**msg, "value": value})
        extended.append(longer)
    return extended


def queue(
    fn: Callable[..., Any] | None = None,
    queue: Any = None,
    max_tries: int = 1_000_000,
    extend_fn: Callable[..., list[Trace]] = enum_extend,
    escape_fn: Callable[[Trace, Message], bool] = discrete_escape,
    num_samples: int | None = None,
) -> Callable[..., Any]:
    """Run ``fn`` along a partial trace of the queue; at an undecided site put one longer trace for each value back.

    Args:
        fn: model.
        queue: an object with ``get()`` and ``put(trace)``, such as ``queue.LifoQueue``, that holds at least one trace.
        max_tries: how many partial traces to try for one complete run.
        extend_fn: function of trace, message and ``num_samples`` that gives the longer traces.
        escape_fn: function of trace and message that says where to stop.
        num_samples: at most so many values of a site.

    Returns:
        A function that makes one complete run, and returns what ``fn`` does.

    Raises:
        InferenceError: ``max_tries`` is exceeded.
    """
    if queue is None:
        raise HandlerError("queue needs a queue of traces", expected="an object with get() and put(trace)")
    if fn is None:
        return lambda function: _queued(function, queue, max_tries, extend_fn, escape_fn, num_samples)
    return _queued(fn, queue, max_tries, extend_fn, escape_fn, num_samples)


def _queued(
    fn: Callable[..., Any], queue: Any, max_tries: int, extend_fn: Any, escape_fn: Any, num_samples: Any
) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        for _ in range(max_tries):
            partial = queue.get()
            known = replay(fn, trace=partial)
            known.check_names = False
            recorder = trace(escape(known, escape_fn=functools.partial(escape_fn, partial)))
            try:
                return recorder(*args, **kwargs)
            except NonlocalExit as left:
                left.reset_stack()
                for longer in extend_fn(recorder.trace.copy(), left.site, num_samples):
                    queue.put(longer)
        raise InferenceError(f"no complete run after {max_tries} tries", suggestion="enlarge max_tries")

    return run
