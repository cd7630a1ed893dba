"""Faults of the handlers that say what values are: condition, uncondition, do, substitute, replay, lift, seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, altered, area, everywhere, nothing, swap
from twofold_conformance.reference import draws, handlers, mechanism, stateful, stateless
from twofold_conformance.reference.draws import GENERATOR
from twofold_conformance.reference.mechanism import KeySequence
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


fault = area("HANDLER")


@fault("seed_ignored", "stateful: seed does not seed", "values with equal seeds")
def _() -> Iterator[Patch]:
    def noting(self: Any) -> None:
        self.before = GENERATOR.state

    yield swap(stateful.seed, "start", noting)
    yield _keys(lambda self: KeySequence(np.random.default_rng().integers(1000)))


@fault("seed_no_restore", "stateful: seed does not give the generator back", "draw around a seed handler")
def _() -> Iterator[Patch]:
    yield swap(stateful.seed, "finish", nothing)


@fault(
    "seed_no_restore_on_error",
    "stateful: seed does not give the generator back after an exception",
    "draw after a failed seeded",
)
def _() -> Iterator[Patch]:
    finish = stateful.seed.finish
    yield swap(stateful.seed, "finish", lambda self, *, failed: None if failed else finish(self, failed=failed))


@fault("seed_same_for_all", "every seed is the same seed", "values with different seeds")
def _() -> Iterator[Patch]:
    init = stateful.seed.__init__

    def constant(self: Any, fn: Any = None, rng_seed: Any = None) -> None:
        init(self, fn, rng_seed)
        self.rng_seed = 0

    yield swap(stateful.seed, "__init__", constant)
    yield _keys(lambda self: KeySequence(0))


def _keys(make: Any) -> Patch:
    def start(self: Any) -> None:
        self.keys = make(self)

    return swap(stateless.seed, "start", start)


@fault("seed_same_key", "stateless: all sites get the same key", "number of different draws")
def _() -> Iterator[Patch]:
    yield swap(KeySequence, "next", lambda self: self.root)


@fault("seed_any_type", "a seed may be of any type", "seed")
def _() -> Iterator[Patch]:
    yield swap(stateful.seed, "check", nothing)
    yield swap(stateless.seed, "check", nothing)
    yield _keys(lambda self: KeySequence(_as_number(self.rng_seed)))
    init = stateful.seed.__init__
    yield swap(stateful.seed, "__init__", lambda self, fn=None, rng_seed=None: init(self, fn, _as_number(rng_seed)))


def _as_number(seed: Any) -> Any:
    if isinstance(seed, str):
        return len(seed)
    return int(seed) if isinstance(seed, float) else seed


@fault("seed_refuses_arrays", "stateless: a seed must be a Python number", "TypeError: a seed")
def _() -> Iterator[Patch]:
    def strict(self: Any, rng_seed: Any) -> None:
        if not isinstance(rng_seed, int):
            raise TypeError(f"a seed is a number, seen: {rng_seed!r}")

    yield swap(stateless.seed, "check", strict)


@fault(
    "seed_key_differs_from_number",
    "stateless: a key gives other values than its number",
    r"draw with the seed Tensor\(",
)
def _() -> Iterator[Patch]:
    yield _keys(lambda self: KeySequence(_shifted(self.rng_seed)))


def _shifted(seed: Any) -> Any:
    return draws.fold_in(seed, 0) if draws.is_key(seed) else seed


@fault(
    "seed_context_differs",
    "stateless: seed as a context manager gives other keys than around a function",
    "result of the context manager|draw inside a seed context",
)
def _() -> Iterator[Patch]:
    yield _keys(lambda self: KeySequence(self.rng_seed if self.fn else draws.fold_in(draws.make_key(self.rng_seed), 0)))


@fault(
    "seed_continues",
    "stateless: a second call of a seeded function goes on with the sequence",
    "the second call repeats",
)
def _() -> Iterator[Patch]:
    yield _keys(lambda self: getattr(self, "keys", None) or KeySequence(self.rng_seed))


@fault("seed_outer_wins", "stateless: of nested seeds the outer one decides", "draw inside seed")
def _() -> Iterator[Patch]:
    def greedy(self: Any, msg: Any) -> None:
        if mechanism.takes_key(altered(msg, rng_key=None)) or msg["type"] == "prng_key":
            msg["rng_key"] = self.keys.next()

    yield swap(stateless.seed, "process", greedy)


@fault("seed_skips_observed", "stateless: a site that draws nothing uses up no key", "a later draw")
def _() -> Iterator[Patch]:
    process = stateless.seed.process
    yield swap(stateless.seed, "process", lambda self, msg: None if msg["is_observed"] else process(self, msg))


@fault("seed_hide_types_ignored", "stateless: hide_types of seed has no effect", "a subsampled plate whose key")
def _() -> Iterator[Patch]:
    init = stateless.seed.__init__
    yield swap(stateless.seed, "__init__", lambda self, fn=None, rng_seed=None, hide_types=(): init(self, fn, rng_seed))


@fault("keys_collide_after_many", "stateless: keys repeat with period 1 for later sites", "number of different draws")
def _() -> Iterator[Patch]:
    fold_in = draws.fold_in
    yield everywhere(fold_in, lambda key, count: fold_in(key, min(count, 2)))
