"""RMODULE: priors over the parameters of a network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from twofold_conformance.api import Run, SiteView
from twofold_conformance.oracles import densities
from twofold_conformance.oracles.networks import forward, leaves
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit

INPUTS = np.array([[0.5, -1.0], [2.0, 0.25]])
SHAPES = {"weight": (1, 2), "bias": (1,)}


def lifted(k: Kit, name: str, net: Any, prior: Any) -> Callable[[], Any]:
    """``random_module`` without its deprecation warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        sampler: Callable[[], Any] = k.ppl.random_module(name, net, prior)
    return sampler


def priors(k: Kit, loc: float = 0.0) -> dict[str, Any]:
    """A normal law of each parameter's own shape; the whole of it is one event in some implementations, so no batch."""
    return {path: k.dist.Normal(k.xp.array(np.full(shape, loc)), 2.0) for path, shape in SHAPES.items()}


def like(init: Any, value: float) -> Any:
    """``value`` in the shape of the parameter that a stochastic function is asked to replace."""
    return init * 0 + value


@clause("RMODULE-001")
def every_call_makes_a_new_module(k: Kit) -> None:
    net = k.adapter.net([2, 1])
    before = {path: k.numpy(parameter) for path, parameter in net.named_parameters()}
    sampler = lifted(k, "rmodule_001", net, priors(k))
    k.expect.true(callable(sampler), "what random_module returned is callable", seen=sampler)
    first, second = sampler(), sampler()
    for words, one, other in (("first", first, net), ("second", second, net), ("second, as the first,", second, first)):
        k.expect.true(one is not other, f"the {words} call made a new module")
    after = {path: k.numpy(parameter) for path, parameter in net.named_parameters()}
    k.expect.equal(list(after), list(before), "parameters of the original network")
    for path, value in before.items():
        k.expect.equal(after[path], value, f"{path} of the original network")
    k.expect.close(k.numpy(net(k.xp.array(INPUTS))), forward(before, INPUTS), "outputs of the original network")


@clause("RMODULE-002")
def one_law_for_every_parameter(k: Kit) -> None:
    sampler = lifted(k, "rmodule_002", k.adapter.net([2, 3, 1]), k.dist.Normal(100.0, 0.01))
    sites = k.run(sampler).sites
    paths = ["0.bias", "0.weight", "2.bias", "2.weight"]
    k.expect.equal(sorted(sites), [f"rmodule_002$$${path}" for path in paths], "names of the recorded sites")
    for name, site in sites.items():
        k.expect.equal(site.kind, "latent", f"kind of {name}")
        k.expect.close(site.value, np.full(np.shape(site.value), 100.0), f"draw of {name}", rtol=0, atol=0.1)


@clause("RMODULE-003")
def dict_lifts_the_listed_parameters(k: Kit) -> None:
    net = k.adapter.net([2, 1])
    bias = {path: k.numpy(parameter) for path, parameter in net.named_parameters()}["bias"]
    sampler = lifted(k, "rmodule_003", net, {"weight": priors(k, 100.0)["weight"]})
    sites = k.run(sampler).sites
    k.expect.equal(
        {name: site.kind for name, site in sites.items()},
        {"rmodule_003$$$weight": "latent", "rmodule_003$$$bias": "param"},
        "kinds of the sites",
    )
    k.expect.close(sites["rmodule_003$$$weight"].value, np.full((1, 2), 100.0), "drawn weight", rtol=0, atol=20)
    k.expect.close(sites["rmodule_003$$$bias"].value, bias, "the parameter without a prior")


@clause("RMODULE-004")
def callable_replaces_every_parameter(k: Kit) -> None:
    calls: list[int] = []

    def prior(init: Any, *_: Any, **__: Any) -> Any:
        calls.append(1)
        return like(init, 0.5)

    sampler = lifted(k, "rmodule_004", k.adapter.net([2, 1]), prior)
    module = k.call(sampler)
    k.expect.equal(len(calls), 2, "calls of the stochastic function")
    values = {path: np.full(shape, 0.5) for path, shape in SHAPES.items()}
    k.expect.close(k.numpy(module(k.xp.array(INPUTS))), forward(values, INPUTS), "outputs of the sampled module")


