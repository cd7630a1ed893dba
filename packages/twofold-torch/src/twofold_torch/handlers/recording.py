"""Handlers that record and repeat whole runs: trace, replay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

import torch

from ..errors import HandlerError, SiteError
from ..messages import Message, is_subsample
from ..runtime import Messenger, NonlocalExit
from ..traces import Trace
from .names import NamedMessenger

__all__ = ["replay", "trace"]

_RECORDED = frozenset(("sample", "param", "deterministic"))


class trace(Messenger):
    """Record every site of a run.

    Args:
        fn: model; without it, ``with trace() as recorder: ...`` and then ``recorder.trace``.
        graph_type: ``"flat"``, or ``"dense"`` for a trace with edges; see :class:`Trace`.
        param_only: record params and nothing else.

    Raises:
        DuplicateSiteError: two statements of one run have one name.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> sites = trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0)).get_trace()
        >>> sites.nodes["x"]["is_observed"]
        True
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        graph_type: Literal["flat", "dense"] | None = None,
        param_only: bool | None = None,
    ) -> None:
        super().__init__(fn)
        self.graph_type: Literal["flat", "dense"] = "flat" if graph_type is None else graph_type
        self.param_only = bool(param_only)
        self.is_recorder = not self.param_only
        self.trace = Trace(self.graph_type)

    def __enter__(self) -> Any:
        result = super().__enter__()
        self.trace = Trace(self.graph_type)
        return result

    def _reset(self) -> None:
        """Begin a new trace, with the arguments of the run."""
        inputs = self.trace.nodes.get("_INPUT")
        self.trace = Trace(self.graph_type)
        if inputs is not None:
            self.trace.record("_INPUT", inputs)

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """The sites recorded so far."""
        return self.trace.nodes

    def get_trace(self, *args: Any, **kwargs: Any) -> Trace:
        """Run the model with these arguments, and return the trace of this run."""
        handler = self._for_call()
        handler(*args, **kwargs)
        recorded: Trace = handler.trace
        return recorded

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fn is None:
            return self._decorate(*args, **kwargs)
        handler = self._for_call()
        with handler:
            if not self.param_only:
                handler.trace.record("_INPUT", _node("_INPUT", "args", args=args, kwargs=kwargs))
            try:
                result = self.fn(*args, **kwargs)
            except NonlocalExit:
                raise
            except Exception as error:
                if len(handler.trace.nodes) > 1:
                    _add_table(error, handler.trace)
                raise
            if not self.param_only:
                handler.trace.record("_RETURN", _node("_RETURN", "return", value=result))
        return result

    def process_message(self, msg: Message) -> None:
        """Let the statement pass: a site is recorded when it has its value."""

    def postprocess_message(self, msg: Message) -> None:
        """Record a site as handlers further out have left it."""
        kind = msg["type"]
        if kind not in _RECORDED or (self.param_only and kind != "param") or "_do_not_trace" in msg["infer"]:
            return
        self.trace.record(msg["name"], msg)


def _node(name: str, kind: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "args": (), "kwargs": {}, "infer": {}, "value": None, **keys}


def _add_table(error: Exception, recorded: Trace) -> None:
    """Attach the shapes of the sites so far to an error that leaves the model, once."""
    title = "Shapes of the sites before the error:"
    if not any(note.startswith(title) for note in getattr(error, "__notes__", ())):
        error.add_note(recorded.format_shapes(title))


class replay(NamedMessenger):
    """Give latent sites the values that they have in a trace, and params the values of a dict.

    The sites stay latent, and are scored by the law that they have now.  Observed sites keep their observations, and
    sites that the trace does not have are drawn.

    Args:
        fn: model.
        trace: recorded run, such as one of a guide.
        params: values by name.

    Raises:
        HandlerError: neither trace nor params.
        SiteError: a site is observed in the trace, but latent now.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> def model():
        ...     return sample("x", dist.Normal(0.0, 1.0))
        >>> sites = trace(model).get_trace()
        >>> bool(replay(model, trace=sites)() == sites.nodes["x"]["value"])
        True
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        trace: Trace | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(fn)
        if trace is None and params is None:
            raise HandlerError(
                "replay needs a trace or params to repeat",
                seen="neither trace nor params",
                expected="trace=, params=, or both",
                suggestion="write replay(model, trace=trace(guide).get_trace())",
            )
        if trace is not None and not isinstance(getattr(trace, "nodes", None), Mapping):
            raise HandlerError(
                "replay needs a recorded run",
                seen=f"trace={trace!r} of type {type(trace).__name__}",
                expected="a trace",
                suggestion="write replay(model, trace=trace(guide).get_trace()); for values use condition, substitute",
            )
        self.trace, self.params = trace, {} if params is None else params
        self._recorded: Mapping[str, Any] = {} if trace is None else trace.nodes

    def _names(self) -> Collection[str]:
        latent = [name for name, site in self._recorded.items() if _is_own_latent(site)]
        return [*latent, *self.params]

    def process_message(self, msg: Message) -> None:
        """Set the value of a latent site, or of a param."""
        kind, name = msg["type"], msg["name"]
        if kind == "param":
            self._see(msg)
            if name in self.params:
                msg["value"] = torch.as_tensor(self.params[name])
        elif kind == "sample":
            self._see(msg)
            recorded = self._recorded.get(name)
            if recorded is None or msg["is_observed"]:
                return
            if recorded["type"] != "sample" or recorded["is_observed"]:
                raise SiteError(
                    f"site {name!r} is latent, but what it would repeat is not",
                    seen=f"{'an observed' if recorded['is_observed'] else 'a'} {recorded['type']} site in the trace",
                    expected="a latent sample site",
                    suggestion="rename one of them, or observe the site in both",
                )
            msg["value"] = recorded["value"]
            msg["infer"] = {**recorded["infer"], **msg["infer"]}


def _is_own_latent(site: Mapping[str, Any]) -> bool:
    """Whether a site is a latent that a replayed model can be expected to have."""
    return (
        site["type"] == "sample"
        and not site["is_observed"]
        and not site["infer"].get("is_auxiliary")
        and not is_subsample(site)
    )
