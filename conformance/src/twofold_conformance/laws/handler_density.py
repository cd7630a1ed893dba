"""HANDLER: the handlers that change how a site is scored, named or enumerated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.special import logsumexp

from twofold_conformance.api import Run, SiteView
from twofold_conformance.laws._tools import full
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _run_inside(k: Kit, handler: str, model: Callable[..., Any], **settings: Any) -> Run:
    return k.run(k.handler(handler, model, **settings))


@clause("HANDLER-085")
def constant_masks(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("weight", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    plain = k.run(model, seed=3)
    kept, dropped = (k.run(k.handler("mask", model, mask=mask), seed=3) for mask in (True, False))
    k.expect.close(kept.log_density, plain.log_density, "joint log density under mask(True)")
    k.expect.equal(dropped.log_density, 0.0, "joint log density under mask(False)")
    for run in (kept, dropped):
        k.expect.close(run.sites["height"].value, plain.sites["height"].value, "draw under a mask")


@clause("HANDLER-086", case="by entry")
def mask_by_entry(k: Kit) -> None:
    mask, data = [True, False, True], [0.5, -1.0, 2.0]

    def model() -> None:
        with k.handler("mask", mask=k.xp.array(mask)):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 3), 1.0), obs=k.xp.array(data))

    expected = np.where(mask, densities.normal(data), 0.0)
    k.expect.close(k.run(model).sites["height"].log_prob, expected, "log density of each entry")


@clause("HANDLER-086", case="broadcast")
def mask_broadcasts(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=k.xp.array([[True], [False]])):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 2, 3), 1.0), obs=full(k, 0.5, 2, 3))

    expected = np.where([[True], [False]], densities.normal(np.full((2, 3), 0.5)), 0.0)
    k.expect.close(k.run(model).sites["height"].log_prob, expected, "log density under a mask of shape (2, 1)")


@clause("HANDLER-086", case="nested")
def nested_masks_are_anded(k: Kit) -> None:
    def model() -> None:
        with (
            k.handler("mask", mask=k.xp.array([True, True, False, False])),
            k.handler("mask", mask=k.xp.array([True, False, True, False])),
        ):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 4), 1.0), obs=full(k, 0.5, 4))

    expected = densities.normal(0.5) * np.array([1.0, 0.0, 0.0, 0.0])
    k.expect.close(k.run(model).sites["height"].log_prob, expected, "log density under two masks")


@clause("HANDLER-086", case="mask(True) inside mask(False)")
def true_mask_inside_a_false_one(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=False), k.handler("mask", mask=True):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))
        with k.handler("mask", mask=True), k.handler("mask", mask=False):
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    k.expect.equal(k.run(model).log_density, 0.0, "joint log density")


@clause("HANDLER-086", case="at given values", needs=("log_density",), modes=("default", "jit"))
def mask_may_depend_on_a_given_value(k: Kit) -> None:
    data = [0.5, -1.0, 2.0]

    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.handler("mask", mask=k.xp.array(data) < loc):
            k.ppl.sample("height", k.dist.Normal(loc + full(k, 0.0, 3), 1.0), obs=k.xp.array(data))

    expected = densities.normal(0.7, 0.0, 10.0) + densities.normal([0.5, -1.0], 0.7).sum()
    k.expect.close(k.joint(model, loc=0.7), expected, "joint log density where the data below loc count")


@clause("HANDLER-087")
def masks_must_be_boolean(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    for mask in (0.5, k.xp.array([1.0, 0.0])):
        k.expect.raises(partial(_run_inside, k, "mask", model, mask=mask), f"mask {mask!r}", kinds=["ValueError"])


@clause("HANDLER-088")
def get_mask_tells_the_enclosing_masks(k: Kit) -> None:
    def model() -> Any:
        outside = k.ppl.get_mask()
        with k.handler("mask", mask=k.xp.array([True, True, False])):
            one = k.ppl.get_mask()
            with k.handler("mask", mask=k.xp.array([True, False, True])):
                return outside, one, k.ppl.get_mask()

    outside, one, two = k.call(model)
    k.expect.same_object(outside, None, "get_mask() outside every mask")
    k.expect.equal(k.numpy(one), np.array([True, True, False]), "get_mask() inside one mask")
    k.expect.equal(k.numpy(two), np.array([True, False, False]), "get_mask() inside two masks")


@clause("HANDLER-090", case="latent and observed")
def scale_multiplies(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("weight", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    run = k.run(k.handler("scale", model, scale=3.0))
    for site in run.sites.values():
        k.expect.close(site.log_prob, 3.0 * densities.normal(site.value), f"log density of {site.name}")
        k.expect.close(site.scale, 3.0, f"scale of {site.name}")


@clause("HANDLER-090", case="nested")
def nested_scales_multiply(k: Kit) -> None:
    def model() -> None:
        with k.handler("scale", scale=3.0), k.handler("scale", scale=0.5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    k.expect.close(k.run(model).log_density, 1.5 * densities.normal(0.5), "joint log density under scales 3 and 0.5")


@clause("HANDLER-090", case="with a plate", needs=("plate.subsample",))
def scale_and_plate_multiply(k: Kit) -> None:
    def model() -> None:
        with k.handler("scale", scale=3.0), k.ppl.plate("rows", 8, subsample_size=2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 2))

    run = k.run(model)
    k.expect.close(run.sites["height"].scale, 12.0, "scale of the site")
    k.expect.close(run.log_density, 24 * densities.normal(0.5), "joint log density")


@clause("HANDLER-090", case="at given values", needs=("log_density",), modes=("default", "jit"))
def scale_weighs_given_values(k: Kit) -> None:
    def model() -> None:
        with k.handler("scale", scale=3.0):
            loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
            with k.handler("scale", scale=0.5):
                k.ppl.sample("height", k.dist.Normal(loc, 1.0), obs=k.xp.array(2.0))

    expected = 3.0 * densities.normal(0.7, 0.0, 10.0) + 1.5 * densities.normal(2.0, 0.7)
    k.expect.close(k.joint(model, loc=0.7), expected, "joint log density at loc 0.7")


@clause("HANDLER-091")
def scales_must_be_positive(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    for scale in (0.0, -1.0):
        k.expect.raises(partial(_run_inside, k, "scale", model, scale=scale), f"scale {scale}", kinds=["ValueError"])


@clause("HANDLER-092")
def scale_by_entry(k: Kit) -> None:
    def model() -> None:
        with k.handler("scale", scale=k.xp.array([1.0, 2.0, 3.0])):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 2, 3), 1.0), obs=full(k, 0.5, 2, 3))

    run = k.run(model)
    expected = densities.normal(0.5) * np.array([[1.0, 2.0, 3.0]] * 2)
    k.expect.close(run.sites["height"].log_prob, expected, "log density under a scale of shape (3,)")
    k.expect.close(run.log_density, expected.sum(), "joint log density")


@clause("HANDLER-095")
def decentred_site(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("height", k.dist.Normal(3.0, 2.0))

    run = k.run(k.handler("reparam", model, config={"height": k.adapter.loc_scale_reparam(0.0)}))
    auxiliary, site = run.sites["height_decentered"], run.sites["height"]
    k.expect.equal(auxiliary.kind, "latent", "kind of the auxiliary site")
    k.expect.true(site.kind != "latent", "the site itself is no longer latent", seen=site.kind)
    k.expect.close(site.value, 3.0 + 2.0 * auxiliary.value, "value of the site: loc + scale * auxiliary")
    k.expect.close(k.numpy(run.value), site.value, "value that the statement returned")
    k.expect.close(run.log_density, densities.normal(auxiliary.value), "joint log density: that of the auxiliary site")


@clause("HANDLER-095", case="half centred, in a plate")
def half_centred_site_in_a_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(3.0, 2.0))

    run = k.run(k.handler("reparam", model, config={"height": k.adapter.loc_scale_reparam(0.5)}))
    auxiliary = run.sites["height_decentered"].value
    loc, scale = 0.5 * 3.0, 2.0**0.5
    k.expect.shape(auxiliary, (3,), "value of the auxiliary site")
    k.expect.close(run.sites["height"].value, 3.0 + 2.0**0.5 * (auxiliary - loc), "value of the site")
    k.expect.close(run.log_density, densities.normal(auxiliary, loc, scale).sum(), "joint log density", rtol=1e-3)


@clause("HANDLER-096")
def reparam_leaves_other_sites(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(3.0, 2.0))
        k.ppl.sample("weight", k.dist.Normal(3.0, 2.0))

    by_name = k.run(k.handler("reparam", model, config={"height": k.adapter.loc_scale_reparam(0.0)})).sites
    k.expect.equal(by_name["weight"].kind, "latent", "kind of a site that config does not name")
    k.expect.true("weight_decentered" not in by_name, "a site that config does not name gets no auxiliary site")
    plain, run = k.run(model), k.run(k.handler("reparam", model, config=lambda site: None))
    k.expect.equal(list(run.sites), list(plain.sites), "sites with a config function that returns None")
    for name, site in plain.sites.items():
        k.expect.close(run.sites[name].value, site.value, f"value of {name}")


@clause("HANDLER-097")
def observed_site_cannot_be_decentred(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(3.0, 2.0), obs=k.xp.array(0.5))

    reparameterised = k.handler("reparam", model, config={"height": k.adapter.loc_scale_reparam(0.0)})
    k.expect.raises(lambda: k.run(reparameterised), "LocScaleReparam of an observed site", names=["height"])


@clause("HANDLER-100")
def scope_prefixes_names(k: Kit) -> None:
    def model() -> None:
        with k.handler("scope", prefix="outer"):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
            with k.handler("scope", prefix="inner"):
                k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    k.expect.equal(list(k.run(model).sites), ["outer/height", "outer/inner/height"], "sites")


@clause("HANDLER-101")
def scope_with_divider_and_hidden_types(k: Kit) -> None:
    def model() -> None:
        k.ppl.param("loc", k.xp.array(1.0))
        with k.ppl.plate("rows", 2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    sites = k.run(k.handler("scope", model, prefix="part", divider=".")).sites
    k.expect.contains(sites, "part.height", "sites under another divider")
    plates = {name for name, site in sites.items() if site.kind == "plate"}
    k.expect.equal({plate.name for plate in sites["part.height"].plates}, plates, "names of frames and of plate sites")
    sites = k.run(k.handler("scope", model, prefix="part", hide_types=["param", "plate"])).sites
    k.expect.equal(set(sites), {"loc", "rows", "part/height"}, "sites with params and plates exempt")
    k.expect.equal([plate.name for plate in sites["part/height"].plates], ["rows"], "frames with plates exempt")


@clause("HANDLER-102")
def infer_config_merges(k: Kit) -> None:
    def model() -> None:
        k.ppl.param("loc", k.xp.array(1.0))
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0), infer={"old": 1})
        k.ppl.sample("weight", k.dist.Normal(0.0, 1.0), infer={"old": 1})

    def config_fn(site: Any) -> Any:
        return {"new": site["name"]} if site["name"] != "weight" else {}

    sites = k.run(k.handler("infer_config", model, config_fn=config_fn)).sites
    k.expect.equal(dict(sites["height"].infer), {"old": 1, "new": "height"}, "infer of a site that was configured")
    k.expect.equal(dict(sites["weight"].infer), {"old": 1}, "infer of a site that was not")
    if k.stateful:
        k.expect.equal(dict(sites["loc"].infer).get("new"), "loc", "infer of a param")


def _density(site: SiteView) -> np.ndarray:
    return np.asarray(site.log_prob)


def _mixture(k: Kit, data: float | list[float]) -> None:
    """z is 0 or 1 with probabilities 0.7, 0.3; x is normal around -1 or 2."""
    z = k.ppl.sample("z", k.dist.Bernoulli(0.3), infer={"enumerate": "parallel"})
    loc = k.xp.where(z > 0.5, k.xp.array(2.0), k.xp.array(-1.0))
    k.ppl.sample("x", k.dist.Normal(loc, 1.0), obs=k.xp.array(data))


@clause("HANDLER-105")
def enumerated_site_has_every_value(k: Kit) -> None:
    def model() -> None:
        probs = k.xp.array([0.2, 0.3, 0.5])
        with k.ppl.plate("rows", 4):
            k.ppl.sample("z", k.dist.Categorical(probs), infer={"enumerate": "parallel"})

    site = k.run(k.handler("enum", model, first_available_dim=-2)).sites["z"]
    k.expect.equal(site.value.reshape(-1), np.array([0, 1, 2]), "values of the enumerated site")
    k.expect.shape(site.value, (3, 1), "value of the enumerated site")
    expected = np.broadcast_to(np.log([[0.2], [0.3], [0.5]]), (3, 4))
    k.expect.close(np.broadcast_to(_density(site), (3, 4)), expected, "log density of the enumerated site")


@clause("HANDLER-105", case="two sites")
def enumerated_sites_have_dims_of_their_own(k: Kit) -> None:
    def model() -> None:
        for name in ("first", "second"):
            k.ppl.sample(name, k.dist.Bernoulli(0.3), infer={"enumerate": "parallel"})

    sites = k.run(k.handler("enum", model, first_available_dim=-1)).sites
    k.expect.shape(sites["first"].value, (2,), "value of the first enumerated site")
    k.expect.shape(sites["second"].value, (2, 1), "value of the second enumerated site")


@clause("HANDLER-106", case="summed out")
def enumerated_densities_sum_to_the_marginal(k: Kit) -> None:
    sites = k.run(k.handler("enum", lambda: _mixture(k, 0.4), first_available_dim=-1)).sites
    marginal = logsumexp(_density(sites["z"]) + _density(sites["x"]))
    k.expect.close(marginal, densities.normal_mixture(0.4, [0.7, 0.3], [-1.0, 2.0]), "log marginal density")


@clause("HANDLER-106", case="summed out inside a plate")
def enumerated_densities_sum_to_the_marginal_of_each_row(k: Kit) -> None:
    data = [0.4, -2.0, 1.0]

    def model() -> None:
        with k.ppl.plate("rows", 3):
            _mixture(k, data)

    sites = k.run(k.handler("enum", model, first_available_dim=-2)).sites
    marginal = logsumexp(_density(sites["z"]) + _density(sites["x"]), axis=0)
    expected = densities.normal_mixture(data, [0.7, 0.3], [-1.0, 2.0])
    k.expect.close(marginal, expected, "log marginal density of each row")


@clause("HANDLER-106", case="ELBO", needs=("svi.enum",))
def enumerated_elbo_is_the_marginal(k: Kit) -> None:
    data = [0.4, -2.0, 1.0]

    def in_a_plate() -> None:
        with k.ppl.plate("rows", 3):
            _mixture(k, data)

    marginals = densities.normal_mixture(data, [0.7, 0.3], [-1.0, 2.0])
    alone = k.adapter.enum_elbo(lambda: _mixture(k, data[0]), lambda: None, 0)
    k.expect.close(alone, marginals[0], "ELBO of a two-component model")
    k.expect.close(k.adapter.enum_elbo(in_a_plate, lambda: None, 1), marginals.sum(), "ELBO inside a plate")


@clause("HANDLER-107")
def markov_recycles_dims(k: Kit) -> None:
    def chain(steps: Any) -> None:
        state = k.xp.array(0.0)
        for step in steps:
            probs = k.xp.where(state > 0.5, k.xp.array(0.8), k.xp.array(0.1))
            state = k.ppl.sample(f"z_{step}", k.dist.Bernoulli(probs), infer={"enumerate": "parallel"})

    def dims_in_use(steps: Any) -> Any:
        sites = k.run(k.handler("enum", lambda: chain(steps()), first_available_dim=-1)).sites
        shapes = [site.value.shape for site in sites.values()]
        return len({axis - len(shape) for shape in shapes for axis, length in enumerate(shape) if length > 1})

    k.expect.equal(dims_in_use(lambda: range(6)), 6, "enumeration dims of 6 steps without markov")
    recycled = dims_in_use(lambda: k.handler("markov", range(6)))
    k.expect.true(recycled <= 2, "at most 2 enumeration dims under markov", seen=recycled)


@clause("HANDLER-108")
def markov_changes_nothing_without_enumeration(k: Kit) -> None:
    def step(state: Any, name: Any) -> Any:
        return k.ppl.sample(name, k.dist.Normal(state, 1.0))

    def chain(steps: Any) -> Any:
        state = k.xp.array(0.0)
        for turn in steps:
            state = step(state, f"z_{turn}")
        return state

    def contexts() -> Any:
        state, markov = k.xp.array(0.0), k.handler("markov")
        for turn in range(3):
            with markov:
                state = step(state, f"z_{turn}")
        return state

    def decorated() -> Any:
        state, markov_step = k.xp.array(0.0), k.handler("markov", step)
        for turn in range(3):
            state = markov_step(state, f"z_{turn}")
        return state

    plain = k.run(lambda: chain(range(3)))
    forms = {"generator": lambda: chain(k.handler("markov", range(3))), "context": contexts, "decorator": decorated}
    for form, model in forms.items():
        run = k.run(model)
        k.expect.equal(list(run.sites), list(plain.sites), f"sites with markov as {form}")
        k.expect.close(k.numpy(run.value), k.numpy(plain.value), f"last state with markov as {form}")
        k.expect.close(run.log_density, plain.log_density, f"joint log density with markov as {form}")


@clause("HANDLER-109")
def sequential_enumeration_visits_every_value(k: Kit) -> None:
    visited = []

    def model() -> None:
        first = k.ppl.sample("first", k.dist.Bernoulli(0.3), infer={"enumerate": "sequential"})
        probs = k.xp.array([0.2, 0.3, 0.5])
        second = k.ppl.sample("second", k.dist.Categorical(probs), infer={"enumerate": "sequential"})
        visited.append((int(k.numpy(first)), int(k.numpy(second))))

    traces = list(k.adapter.enum_traces(model))
    k.expect.equal(sorted(visited), [(i, j) for i in range(2) for j in range(3)], "values visited, in order")
    k.expect.equal(len(traces), 6, "number of traces")
