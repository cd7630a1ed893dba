"""Handlers of whole runs: ``trace`` records one, ``replay`` repeats one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DuplicateSiteError, HandlerError, SiteError, TwofoldError
from ..messages import Message, Trace, is_auxiliary
from ..params import ParamMemo
from ..runtime import Messenger
from ..transformations import current_transformation, refuse_transformed
from .names import NamedMessenger

__all__ = ["replay", "trace"]


class trace(Messenger):
    """Record the sites of a run, in the order of execution.

    ``with trace() as sites`` gives the dict of sites, ``trace(model).get_trace(...)`` too; each site is the message of
    its statement, with the published keys ``type, name, fn, value, is_observed, scale, cond_indep_stack, infer, ...``.

    Args:
        fn: the model.

    Raises:
        DuplicateSiteError: one name is used by two statements of the run (two param statements are one parameter, and
            a plate may be entered again).
        SiteError: a statement stands inside a JAX transformation that was entered inside this handler.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> sites = trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.5)).get_trace()
        >>> sites["x"]["value"], sites["x"]["is_observed"]
        (0.5, True)
    """

    reads_key = False

    def __init__(self, fn: Callable[..., Any] | None = None) -> None:
        super().__init__(fn)
        self.trace: Trace = {}

    def __enter__(self) -> Trace:
        super().__enter__()
        self.trace = {}
        self._memo = ParamMemo()
        self._transformations = current_transformation()
        return self.trace

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        if isinstance(exc_value, TwofoldError):
            exc_value.add_place(next(reversed(self.trace), None))

    def get_trace(self, *args: Any, **kwargs: Any) -> Trace:
        """Run the model on these arguments and return its sites by name."""
        handler = self._for_call()
        with handler as sites:
            if handler.fn is None:
                raise HandlerError(
                    "trace has no function to run",
                    suggestion="write trace(model).get_trace(...)",
                    seen="trace() without a model",
                    expected="trace(model)",
                )
            handler.fn(*args, **kwargs)
        return sites

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "param":
            self._memo.recall(msg)

    def postprocess_message(self, msg: Message) -> None:
        name = msg["name"]
        if name is None:
            return
        if current_transformation() != self._transformations:
            refuse_transformed(msg, "trace")
        known = self.trace.get(name)
        if msg["type"] == "param":
            self._memo.remember(msg)
        if known is None:
            self.trace[name] = site = msg.copy()
            site.pop("memos", None)  # of use to the run only
            site.pop("subsamplers", None)
        elif not _is_same_site(known, msg):
            _refuse_duplicate(known, msg)


def _is_same_site(known: Message, msg: Message) -> bool:
    """Whether a second statement of a name speaks of the same site."""
    if known["type"] == "plate":
        return msg["type"] == "plate" and msg["fn"] == known["fn"]
    return bool(msg.get("is_repeat")) or known["type"] == msg["type"] == "param"


def _refuse_duplicate(known: Message, msg: Message) -> None:
    first, second = known["type"], msg["type"]
    raise DuplicateSiteError(
        f"the name {msg['name']!r} is used twice in one run",
        seen=f"first by a {first} statement, then by a {second} statement",
        expected="a name of its own for each site and each plate",
        suggestion="rename one; in a loop put the index into the name; or prefix one part with handlers.scope",
    )


def _is_recorded_run(trace: Any) -> bool:
    return isinstance(trace, Mapping) and all(isinstance(site, Mapping) and "type" in site for site in trace.values())


class replay(NamedMessenger):
    """Give latent sites the values of a recorded run; they stay latent, and are scored under the new law.

    Plates take their indices from the recorded run; observed sites keep their observation.

    Args:
        fn: the model.
        trace: sites by name, as ``trace(guide).get_trace(...)`` gives them.
        params: values of params by name.

    Raises:
        HandlerError: neither ``trace`` nor ``params`` was given.
        SiteError: a latent site is observed in the recorded run, or is no sample site there.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> model = lambda: sample("x", dist.Normal(0.0, 1.0))
        >>> from twofold_jax.handlers import substitute
        >>> recorded = trace(substitute(model, data={"x": 0.5})).get_trace()
        >>> replay(model, trace=recorded)()
        0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        trace: Mapping[str, Any] | None = None,
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
        if trace is not None and not _is_recorded_run(trace):
            raise HandlerError(
                "replay needs a recorded run",
                seen=f"trace of type {type(trace).__name__}",
                expected="sites by name, as trace(...).get_trace(...) gives them",
                suggestion="write replay(model, trace=trace(guide).get_trace()); for values use condition, substitute",
            )
        self.trace = {} if trace is None else trace
        self.params = {} if params is None else params

    def _names(self) -> list[str]:
        latent = [
            name
            for name, site in self.trace.items()
            if site["type"] == "sample" and not site["is_observed"] and not is_auxiliary(site)
        ]
        return [*latent, *self.params]

    def process_message(self, msg: Message) -> None:
        self._see(msg)
        kind, name = msg["type"], msg["name"]
        if kind == "param" and name in self.params:
            self._act(msg)
            msg["value"] = self.params[name]
        elif kind == "plate" and name in self.trace:
            if self.trace[name]["type"] == "plate":
                msg["value"] = self.trace[name]["value"]
        elif kind == "sample" and name in self.trace and not msg["is_observed"]:
            recorded = self.trace[name]
            if recorded["type"] != "sample" or recorded["is_observed"]:
                what = "an observed sample site" if recorded["type"] == "sample" else f"a {recorded['type']} site"
                raise SiteError(
                    f"replay cannot give latent site {name!r} the value that it was recorded with",
                    seen=f"{what} in the recorded run",
                    expected="a latent sample site",
                    suggestion="make the site latent in the guide, or give it another name",
                )
            self._act(msg)
            msg["value"] = recorded["value"]
            for key in ("_enumerate_dim", "_dim_to_id"):  # where the dims of enumerated values come from
                if key in recorded["infer"]:
                    msg["infer"][key] = recorded["infer"][key]
