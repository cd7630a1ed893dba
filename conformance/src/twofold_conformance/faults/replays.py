"""Faults of ``replay`` and ``lift``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twofold_conformance.faults.planting import Patch, area, everywhere, nothing, swap
from twofold_conformance.reference import handlers
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import tensor

fault = area("HANDLER")


@fault("lift_writes_store", "stateful: a lifted parameter is stored", "names in the store")
def _() -> Iterator[Patch]:
    become = handlers._become_sample

    def storing(msg: Any, prior: Any) -> None:
        STORE.setdefault(msg["name"], msg["args"][0])
        become(msg, prior)

    yield everywhere(become, storing)


@fault("replay_draws_anew", "replay has no effect on sample sites", "replayed value")
def _() -> Iterator[Patch]:
    yield swap(handlers.replay, "_replay_sample", nothing)


@fault("replay_marks_observed", "a replayed site is observed", "kind of a replayed site")
def _() -> Iterator[Patch]:
    replayed = handlers.replay._replay_sample

    def observing(self: Any, msg: Any) -> None:
        replayed(self, msg)
        msg["is_observed"] = True

    yield swap(handlers.replay, "_replay_sample", observing)


@fault(
    "replay_overrides_obs",
    "replay replaces observations, and values of sites that are observed in the trace",
    "observed value although the trace|a latent site",
)
def _() -> Iterator[Patch]:
    def overriding(self: Any, msg: Any) -> None:
        if msg["type"] == "sample" and msg["name"] in self.trace:
            msg["value"] = self.trace[msg["name"]]["value"]

    yield swap(handlers.replay, "process", overriding)


@fault("replay_uses_old_law", "a replayed site is scored under the law of the trace", "log density under the model")
def _() -> Iterator[Patch]:
    replayed = handlers.replay._replay_sample

    def old(self: Any, msg: Any) -> None:
        replayed(self, msg)
        msg["fn"] = self.trace[msg["name"]]["fn"]

    yield swap(handlers.replay, "_replay_sample", old)


@fault("replay_accepts_observed", "a latent site takes its value from an observed one of the trace", "a latent site")
def _() -> Iterator[Patch]:
    yield swap(handlers.replay, "check", nothing)


@fault("replay_needs_every_site", "a site that is absent from the trace is an error", "KeyError")
def _() -> Iterator[Patch]:
    process = handlers.replay.process

    def strict(self: Any, msg: Any) -> None:
        if msg["type"] == "sample" and not msg["is_observed"] and self.trace and msg["name"] not in self.trace:
            raise KeyError(msg["name"])
        process(self, msg)

    yield swap(handlers.replay, "process", strict)


@fault("replay_params_ignored", "stateful: replay(params=) has no effect", "value of a param named")
def _() -> Iterator[Patch]:
    init = handlers.replay.__init__

    def dropping(self: Any, fn: Any = None, trace: Any = None, params: Any = None) -> None:
        init(self, fn, trace if trace is not None else {})

    yield swap(handlers.replay, "__init__", dropping)


@fault("lift_ignored", "lift leaves parameters as they are", "kind")
def _() -> Iterator[Patch]:
    yield swap(handlers.lift, "process", nothing)


@fault("lift_everything", "a dict of priors lifts parameters that it does not name", "kind of another param")
def _() -> Iterator[Patch]:
    prior_of = handlers.lift._prior_of

    def greedy(self: Any, msg: Any) -> Any:
        found = prior_of(self, msg)
        return next(iter(self.prior.values())) if found is None else found

    yield swap(handlers.lift, "_prior_of", greedy)


@fault("lift_single_law_ignored", "one law for all parameters lifts none", "kind of loc")
def _() -> Iterator[Patch]:
    prior_of = handlers.lift._prior_of
    yield swap(handlers.lift, "_prior_of", lambda self, msg: prior_of(self, msg) if self.names else None)


@fault("lift_keeps_initial_value", "a lifted parameter keeps its initial value", "its value, drawn")
def _() -> Iterator[Patch]:
    become = handlers._become_sample

    def fixed(msg: Any, prior: Any) -> None:
        init = msg["args"][0]
        become(msg, prior)
        msg["value"] = tensor(init)

    yield everywhere(become, fixed)


@fault("lift_resamples_each_time", "each statement of a lifted parameter draws anew", "DuplicateSiteError: site")
def _() -> Iterator[Patch]:
    process = handlers.lift.process

    def forgetful(self: Any, msg: Any) -> None:
        self.values.clear()
        process(self, msg)

    yield swap(handlers.lift, "process", forgetful)
