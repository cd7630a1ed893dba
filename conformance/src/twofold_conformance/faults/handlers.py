"""Faults of the mechanism, and of the handlers that record and hide."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from twofold_conformance.faults.planting import Patch, area, everywhere, nothing, swap
from twofold_conformance.reference import enumeration, handlers, mechanism, plates, stateful, traces
from twofold_conformance.reference.mechanism import STACK, Handler

fault = area("HANDLER")


@fault("outermost_asked_first", "handlers are asked from the outside in", "value of a site")
def _() -> Iterator[Patch]:
    def inward(msg: Any, active: Any) -> Any:
        for handler in active:
            handler.process(msg)
        return list(reversed(active))

    yield everywhere(mechanism._ask, inward)


@fault(
    "handlers_left_behind_by_error",
    "an exception leaves the handlers inside which it arose active",
    "DuplicateSiteError: site",
)
def _() -> Iterator[Patch]:
    leave = Handler.__exit__
    yield swap(
        Handler, "__exit__", lambda self, kind, error, trace: leave(self, kind, error, trace) if error is None else None
    )


@fault(
    "abandoned_handlers_stay",
    "what an abandoned generator left on the stack stays there",
    "log density of a site|plates around a site",
)
def _() -> Iterator[Patch]:
    def only_itself(handler: Any) -> None:
        STACK.handlers[:] = [active for active in STACK.handlers if active is not handler]

    yield everywhere(mechanism._leave, only_itself)


@fault("late_exit_pops_another", "a handler that exits late takes away somebody else's", "joint log density")
def _() -> Iterator[Patch]:
    def popping(handler: Any) -> None:
        if STACK.handlers:
            STACK.handlers.pop()

    yield everywhere(mechanism._leave, popping)


@fault(
    "arguments_lost",
    "a handler around a function drops keyword arguments and the result",
    "result of a function inside",
)
def _() -> Iterator[Patch]:
    call = Handler.__call__
    yield swap(Handler, "__call__", lambda self, *args, **kwargs: call(self, *args))


@fault("result_lost", "a handler around a function returns nothing", "result of a function inside")
def _() -> Iterator[Patch]:
    call = Handler.__call__

    def silent(self: Any, *args: Any, **kwargs: Any) -> None:
        call(self, *args, **kwargs)

    yield swap(Handler, "__call__", silent)


@fault(
    "context_form_ignored",
    "handlers act around functions only, not as context managers",
    "result of the context manager",
)
def _() -> Iterator[Patch]:
    enter, leave = Handler.__enter__, Handler.__exit__

    def entering(self: Any) -> Any:
        return enter(self) if self.fn is not None or isinstance(self, _STRUCTURE) else self.start()

    def leaving(self: Any, *error: Any) -> None:
        if any(handler is self for handler in STACK.handlers):
            leave(self, *error)

    yield swap(Handler, "__enter__", entering)
    yield swap(Handler, "__exit__", leaving)


_STRUCTURE = (traces.trace, enumeration.Step, plates.Plate)


@fault("anything_wrapped", "a handler may wrap what cannot be called", "mask around")
def _() -> Iterator[Patch]:
    yield swap(Handler, "_check_callable", nothing)


@fault("handler_entered_twice", "one handler may be active twice", "a handler entered inside itself")
def _() -> Iterator[Patch]:
    yield swap(Handler, "_check_inactive", nothing)


@fault("stack_shared_by_threads", "handlers of one thread act on statements of another", "value of the site")
def _() -> Iterator[Patch]:
    shared = SimpleNamespace(handlers=[], first_values={})
    yield everywhere(STACK, shared)


@fault("trace_accumulates", "a second run of a trace adds to the first", "value of height")
def _() -> Iterator[Patch]:
    def kept(self: Any) -> None:
        self.trace = getattr(self, "trace", traces.Trace())
        self.trace.pop("_INPUT", None)

    yield swap(traces.trace, "start", kept)
    yield swap(traces.trace, "_check_repeated", nothing)


@fault("trace_rewritten", "a second run writes into the trace of the first", "value of height")
def _() -> Iterator[Patch]:
    def cleared(self: Any) -> None:
        self.trace = getattr(self, "trace", traces.Trace())
        self.trace.clear()

    yield swap(traces.trace, "start", cleared)


@fault("trace_draws_extra", "tracing changes what is drawn", "result under trace")
def _() -> Iterator[Patch]:
    process = traces.trace.process

    def drawing(self: Any, msg: Any) -> None:
        if msg["type"] == "sample" and msg["fn"] is not None:
            msg["rng_key"] = mechanism.prng_key()
            msg["draw"](msg)
        process(self, msg)

    yield swap(traces.trace, "process", drawing)


@fault("trace_without_input", "stateful: a trace does not record arguments and result", "KeyError")
def _() -> Iterator[Patch]:
    yield swap(stateful.trace, "__call__", traces.trace.__call__)


@fault("inner_trace_hides", "a trace hides its sites from an outer trace", "sites of the outer trace")
def _() -> Iterator[Patch]:
    def stopping(self: Any, msg: Any) -> None:
        msg["stop"] = msg["stop"] or (msg["type"] in handlers.SITES and msg["type"] != "plate")

    process = traces.trace.process

    def inner_only(self: Any, msg: Any) -> None:
        process(self, msg)
        position = next(i for i, handler in enumerate(STACK.handlers) if handler is self)
        if any(isinstance(handler, traces.trace) for handler in STACK.handlers[:position]):
            stopping(self, msg)

    yield swap(traces.trace, "process", inner_only)


@fault("block_hides_nothing", "block has no effect", "sites outside the block")
def _() -> Iterator[Patch]:
    yield swap(handlers.block, "hides", lambda self, msg: False)


@fault(
    "block_stops_inner_value",
    "a hidden site gets no value from handlers inside the block",
    "value that a handler inside",
)
def _() -> Iterator[Patch]:
    process = handlers.block.process

    def erasing(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["stop"] and msg["type"] == "sample":
            msg["value"] = None

    yield swap(handlers.block, "process", erasing)


@fault("block_hides_from_inner", "handlers inside a block do not see its sites either", "value that a handler inside")
def _() -> Iterator[Patch]:
    ask = mechanism._ask

    def hiding(msg: Any, active: Any) -> Any:
        for position, handler in enumerate(active):
            if isinstance(handler, handlers.block) and msg["type"] in handlers.SITES and handler.hides(msg):
                return ask(msg, active[: position + 1])
        return ask(msg, active)

    yield everywhere(ask, hiding)


@fault("block_changes_values", "hidden sites draw other values", "result of the blocked model")
def _() -> Iterator[Patch]:
    process = handlers.block.process

    def wasting(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["stop"] and msg["type"] == "sample":
            msg["rng_key"] = mechanism.prng_key()
            msg["draw"](msg)

    yield swap(handlers.block, "process", wasting)


@fault("block_no_key", "stateless: a hidden site gets no key from a seed outside", "MissingKeyError: sample")
def _() -> Iterator[Patch]:
    yield swap(handlers, "takes_key", lambda msg: False)


@fault("block_hide_hides_all", "hide= hides every site", r"sites outside block\(hide\)")
def _() -> Iterator[Patch]:
    hides = handlers.block.hides
    yield swap(handlers.block, "hides", lambda self, msg: bool(self.hide) or hides(self, msg))


@fault("block_expose_ignored", "expose= has no effect", r"sites outside block\(expose\)")
def _() -> Iterator[Patch]:
    yield _blocking(lambda self: setattr(self, "expose", set()))


@fault("block_hide_fn_ignored", "hide_fn= has no effect", r"sites outside block\(hide_fn\)")
def _() -> Iterator[Patch]:
    yield _blocking(lambda self: setattr(self, "hide_fn", None))


@fault("block_types_ignored", "expose_types= and hide_types= have no effect", r"sites outside block\(expose_types")
def _() -> Iterator[Patch]:
    def ignoring(self: Any) -> None:
        self.expose_types, self.hide_types = set(), set()

    yield _blocking(ignoring)


def _blocking(change: Any) -> Patch:
    init = handlers.block.__init__

    def changed(self: Any, *args: Any, **settings: Any) -> None:
        init(self, *args, **settings)
        change(self)

    return swap(handlers.block, "__init__", changed)


@fault("block_contradiction_accepted", "stateful: a name may be both hidden and exposed", "a name both hidden")
def _() -> Iterator[Patch]:
    yield swap(handlers.block, "check", nothing)


@fault("block_expose_wins", "stateless: of a name both hidden and exposed the exposure counts", "a name both hidden")
def _() -> Iterator[Patch]:
    hides = handlers.block.hides
    yield swap(handlers.block, "hides", lambda self, msg: msg["name"] not in self.expose and hides(self, msg))