@clause("RMODULE-005")
def dict_takes_functions_and_laws(k: Kit) -> None:
    prior = {"weight": lambda init, *_, **__: like(init, 0.5), "bias": priors(k, 100.0)["bias"]}
    sampler = lifted(k, "rmodule_005", k.adapter.net([2, 1]), prior)
    run = k.run(lambda: k.numpy(sampler()(k.xp.array(INPUTS))))
    sites = run.sites
    k.expect.equal({site.kind for site in sites.values()}, {"latent"}, "kinds of the sites")
    k.expect.close(sites["rmodule_005$$$weight"].value, np.full((1, 2), 0.5), "result of the function")
    values = {path: sites[f"rmodule_005$$${path}"].value for path in SHAPES}
    k.expect.close(values["bias"], [100.0], "draw of the law", rtol=0, atol=20)
    k.expect.close(run.value, forward(values, INPUTS), "outputs of the sampled module")


@clause("RMODULE-006")
def sampled_module_computes_with_its_draws(k: Kit) -> None:
    for number, prior in enumerate((priors(k), {"weight": priors(k)["weight"]})):
        name = f"rmodule_006_{number}"
        sampler = lifted(k, name, k.adapter.net([2, 1]), prior)
        run = k.run(lambda sampler=sampler: k.numpy(sampler()(k.xp.array(INPUTS))))
        values = {path: run.sites[f"{name}$$${path}"].value for path in SHAPES}
        k.expect.close(run.value, forward(values, INPUTS), "outputs of the sampled module")


@clause("RMODULE-007")
def prior_density_is_in_the_joint(k: Kit) -> None:
    sampler = lifted(k, "rmodule_007", k.adapter.net([2, 1]), priors(k, 1.0))
    run = k.run(sampler)
    expected = sum(densities.normal(run.sites[f"rmodule_007$$${path}"].value, 1.0, 2.0).sum() for path in SHAPES)
    k.expect.close(run.log_density, expected, "joint log density")


@clause("RMODULE-008")
def scalar_prior_takes_each_shape(k: Kit) -> None:
    sampler = lifted(k, "rmodule_008", k.adapter.net([2, 1]), k.dist.Normal(0.0, 1.0))
    run = k.run(sampler)
    for path, shape in SHAPES.items():
        k.expect.shape(run.sites[f"rmodule_008$$${path}"].value, shape, f"draw of {path}")
    weight = run.sites["rmodule_008$$$weight"].value
    k.expect.true(weight[0, 0] != weight[0, 1], "the entries of a weight are separate draws", seen=weight)
    expected = sum(densities.normal(run.sites[f"rmodule_008$$${path}"].value).sum() for path in SHAPES)
    k.expect.close(run.log_density, expected, "joint log density")


@clause("RMODULE-009")
def unknown_dict_key_warns(k: Kit) -> None:
    prior = {"weight": priors(k)["weight"], "rmodule_009_unknown": priors(k)["bias"]}

    def sample_once() -> Any:
        return lifted(k, "rmodule_009", k.adapter.net([2, 1]), prior)()

    k.expect.warns(sample_once, "a key that is no parameter", names=["rmodule_009_unknown"])


@clause("RMODULE-010")
def calls_differ_and_replay_repeats(k: Kit) -> None:
    sampler = lifted(k, "rmodule_010", k.adapter.net([2, 1]), priors(k))

    def model() -> Any:
        return k.numpy(sampler()(k.xp.array(INPUTS)))

    first = k.trace(model)
    second = k.run(model, seed=None).value
    k.expect.different(k.run(model, seed=0).value, second, "outputs of two calls")
    replayed = k.run(k.handler("replay", model, trace=first), seed=5)
    k.expect.close(replayed.value, k.run(model, seed=0).value, "outputs under replay")


