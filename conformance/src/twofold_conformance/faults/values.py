"""Faults of the handlers that say what values are: condition, uncondition, do, substitute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twofold_conformance.faults.planting import Patch, area, everywhere, nothing, swap
from twofold_conformance.reference import handlers, mechanism, stateful, stateless
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import tensor

fault = area("HANDLER")


@fault("condition_not_observed", "a conditioned site stays latent", "kind of the site")
def _() -> Iterator[Patch]:
    yield _condition(lambda self, msg, value: msg.update(value=value))


@fault("condition_yields_to_obs", "condition does not replace an observation", "value")
def _() -> Iterator[Patch]:
    def yielding(self: Any, msg: Any, value: Any) -> None:
        if not msg["is_observed"]:
            msg.update(value=value, is_observed=True)

    yield _condition(yielding)


@fault("condition_none_unobserves", "None in the data of condition makes a site latent", "kind of an observed site")
def _() -> Iterator[Patch]:
    process = handlers.condition.process

    def erasing(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["type"] == "sample" and msg["name"] in self.names and self.choose(msg) is None:
            msg.update(value=None, is_observed=False)

    yield swap(handlers.condition, "process", erasing)


def _condition(act: Any) -> Patch:
    def process(self: Any, msg: Any) -> None:
        value = self.choose(msg) if self.meets(msg) else None
        if value is not None:
            act(self, msg, value)

    return swap(handlers.condition, "process", process)


@fault("condition_touches_params", "condition sets parameters of the given names too", "value of a param whose")
def _() -> Iterator[Patch]:
    yield swap(handlers.condition, "types", ("sample", "param"))
    yield swap(stateful.condition, "types", ("sample", "plate", "param"))


@fault("condition_changes_joint", "a conditioned site does not count in the joint", "joint log density")
def _() -> Iterator[Patch]:
    yield _condition(lambda self, msg, value: msg.update(value=value, is_observed=True, mask=False))


@fault("condition_needs_known_names", "a name without a site is an error", "KeyError")
def _() -> Iterator[Patch]:
    finish = handlers.Naming.finish

    def strict(self: Any, *, failed: bool) -> None:
        if not failed and self.unused and isinstance(self, handlers.condition):
            raise KeyError(sorted(self.unused))
        finish(self, failed=failed)

    yield swap(handlers.Naming, "finish", strict)


@fault("condition_fn_ignored", "stateless: condition_fn has no effect", "value of the site")
def _() -> Iterator[Patch]:
    chooser = handlers.chooser
    yield everywhere(chooser, lambda data, choose: chooser(data or {}, None))


@fault("choice_none_counts", "stateless: a function that returns None sets the site to 0", "kind of a site")
def _() -> Iterator[Patch]:
    chooser = handlers.chooser

    def counting(data: Any, choose: Any) -> Any:
        chosen = chooser(data, choose)
        if choose is None:
            return chosen
        return lambda msg: tensor(0.0) if chosen(msg) is None and msg["type"] == "sample" else chosen(msg)

    yield everywhere(chooser, counting)


@fault(
    "both_settings_accepted",
    "handlers do not mind if both or none of their settings are given",
    "replay with neither trace nor",
)
def _() -> Iterator[Patch]:
    yield everywhere(handlers.exactly_one, nothing)
    init = handlers.replay.__init__

    def lenient(self: Any, fn: Any = None, trace: Any = None, params: Any = None) -> None:
        init(self, fn, trace, params or {})

    yield swap(handlers.replay, "__init__", lenient)


@fault("condition_wants_plain_values", "stateful: condition does not read the values of a trace", "value of height")
def _() -> Iterator[Patch]:
    yield everywhere(handlers.values_of, lambda data: {n: v for n, v in data.items() if not isinstance(v, dict)})


@fault("uncondition_keeps_obs", "uncondition leaves observed sites as they are", "kind of the site")
def _() -> Iterator[Patch]:
    yield swap(handlers.uncondition, "process", nothing)


@fault(
    "uncondition_keeps_value",
    "uncondition makes a site latent and keeps the observed value",
    "value of the site, drawn",
)
def _() -> Iterator[Patch]:
    process = handlers.uncondition.process

    def keeping(self: Any, msg: Any) -> None:
        value = msg["value"]
        process(self, msg)
        msg["value"] = value

    yield swap(handlers.uncondition, "process", keeping)


@fault("uncondition_forgets", "uncondition does not keep the former value", "obs in its infer dict")
def _() -> Iterator[Patch]:
    process = handlers.uncondition.process

    def forgetting(self: Any, msg: Any) -> None:
        process(self, msg)
        msg["infer"].pop("obs", None)

    yield swap(handlers.uncondition, "process", forgetting)


@fault(
    "uncondition_blocks_condition", "a site that uncondition has freed cannot be observed any more", "kind of the site"
)
def _() -> Iterator[Patch]:
    yield _condition(
        lambda self, msg, value: None if msg["infer"].get("was_observed") else msg.update(value=value, is_observed=True)
    )


@fault("do_observes", "do observes the site instead of intervening", "kind of the site|value that flows downstream")
def _() -> Iterator[Patch]:
    def observing(self: Any, msg: Any) -> None:
        if self.meets(msg) and msg["name"] in self.data:
            msg.update(value=self.data[msg["name"]], is_observed=True)

    yield swap(handlers.do, "process", observing)


@fault("do_hides_site", "do takes the site out of the run", "MissingKeyError: sample")
def _() -> Iterator[Patch]:
    process = handlers.do.process

    def hiding(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["returns"] is not None:
            msg["stop"] = True

    yield swap(handlers.do, "process", hiding)


@fault(
    "do_returns_draw",
    "do records the intervention but the model goes on with the draw",
    "value that the statement returned|log density of the site",
)
def _() -> Iterator[Patch]:
    show = mechanism.show

    def drawn(msg: Any, **settings: Any) -> Any:
        show(msg, **settings)
        return msg["value"]

    yield everywhere(show, drawn)


@fault(
    "do_scales_twice",
    "an intervened site in a subsampled plate is weighed twice and lists its plates twice",
    "scale of the fresh site",
)
def _() -> Iterator[Patch]:
    process = handlers.do.process

    def doubling(self: Any, msg: Any) -> None:
        before = msg["returns"]
        process(self, msg)
        if msg["returns"] is not before:
            msg["scale"] = msg["scale"] * msg["scale"]
            msg["cond_indep_stack"] = msg["cond_indep_stack"] * 2

    yield swap(handlers.do, "process", doubling)


@fault("do_nested_silent", "two interventions on one site go unnoticed", "two interventions on one site")
def _() -> Iterator[Patch]:
    yield swap(handlers.do, "warn_twice", nothing)


@fault(
    "do_nested_recurses",
    "two interventions on one site hand it back and forth",
    "RecursionError: maximum recursion depth exceeded",
)
def _() -> Iterator[Patch]:
    def endless(self: Any, msg: Any) -> None:
        raise RecursionError(f"maximum recursion depth exceeded at site {msg['name']!r}")

    yield swap(handlers.do, "warn_twice", endless)


@fault("do_stops_condition", "a site under do cannot be observed", "value of the site")
def _() -> Iterator[Patch]:
    yield _condition(
        lambda self, msg, value: None if msg["returns"] is not None else msg.update(value=value, is_observed=True)
    )


@fault("substitute_marks_observed", "stateless: a substituted site is observed", "kind of a substituted site")
def _() -> Iterator[Patch]:
    process = stateless.substitute.process

    def observing(self: Any, msg: Any) -> None:
        before = msg["value"]
        process(self, msg)
        if msg["type"] == "sample" and msg["value"] is not before:
            msg["is_observed"] = True

    yield swap(stateless.substitute, "process", observing)


@fault("substitute_replaces_obs", "stateless: substitute replaces observations", "value")
def _() -> Iterator[Patch]:
    def replacing(self: Any, msg: Any) -> None:
        value = self.choose(msg) if self.meets(msg) else None
        if value is not None:
            msg["value"] = value

    yield swap(stateless.substitute, "process", replacing)


@fault("substitute_skips_samples", "stateless: substitute sets parameters only", "value of the site")
def _() -> Iterator[Patch]:
    yield swap(stateless.substitute, "types", ("param", "plate"))


@fault("substitute_skips_params", "substitute sets no parameters", "value of the param")
def _() -> Iterator[Patch]:
    yield swap(stateless.substitute, "types", ("sample", "plate"))
    yield swap(stateful.substitute, "process", nothing)


@fault("substitute_takes_unconstrained", "substituted values are taken as unconstrained", "value of a positive param")
def _() -> Iterator[Patch]:
    process = stateless.substitute.process

    def transforming(self: Any, msg: Any) -> None:
        before = msg["value"]
        process(self, msg)
        if msg["type"] == "param" and msg["value"] is not before and not isinstance(msg["value"], dict | list):
            msg["value"] = msg["kwargs"]["constraint"].constrain(tensor(msg["value"]))
        if msg["type"] == "sample" and msg["value"] is not before:
            msg["value"] = msg["fn"].support.constrain(tensor(msg["value"]))

    yield swap(stateless.substitute, "process", transforming)


@fault("substitute_sets_samples", "stateful: substitute sets sample sites too", "value of a sample site")
def _() -> Iterator[Patch]:
    yield swap(stateful.substitute, "types", ("param", "sample"))


@fault("substitute_writes_store", "stateful: a substituted value is stored", "names in the store")
def _() -> Iterator[Patch]:
    process = stateful.substitute.process

    def storing(self: Any, msg: Any) -> None:
        process(self, msg)
        if msg["type"] == "param" and msg["value"] is not None:
            STORE[msg["name"]] = msg["value"]

    yield swap(stateful.substitute, "process", storing)


fault = area("HANDLER")
