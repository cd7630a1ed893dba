"""Faults of ``random_module`` in both flavours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from twofold_conformance.faults.planting import Patch, area, everywhere, swap
from twofold_conformance.reference import handlers, laws, stateful, stateless, statements
from twofold_conformance.reference.network import Module

fault = area("RMODULE")


@fault("random_module_changes_original", "the sampled network is the original one", "the first call made")
def _() -> Iterator[Patch]:
    yield swap(Module, "copy", lambda self: self)


@fault("random_module_leaves_no_sites", "sampled parameters are no sites", "names of the recorded sites")
def _() -> Iterator[Patch]:
    def bare(name: str, parameter: Any, prior: Any) -> Any:
        return parameter if prior is None else statements.shaped_prior(prior, parameter.shape)()

    yield everywhere(stateful._random_parameter, bare)


@fault(
    "random_module_site_names",
    "sites of sampled parameters are called by their path alone",
    "names of the recorded sites",
)
def _() -> Iterator[Patch]:
    for flavour in (stateful, stateless):
        yield _renamed(flavour)


def _renamed(flavour: Any) -> Patch:
    original = flavour._random_parameter
    separator = stateful.SEPARATOR if flavour is stateful else "/"
    return everywhere(original, lambda name, *rest: original(name.rpartition(separator)[2], *rest))


@fault(
    "random_module_samples_unlisted",
    "parameters that a dict does not list are sampled too",
    "kinds of the sites|paths of the sampled parameters",
)
def _() -> Iterator[Patch]:
    for flavour in (stateful, stateless):
        yield _generous(flavour)


def _generous(flavour: Any) -> Patch:
    original = flavour._prior_of

    def default(path: str, *rest: Any) -> Any:
        found = original(path, *rest)
        return laws.Normal(0.0, 1.0) if found is None else found

    return everywhere(original, default)


@fault(
    "random_module_unlisted_left_out", "parameters that a dict does not list are no param sites", "kinds of the sites"
)
def _() -> Iterator[Patch]:
    original = stateful._random_parameter
    yield everywhere(
        original, lambda name, parameter, prior: parameter if prior is None else original(name, parameter, prior)
    )


@fault("random_module_callable_ignored", "a function as prior has no effect", "calls of the stochastic function")
def _() -> Iterator[Patch]:
    original = stateful._random_parameter

    def laws_only(name: str, parameter: Any, prior: Any) -> Any:
        return original(name, parameter, prior if isinstance(prior, laws.Law) else None)

    yield everywhere(original, laws_only)


@fault("random_module_dict_wants_laws", "a dict of priors may hold laws only", "TypeError: the prior")
def _() -> Iterator[Patch]:
    original = stateful._prior_of

    def strict(path: str, prior: Any) -> Any:
        found = original(path, prior)
        if isinstance(prior, Mapping) and found is not None and not isinstance(found, laws.Law):
            raise TypeError(f"the prior of {path!r} is no law")
        return found

    yield everywhere(original, strict)


@fault(
    "random_module_keeps_old_values",
    "the sampled network computes with the original values",
    "outputs of the sampled module",
)
def _() -> Iterator[Patch]:
    yield swap(Module, "replace_parameters", lambda self, values: None)


@fault(
    "random_module_prior_not_counted",
    "the prior of sampled parameters is not in the joint density",
    "joint log density",
)
def _() -> Iterator[Patch]:
    original = stateful._random_parameter

    def weightless(*args: Any) -> Any:
        with handlers.mask(mask=False):
            return original(*args)

    yield everywhere(original, weightless)


@fault("random_module_prior_not_expanded", "a scalar prior makes scalar parameters", "shape")
def _() -> Iterator[Patch]:
    yield everywhere(statements.shaped_prior, lambda prior, shape: prior)


@fault("random_module_elements_are_batch", "sampled parameters are batches of scalar variables", "shape of log-prob")
def _() -> Iterator[Patch]:
    yield everywhere(statements.shaped_prior, lambda prior, shape: prior.expand(shape))


@fault(
    "unused_names_silent",
    "names that no statement has go unnoticed",
    "a name that no param|a prior that no param|condition reports the unknown name|a key",
)
def _() -> Iterator[Patch]:
    yield everywhere(handlers.warn_unused, lambda *args, **kwargs: None)


@fault(
    "random_module_draws_once",
    "every call of the sampled module gives the first network",
    "the second, as the first,|outputs of two calls",
)
def _() -> Iterator[Patch]:
    random_module = stateful.random_module

    def cached(*args: Any, **kwargs: Any) -> Any:
        make = random_module(*args, **kwargs)
        made: list[Any] = []

        def first() -> Any:
            if not made:
                made.append(make())
            return made[0]

        return first

    yield everywhere(random_module, cached)


@fault("random_module_ignores_replay", "sampled parameters are hidden from handlers outside", "outputs under replay")
def _() -> Iterator[Patch]:
    original = stateful._random_parameter
    yield everywhere(original, lambda *args: handlers.block(original)(*args))


@fault(
    "random_module_not_deprecated", "random_module is used without a warning", "random_module issues a FutureWarning"
)
def _() -> Iterator[Patch]:
    random_module = stateful.random_module

    def silent(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return random_module(*args, **kwargs)

    yield everywhere(random_module, silent)


@fault("random_module_path_not_given", "stateless: a function as prior gets no path", "paths that the prior was")
def _() -> Iterator[Patch]:
    original = stateless._prior_of

    def pathless(path: str, leaf: Any, prior: Any) -> Any:
        return original("" if callable(prior) and not isinstance(prior, laws.Law) else path, leaf, prior)

    yield everywhere(original, pathless)


@fault(
    "random_module_params_site_missing",
    "stateless: the parameters that are not sampled leave no site",
    "names of the sites",
)
def _() -> Iterator[Patch]:
    random_module = stateless.random_module

    def hidden(*args: Any, **kwargs: Any) -> Any:
        with handlers.block(hide_types=["param"]):
            return random_module(*args, **kwargs)

    yield everywhere(random_module, hidden)