@clause("RMODULE-011")
def deprecation_is_announced_or_not(k: Kit) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        k.ppl.random_module("rmodule_011", k.adapter.net([2, 1]), priors(k))
    announced = any(issubclass(warning.category, FutureWarning) for warning in caught)
    k.expect.equal(announced, k.choice == "A", "random_module issues a FutureWarning")


def lifted_run(k: Kit, name: str, prior: Any) -> tuple[Run, list[tuple[int, ...]]]:
    """A run of a network with priors, and the shapes of its parameters."""
    net = k.adapter.net([2, 3, 1])
    shapes = [k.xp.shape(array) for array in leaves(net[0](k.xp.key(0), (2,))[1])]

    def model() -> Any:
        return k.ppl.random_module(name, net, prior, input_shape=(2,))(k.xp.array(INPUTS))

    return k.run(model), shapes


def drawn(run: Run, name: str) -> dict[str, SiteView]:
    """The latent sites of the network, by path."""
    latent = (site for site in run.sites.values() if site.kind == "latent")
    return {site.name.removeprefix(f"{name}/"): site for site in latent if site.name.startswith(f"{name}/")}


@clause("RMODULE-020")
def one_law_makes_a_site_for_each_parameter(k: Kit) -> None:
    run, shapes = lifted_run(k, "rmodule_020", k.dist.Normal(100.0, 0.5))
    sites = drawn(run, "rmodule_020")
    seen = sorted(np.shape(site.value) for site in sites.values())
    k.expect.equal(seen, sorted(shapes), "shapes of the sampled parameters")
    for path, site in sites.items():
        k.expect.shape(site.log_prob, (), f"log-prob of {path}")
        k.expect.close(site.log_prob, densities.normal(site.value, 100.0, 0.5).sum(), f"log-prob of {path}", rtol=1e-3)


@clause("RMODULE-021")
def dict_samples_the_listed_parameters(k: Kit) -> None:
    first = sorted(drawn(lifted_run(k, "rmodule_021", k.dist.Normal(0.0, 1.0))[0], "rmodule_021"))[0]
    run, shapes = lifted_run(k, "rmodule_021", {first: k.dist.Normal(0.0, 1.0)})
    k.expect.equal(sorted(drawn(run, "rmodule_021")), [first], "paths of the sampled parameters")
    k.expect.contains(run.sites, "rmodule_021$params", "names of the sites")
    k.expect.equal(run.sites["rmodule_021$params"].kind, "param", "kind of the site of the others")
    others = list(shapes)
    others.remove(np.shape(drawn(run, "rmodule_021")[first].value))
    kept = [np.shape(array) for array in leaves(run.sites["rmodule_021$params"].value)]
    for shape in others:
        k.expect.contains(kept, shape, "shapes in the site of the others")
    k.expect.true(len(kept) <= len(shapes), "nothing else is in the site of the others", seen=kept)


@clause("RMODULE-022")
def callable_prior_gets_path_and_shape(k: Kit) -> None:
    asked: dict[str, tuple[int, ...]] = {}

    def prior(path: str, shape: tuple[int, ...]) -> Any:
        asked[path] = tuple(shape)
        return k.dist.Normal(100.0 * len(asked), 0.5)

    run, shapes = lifted_run(k, "rmodule_022", prior)
    sites = drawn(run, "rmodule_022")
    k.expect.equal(sorted(asked), sorted(sites), "paths that the prior was asked for")
    k.expect.equal(sorted(asked.values()), sorted(shapes), "shapes that the prior was asked for")
    for number, (path, shape) in enumerate(asked.items(), start=1):
        k.expect.shape(sites[path].value, shape, f"value of {path}")
        k.expect.close(sites[path].value, np.full(shape, 100.0 * number), f"value of {path}", rtol=0, atol=5)
