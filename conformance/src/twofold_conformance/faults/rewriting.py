"""Faults of the handlers that rename, rewrite and enumerate sites: reparam, scope, infer_config, enum, markov."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twofold_conformance.faults.planting import Patch, altered, area, everywhere, nothing, swap
from twofold_conformance.reference import enumeration, handlers, stateful

fault = area("HANDLER")


@fault("reparam_ignored", "reparam leaves sites as they are", "KeyError")
def _() -> Iterator[Patch]:
    yield swap(handlers.reparam, "process", nothing)


@fault("reparam_without_scale", "a decentered site is not multiplied by its scale", "value of the site: loc")
def _() -> Iterator[Patch]:
    rewrite = handlers.LocScaleReparam.rewrite

    def unscaled(self: Any, msg: Any, handler: Any) -> None:
        loc = msg["fn"].values[0]
        scale = msg["fn"].values[1]
        rewrite(self, msg, handler)
        msg["value"] = loc + (msg["value"] - loc) / scale

    yield swap(handlers.LocScaleReparam, "rewrite", unscaled)


@fault("reparam_keeps_density", "a reparameterised site counts beside its auxiliary site", "the site itself")
def _() -> Iterator[Patch]:
    rewrite = handlers.LocScaleReparam.rewrite

    def counting(self: Any, msg: Any, handler: Any) -> None:
        law = msg["fn"]
        rewrite(self, msg, handler)
        msg["type"], msg["fn"] = "sample", law

    yield swap(handlers.LocScaleReparam, "rewrite", counting)


@fault("reparam_treats_all_sites", "reparam rewrites sites that its config does not name", "kind of a site")
def _() -> Iterator[Patch]:
    process = handlers.reparam.process

    def greedy(self: Any, msg: Any) -> None:
        chosen = handlers.LocScaleReparam(0.0)
        if msg["type"] == "sample" and not msg["is_observed"] and type(msg["fn"]).__name__ == "Normal":
            chosen.rewrite(msg, self)
        else:
            process(self, msg)

    yield swap(handlers.reparam, "process", greedy)


@fault(
    "reparam_takes_observed",
    "an observed site is decentered without its Jacobian",
    "LocScaleReparam of an observed site",
)
def _() -> Iterator[Patch]:
    rewrite = handlers.LocScaleReparam.rewrite

    def careless(self: Any, msg: Any, handler: Any) -> None:
        if not msg["is_observed"]:
            rewrite(self, msg, handler)

    yield swap(handlers.LocScaleReparam, "rewrite", careless)


@fault(
    "reparam_error_without_name",
    "the error about an observed site does not name it",
    "LocScaleReparam of an observed site",
)
def _() -> Iterator[Patch]:
    check = handlers.LocScaleReparam.check

    def vague(self: Any, msg: Any) -> None:
        if msg["is_observed"]:
            raise ValueError("an observed site cannot be decentered")
        check(self, msg)

    yield swap(handlers.LocScaleReparam, "check", vague)


@fault("scope_ignored", "scope does not rename", "DuplicateSiteError: site")
def _() -> Iterator[Patch]:
    yield swap(handlers.scope, "process", nothing)


@fault("scope_outer_last", "nested scopes put the outermost prefix last", "sites")
def _() -> Iterator[Patch]:
    def appending(self: Any, msg: Any) -> None:
        if msg["type"] in self.types:
            front, _, last = msg["name"].rpartition(self.prefix[-1:])
            msg["name"] = f"{front}{self.prefix[-1:] if front else ''}{self.prefix}{last}"

    yield swap(handlers.scope, "process", appending)


@fault("scope_divider_fixed", "stateless: divider= has no effect", "sites under another divider")
def _() -> Iterator[Patch]:
    init = handlers.scope.__init__
    yield swap(
        handlers.scope,
        "__init__",
        lambda self, fn=None, prefix="", divider="/", **settings: init(self, fn, prefix, **settings),
    )


@fault("scope_hide_types_ignored", "stateless: hide_types of scope has no effect", "sites with params and plates")
def _() -> Iterator[Patch]:
    init = handlers.scope.__init__
    yield swap(
        handlers.scope,
        "__init__",
        lambda self, fn=None, prefix="", divider="/", hide_types=None: init(self, fn, prefix, divider),
    )


@fault("scope_frames_not_renamed", "stateless: sites list their plates under the old names", "names of frames")
def _() -> Iterator[Patch]:
    def sites_only(self: Any, msg: Any) -> None:
        if msg["type"] in self.types:
            msg["name"] = self.prefix + msg["name"]

    yield swap(handlers.scope, "process", sites_only)


@fault("infer_config_ignored", "infer_config has no effect", "infer of a site")
def _() -> Iterator[Patch]:
    yield swap(handlers.infer_config, "process", nothing)


@fault("infer_config_replaces", "infer_config forgets what the statement said", "infer of a site")
def _() -> Iterator[Patch]:
    def replacing(self: Any, msg: Any) -> None:
        if msg["type"] in self.types:
            msg["infer"] = dict(self.config_fn(msg))

    yield swap(handlers.infer_config, "process", replacing)


@fault("infer_config_skips_params", "stateful: infer_config does not reach parameters", "infer of a param")
def _() -> Iterator[Patch]:
    yield swap(stateful.infer_config, "types", ("sample",))


@fault("enum_dim_too_far_right", "an enumerated site takes a dim inside the plates", "EstimatorError: site")
def _() -> Iterator[Patch]:
    init = enumeration.enum.__init__

    def nearer(self: Any, fn: Any = None, first_available_dim: Any = None) -> None:
        init(self, fn, first_available_dim)
        self.first = min(-1, self.first + 1)

    yield swap(enumeration.enum, "__init__", nearer)


@fault("enum_ignored", "enumerated sites are drawn", "values of the enumerated site")
def _() -> Iterator[Patch]:
    yield swap(enumeration.enum, "process", nothing)


@fault(
    "enum_first_value_only",
    "of an enumerated site only the first half of the values is seen",
    "values of the enumerated site",
)
def _() -> Iterator[Patch]:
    values = enumeration._values
    yield everywhere(values, lambda msg: values(msg)[: max(1, len(values(msg)) // 2)])


@fault(
    "enum_sums_before_plates",
    "enumerated values are summed over before the members of a plate are multiplied",
    "ELBO inside a plate",
)
def _() -> Iterator[Patch]:
    sum_out = enumeration._sum_out

    def early(site: Any, factors: Any) -> Any:
        everything = [factor._replace(plates=frozenset(range(-5, 0))) for factor in factors]
        return sum_out(altered(site, cond_indep_stack=()), [f._replace(plates=_present(f)) for f in everything])

    yield everywhere(sum_out, early)


def _present(factor: Any) -> frozenset[int]:
    """The dims right of the enumerated ones."""
    return frozenset(range(-(factor.values.ndim - 1), 0))


@fault("markov_never_forgets", "markov uses no dim again", "at most")
def _() -> Iterator[Patch]:
    yield everywhere(enumeration.forgotten, lambda then, now: False)


@fault("markov_forgets_everything", "markov uses every dim again at once", "enumeration dims")
def _() -> Iterator[Patch]:
    yield everywhere(enumeration.forgotten, lambda then, now: True)


@fault("markov_context_fails", "markov is no context manager", "TypeError: markov is no context")
def _() -> Iterator[Patch]:
    def refusing(self: Any) -> None:
        raise TypeError("markov is no context manager")

    yield swap(enumeration.markov, "__enter__", refusing)


@fault("sequential_enumeration_stops_early", "sequential enumeration leaves values out", "number of traces")
def _() -> Iterator[Patch]:
    enumerated = enumeration.enumerated_traces
    yield everywhere(enumerated, lambda model: list(enumerated(model))[:-1])
