"""Faults of the statements ``sample``, ``deterministic`` and ``subsample``, of names, and of the record of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import (
    Patch,
    altered,
    area,
    everywhere,
    forgotten_between_checks,
    nothing,
    swap,
)
from twofold_conformance.reference import draws, laws, mechanism, stateful, stateless, statements, traces
from twofold_conformance.reference.tensor import array, tensor

fault = area("SAMPLE")


@fault("obs_by_truth", "an observation is recognised by its truth: 0 and False are none", "kind of the site")
def _() -> Iterator[Patch]:
    yield everywhere(statements.is_given, lambda obs: obs is not None and bool(np.any(array(obs))))


@fault(
    "infer_dict_shared",
    "the infer dict of a site is the caller's, or one for all sites",
    "infer of the site without|the dict that the caller",
)
def _() -> Iterator[Patch]:
    everybody: dict[str, Any] = {}
    yield everywhere(statements.own_infer, lambda infer: everybody if infer is None else infer)


@fault("infer_dropped", "the infer dict does not reach the site", "infer of the site")
def _() -> Iterator[Patch]:
    yield everywhere(statements.own_infer, lambda infer: {})


@fault("observed_site_draws", "a site draws a value before it takes the observation", "the draw after the observed")
def _() -> Iterator[Patch]:
    perform = mechanism._perform

    def drawing(msg: Any) -> None:
        if msg["type"] == "sample" and msg["is_observed"]:
            msg["default"](msg)
        perform(msg)

    yield everywhere(perform, drawing)


@fault("returned_value_changed", "the model gets back another value than the one recorded", "value")
def _() -> Iterator[Patch]:
    show = mechanism.show

    def rounded(msg: Any, **settings: Any) -> Any:
        value = show(msg, **settings)
        return tensor(np.round(array(value), 1)) if msg["type"] == "sample" else value

    yield everywhere(show, rounded)


@fault("obs_outside_silent", "an observation outside every handler is taken without a word", "obs outside of inference")
def _() -> Iterator[Patch]:
    yield everywhere(stateful.warn_outside, nothing)


@fault("obs_outside_warns", "stateless: an observation outside every handler warns or fails", "RuntimeError: site")
def _() -> Iterator[Patch]:
    def strict(name: str, *args: Any, obs: Any = None, **settings: Any) -> Any:
        if obs is not None and not mechanism.STACK.handlers:
            raise RuntimeError(f"site {name!r} is observed outside of inference")
        return sample_site(name, *args, obs=obs, **settings)

    sample_site = statements.sample_site
    yield swap(stateless, "sample_site", strict)


@fault(
    "callable_arguments_dropped",
    "the arguments of sample do not reach a stochastic function",
    "a keyword that fn|calls of the stochastic function",
)
def _() -> Iterator[Patch]:
    draw = stateful.draw
    yield everywhere(draw, lambda msg: draw(altered(msg, args=(), kwargs={})))


@fault(
    "law_class_is_its_own_draw",
    "a class of laws is called like any function: the law is taken for the draw",
    "a draw of the distribution",
)
def _() -> Iterator[Patch]:
    yield everywhere(stateful.instantiated, lambda fn, args, kwargs: (fn, args, kwargs))


@fault("sample_shape_ignored", "stateless: sample_shape has no effect", "shape of value with sample_shape")
def _() -> Iterator[Patch]:
    yield everywhere(stateless.repeated_law, lambda law, sample_shape: law)


@fault(
    "sample_shape_appended",
    "stateless: sample_shape stands right of the batch shape",
    "shape of value with sample_shape",
)
def _() -> Iterator[Patch]:
    def appended(law: Any, sample_shape: Any) -> Any:
        count = len(sample_shape)
        if not count:
            return law
        params = [value.reshape((*value.shape, *(1,) * count)) for value in law.values]
        return type(law)(*params).expand((*law.batch_shape, *sample_shape))

    yield everywhere(stateless.repeated_law, appended)


@fault(
    "explicit_key_ignored", "stateless: rng_key= has no effect even without a seed handler", "MissingKeyError: sample"
)
def _() -> Iterator[Patch]:
    key_of = stateless.key_of
    yield everywhere(key_of, lambda msg: key_of(altered(msg, kwargs={})))


@fault("explicit_key_wins", "stateless: rng_key= takes precedence over the seed handler", "draw with rng_key")
def _() -> Iterator[Patch]:
    key_of = stateless.key_of

    def explicit(msg: Any) -> Any:
        key = msg["kwargs"].get("rng_key")
        return key_of(msg) if key is None else key

    yield everywhere(key_of, explicit)


@fault(
    "missing_key_becomes_zero",
    "stateless: without a key a fixed one is used",
    "sample|module without seed and parameters|a lazy init without",
)
def _() -> Iterator[Patch]:
    key_of = stateless.key_of

    def lenient(msg: Any) -> Any:
        given = msg["rng_key"] is not None or msg["kwargs"].get("rng_key") is not None
        return key_of(msg) if given else draws.make_key(0)

    yield everywhere(key_of, lenient)


@fault("draws_from_private_generator", "stateful: draws do not come from the global generator", "after re-seeding")
def _() -> Iterator[Patch]:
    source = np.random.default_rng()
    original = draws._source
    yield everywhere(original, lambda key: source if key.size == 0 else original(key))


@fault("draws_repeat", "every draw uses the same noise", "number of different draws")
def _() -> Iterator[Patch]:
    yield everywhere(draws._source, lambda key: np.random.default_rng(0))


@fault("draw_not_differentiable", "a draw carries no gradient", "d value / d loc")
def _() -> Iterator[Patch]:
    draw = laws.Normal.draw
    yield swap(laws.Normal, "draw", lambda self, key: draw(self, key).detach())


@fault("law_arguments_dropped", "stateful: a sample shape given to sample does not reach the law", "shape of value")
def _() -> Iterator[Patch]:
    yield everywhere(stateful._sized, lambda name, law, *args, **kwargs: law)


@fault("obs_mask_ignored", "obs_mask has no effect: all of obs is observed", "the entry that is drawn")
def _() -> Iterator[Patch]:
    yield everywhere(statements.partly_observed, lambda sample, masked, name, fn, obs, mask: sample(name, fn, obs=obs))


@fault("obs_mask_scores_everything", "with obs_mask both sites count in full", "joint log density")
def _() -> Iterator[Patch]:
    partly = statements.partly_observed
    yield everywhere(
        partly,
        lambda sample, masked, *rest: partly(sample, lambda mask: masked(mask=True), *rest),
    )


@fault("obs_mask_inverted", "obs_mask marks the entries that are not observed", "entries under the mask")
def _() -> Iterator[Patch]:
    partly = statements.partly_observed
    yield everywhere(
        partly, lambda sample, masked, name, fn, obs, mask: partly(sample, masked, name, fn, obs, ~tensor(mask))
    )


@fault("obs_cropped", "an observation that is too long is cut to fit", "obs of (shape|length)")
def _() -> Iterator[Patch]:
    check = statements.check_shape

    def cropping(msg: Any) -> None:
        law, value = msg["fn"], array(msg["value"])
        if msg["is_observed"] and value.ndim == 1 and getattr(law, "batch_shape", ()) and not law.event_shape:
            msg["value"] = tensor(np.resize(value, law.batch_shape[-1]) if len(value) > 1 else value)
        check(msg)

    yield everywhere(check, cropping)


@fault("shapes_unchecked", "values are never held against the shape of their law", r"obs of shape \(|six rows of data")
def _() -> Iterator[Patch]:
    yield everywhere(statements.check_shape, nothing)


@fault("shape_error_without_site", "an error about shapes does not say at which site", r"obs of shape \(")
def _() -> Iterator[Patch]:
    check = statements.check_shape

    def anonymous(msg: Any) -> None:
        try:
            check(msg)
        except ValueError:
            raise ValueError("shapes do not fit") from None

    yield everywhere(check, anonymous)


@fault("python_float_obs_refused", "an observation must be an array", "TypeError: site")
def _() -> Iterator[Patch]:
    check = statements.check_shape

    def refusing(msg: Any) -> None:
        if isinstance(msg["value"], float):
            raise TypeError(f"site {msg['name']!r}: a float is no array")
        check(msg)

    yield everywhere(check, refusing)


@fault("any_fn_accepted", "fn is not checked: None becomes a site without a value", "law None")
def _() -> Iterator[Patch]:
    yield everywhere(stateful.check_callable, nothing)
    yield everywhere(stateless.check_law, nothing)
    for flavour in (stateful, stateless):
        yield _tolerant(flavour)


def _tolerant(flavour: Any) -> Patch:
    draw = flavour.draw
    return everywhere(draw, lambda msg: draw(msg) if callable(msg["fn"]) else 0.0)


@fault("any_name_accepted", "names are not checked", r"name\ 1")
def _() -> Iterator[Patch]:
    yield everywhere(statements.check_name, nothing)


@fault("any_sample_shape_accepted", "stateless: sample_shape may be anything", "sample_shape")
def _() -> Iterator[Patch]:
    yield everywhere(stateless.check_sample_shape, nothing)
    repeated = stateless.repeated_law
    yield everywhere(repeated, lambda law, shape: repeated(law, shape if isinstance(shape, tuple) else ()))


@fault("unknown_keywords_swallowed", "sample takes any keyword and forgets it", "an unknown keyword")
def _() -> Iterator[Patch]:
    known = {"obs", "rng_key", "sample_shape", "infer", "obs_mask"}
    sample = stateless.sample
    yield everywhere(
        sample,
        lambda *args, **kwargs: sample(*args, **{key: kwargs[key] for key in kwargs if key in known}),
    )
    yield everywhere(stateful._sized, lambda name, law, *args, **kwargs: law)


@fault("duplicate_overwrites", "a second site of the same name replaces the first in the trace", "sample")
def _() -> Iterator[Patch]:
    def overwriting(self: Any, msg: Any) -> None:
        self.trace[msg["name"]] = {**msg}

    yield swap(traces.trace, "_check_repeated", overwriting)


@fault("duplicate_ignored", "a second site of the same name leaves no record", "a sample")
def _() -> Iterator[Patch]:
    yield swap(traces.trace, "_check_repeated", nothing)


@fault("duplicate_error_without_name", "the error about a repeated name does not say which", "two sites")
def _() -> Iterator[Patch]:
    def vague(self: Any, msg: Any) -> None:
        if msg["type"] != "param":
            raise RuntimeError("a name was used twice")

    yield swap(traces.trace, "_check_repeated", vague)


@fault(
    "duplicates_remembered_across_runs",
    "a name stays taken after its run, also outside every handler",
    "RuntimeError: site",
)
def _() -> Iterator[Patch]:
    taken: set[str] = set()
    sample_site = statements.sample_site

    def jealous(name: str, *args: Any, **settings: Any) -> Any:
        if name in taken and not mechanism.STACK.handlers:
            raise RuntimeError(f"site {name!r} exists already")
        taken.add(name)
        return sample_site(name, *args, **settings)

    yield everywhere(sample_site, jealous)
    yield forgotten_between_checks(taken.clear)


@fault(
    "trace_order_alphabetical",
    "a trace lists its sites by name, not in the order of execution",
    "order of the recorded sites",
)
def _() -> Iterator[Patch]:
    get_trace = traces.trace.get_trace

    def sorted_trace(self: Any, *args: Any, **kwargs: Any) -> Any:
        return traces.Trace(sorted(get_trace(self, *args, **kwargs).items()))

    yield swap(traces.trace, "get_trace", sorted_trace)


@fault("observed_recorded_as_latent", "the record of an observed site says that it is latent", "kind and is_observed")
def _() -> Iterator[Patch]:
    postprocess = traces.trace.postprocess
    yield swap(traces.trace, "postprocess", lambda self, msg: postprocess(self, altered(msg, is_observed=False)))


@fault("observed_not_recorded", "observed sites are missing from the trace", "KeyError")
def _() -> Iterator[Patch]:
    yield _forgetting("sample", observed=True)


@fault("latent_not_recorded", "latent sites are missing from the trace", "names of the recorded sites")
def _() -> Iterator[Patch]:
    yield _forgetting("sample", observed=False)


@fault("deterministic_not_recorded", "deterministic sites leave no record", "names of the recorded sites")
def _() -> Iterator[Patch]:
    yield _forgetting("deterministic", observed=False)


@fault("param_not_recorded", "parameters leave no record in a trace", "names of the recorded sites")
def _() -> Iterator[Patch]:
    yield _forgetting("param", observed=False)


@fault("plate_not_recorded", "a plate leaves no site of its own", "a sample site, then|sites of the run")
def _() -> Iterator[Patch]:
    yield _forgetting("plate", observed=False)


def _forgetting(type_: str, *, observed: bool) -> Patch:
    postprocess = traces.trace.postprocess

    def forgetful(self: Any, msg: Any) -> None:
        if msg["type"] != type_ or msg["is_observed"] != observed:
            postprocess(self, msg)

    return swap(traces.trace, "postprocess", forgetful)


@fault("deterministic_returns_none", "deterministic records its value and returns nothing", "shape of returned value")
def _() -> Iterator[Patch]:
    deterministic = statements.deterministic

    def silent(name: str, value: Any) -> None:
        deterministic(name, value)

    yield everywhere(deterministic, silent)


@fault(
    "deterministic_values_replaced",
    "condition and substitute act on deterministic sites",
    "what the statement returned",
)
def _() -> Iterator[Patch]:
    from twofold_conformance.reference import handlers

    yield swap(handlers.condition, "types", ("sample", "deterministic"))
    yield swap(stateful.condition, "types", ("sample", "plate", "deterministic"))
    yield swap(stateless.substitute, "types", ("sample", "param", "plate", "deterministic"))


@fault(
    "subsample_returns_everything",
    "subsample gives all of the data inside a subsampled plate",
    "shape of subsample of shape",
)
def _() -> Iterator[Patch]:
    yield everywhere(statements.subsample, lambda data, event_dim=0: data)


@fault(
    "subsample_without_plate_fails", "subsample outside of plates is an error", "ValueError: subsample needs a plate"
)
def _() -> Iterator[Patch]:
    subsample = statements.subsample

    def strict(data: Any, event_dim: int = 0) -> Any:
        from twofold_conformance.reference.plates import active_plates

        if not active_plates():
            raise ValueError("subsample needs a plate")
        return subsample(data, event_dim)

    yield everywhere(subsample, strict)
