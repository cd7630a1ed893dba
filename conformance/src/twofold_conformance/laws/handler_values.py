"""HANDLER: the handlers that set values: substitute, condition, uncondition, do, lift."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from twofold_conformance.expect import Violation
from twofold_conformance.laws._tools import full
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _chain(k: Kit) -> Callable[[], Any]:
    """A param, a latent site and another below it; the value of the first site is returned."""

    def model() -> Any:
        loc = k.ppl.param("loc", k.xp.array(1.0))
        height = k.ppl.sample("height", k.dist.Normal(loc, 2.0))
        k.ppl.sample("weight", k.dist.Normal(height, 1.0))
        return height

    return model


def _observed(k: Kit) -> Callable[[], Any]:
    """One site with obs=0.5."""

    def model() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))

    return model


@clause("HANDLER-040")
def substitute_sets_samples_and_params(k: Kit) -> None:
    data = {"loc": k.xp.array(3.0), "height": k.xp.array(4.0)}
    run = k.run(k.handler("substitute", _chain(k), data=data))
    k.expect.close(run.sites["loc"].value, 3.0, "value of the param")
    k.expect.close(run.sites["height"].value, 4.0, "value of the site")
    k.expect.equal(run.sites["height"].kind, "latent", "kind of a substituted site")
    k.expect.close(run.sites["height"].log_prob, densities.normal(4.0, 3.0, 2.0), "log density of the site")


@clause("HANDLER-041")
def substitute_by_function(k: Kit) -> None:
    def substitute_fn(site: Any) -> Any:
        return k.xp.array(4.0) if site.get("name") == "height" else None

    run = k.run(k.handler("substitute", _chain(k), substitute_fn=substitute_fn))
    k.expect.close(run.sites["height"].value, 4.0, "value of the site")
    k.expect.close(run.sites["loc"].value, 1.0, "value of a param for which the function returned None")


@clause("HANDLER-042")
def settings_exclude_each_other(k: Kit) -> None:
    def use(name: Any, settings: Any) -> Any:
        return k.call(k.handler(name, _chain(k), **settings))

    if k.stateful:
        k.expect.raises(lambda: use("replay", {}), "replay with neither trace nor params")
        return
    for name in ("condition", "substitute"):
        both = {"data": {}, f"{name}_fn": lambda site: None}
        k.expect.raises(partial(use, name, {}), f"{name} with neither data nor function")
        k.expect.raises(partial(use, name, both), f"{name} with data and function")


@clause("HANDLER-043")
def substitute_leaves_sample_sites(k: Kit) -> None:
    data = {"loc": k.xp.array(3.0), "height": k.xp.array(4000.0)}
    run = k.run(k.handler("substitute", _chain(k), data=data))
    k.expect.close(run.sites["loc"].value, 3.0, "value of the param")
    k.expect.close(run.sites["height"].value, 3.0, "value of a sample site named in data", atol=30.0)


@clause("HANDLER-044")
def substitute_reports_unused_names(k: Kit) -> None:
    data = {"loc": k.xp.array(3.0), "unheard": k.xp.array(4.0)}
    k.expect.warns(
        lambda: k.call(k.handler("substitute", _chain(k), data=data)), "a name that no param has", names=["unheard"]
    )


@clause("HANDLER-045", case="substitute", needs=("handler.substitute",))
def substitute_does_not_write_to_the_store(k: Kit) -> None:
    k.call(k.handler("substitute", _chain(k), data={"loc": k.xp.array(3.0)}))
    k.expect.equal(list(k.adapter.store().keys()), [], "names in the store")
    k.expect.close(
        k.numpy(k.call(lambda: k.ppl.param("loc", k.xp.array(1.0)))), 1.0, "value of a later param statement"
    )


@clause("HANDLER-045", case="substitute, existing param", needs=("handler.substitute",))
def substitute_keeps_stored_values(k: Kit) -> None:
    k.call(_chain(k))
    k.call(k.handler("substitute", _chain(k), data={"loc": k.xp.array(3.0)}))
    k.expect.close(k.numpy(k.call(lambda: k.ppl.param("loc"))), 1.0, "value in the store afterwards")


@clause("HANDLER-045", case="lift", needs=("handler.lift",))
def lift_does_not_write_to_the_store(k: Kit) -> None:
    k.call(k.handler("lift", _chain(k), prior={"loc": k.dist.Normal(3.0, 1.0)}))
    k.expect.equal(list(k.adapter.store().keys()), [], "names in the store")


@clause("HANDLER-046")
def substitute_leaves_observations(k: Kit) -> None:
    run = k.run(k.handler("substitute", _observed(k), data={"height": k.xp.array(2.0)}))
    k.expect.close(run.sites["height"].value, 0.5, "value of an observed site")
    k.expect.close(run.log_density, densities.normal(0.5), "joint log density")


@clause("HANDLER-047")
def substituted_values_are_constrained_values(k: Kit) -> None:
    def model() -> Any:
        spread = k.ppl.param("spread", k.xp.array(1.0), constraint=k.constraints.positive)
        k.ppl.sample("height", k.dist.LogNormal(0.0, spread))
        return spread

    data = {"spread": k.xp.array(2.5), "height": k.xp.array(0.3)}
    run = k.run(k.handler("substitute", model, data=data))
    k.expect.close(k.numpy(run.value), 2.5, "value of a positive param")
    k.expect.close(run.sites["height"].value, 0.3, "value of a positive site")


@clause("HANDLER-050")
def condition_observes(k: Kit) -> None:
    run = k.run(k.handler("condition", _chain(k), data={"height": k.xp.array(4.0)}))
    k.expect.close(k.numpy(run.value), 4.0, "value that the statement returned")
    k.expect.close(run.sites["height"].value, 4.0, "value of the site")
    k.expect.equal(run.sites["height"].kind, "observed", "kind of the site")
    k.expect.true(run.sites["height"].observed, "the site is observed")
    k.expect.equal(run.sites["weight"].kind, "latent", "kind of a site that data does not name")


@clause("HANDLER-050", case="at given values", needs=("log_density",), modes=("default", "jit"))
def condition_scores_its_value_beside_given_ones(k: Kit) -> None:
    def model() -> None:
        height = k.ppl.sample("height", k.dist.Normal(1.0, 2.0))
        k.ppl.sample("weight", k.dist.Normal(height, 0.5))

    def joint(weight: float) -> Any:
        return k.joint(k.handler("condition", model, data={"weight": k.xp.array(weight)}), height=2.0)

    for weight in (3.0, -1.0):
        expected = densities.normal(2.0, 1.0, 2.0) + densities.normal(weight, 2.0, 0.5)
        k.expect.close(joint(weight), expected, f"joint log density with weight conditioned on {weight}")


@clause("HANDLER-050", case="observed at zero")
def condition_at_zero(k: Kit) -> None:
    run = k.run(k.handler("condition", _chain(k), data={"height": k.xp.array(0.0)}))
    k.expect.equal(run.sites["height"].kind, "observed", "kind of a site conditioned at 0")
    k.expect.close(run.sites["height"].value, 0.0, "value of a site conditioned at 0")


@clause("HANDLER-051")
def condition_equals_obs(k: Kit) -> None:
    def model(height: Any = None, weight: Any = None) -> None:
        height = k.ppl.sample("height", k.dist.Normal(1.0, 2.0), obs=height)
        k.ppl.sample("weight", k.dist.Normal(height, 1.0), obs=weight)

    data = {"height": k.xp.array(4.0), "weight": k.xp.array(3.0)}
    expected = densities.normal(4.0, 1.0, 2.0) + densities.normal(3.0, 4.0)
    k.expect.close(k.run(k.handler("condition", model, data=data)).log_density, expected, "joint log density")
    k.expect.close(k.run(lambda: model(**data)).log_density, expected, "joint log density with obs= written in")


@clause("HANDLER-052", case="names without a site")
def condition_ignores_unknown_names(k: Kit) -> None:
    data = {"qqqqqqqqqq": k.xp.array(7.0)}
    plain, run = k.run(_chain(k)), k.run(k.handler("condition", _chain(k), data=data))
    k.expect.equal(list(run.sites), list(plain.sites), "sites")
    for name, site in plain.sites.items():
        k.expect.equal(run.sites[name].kind, site.kind, f"kind of {name}")
        k.expect.close(run.sites[name].value, site.value, f"value of {name}")


@clause("HANDLER-052", case="params")
def condition_leaves_params(k: Kit) -> None:
    data = {"loc": k.xp.array(7.0)}
    run = k.run(k.handler("condition", lambda: k.ppl.param("loc", k.xp.array(1.0)), data=data))
    k.expect.close(k.numpy(run.value), 1.0, "value of a param whose name is in data")


@clause("HANDLER-053")
def condition_replaces_obs(k: Kit) -> None:
    run = k.run(k.handler("condition", _observed(k), data={"height": k.xp.array(2.0)}))
    k.expect.close(k.numpy(run.value), 2.0, "value that the statement returned")
    k.expect.close(run.log_density, densities.normal(2.0), "joint log density")


@clause("HANDLER-054")
def outer_condition_wins(k: Kit) -> None:
    inner = k.handler("condition", _chain(k), data={"height": k.xp.array(1.0)})
    run = k.run(k.handler("condition", inner, data={"height": k.xp.array(2.0)}))
    k.expect.close(run.sites["height"].value, 2.0, "value of a site that two conditions name")


@clause("HANDLER-055", case="latent site")
def none_leaves_a_latent_site(k: Kit) -> None:
    run = k.run(k.handler("condition", _chain(k), data={"height": None}))
    k.expect.equal(run.sites["height"].kind, "latent", "kind of a latent site conditioned on None")


@clause("HANDLER-055", case="observed site")
def none_leaves_an_observed_site(k: Kit) -> None:
    run = k.run(k.handler("condition", _observed(k), data={"height": None}))
    k.expect.equal(run.sites["height"].kind, "observed", "kind of an observed site conditioned on None")
    k.expect.close(run.sites["height"].value, 0.5, "its value")


@clause("HANDLER-056")
def condition_by_function(k: Kit) -> None:
    def condition_fn(site: Any) -> Any:
        return k.xp.array(4.0) if site.get("name") == "height" else None

    run = k.run(k.handler("condition", _chain(k), condition_fn=condition_fn))
    k.expect.close(run.sites["height"].value, 4.0, "value of the site")
    k.expect.equal(run.sites["height"].kind, "observed", "kind of the site")
    k.expect.equal(run.sites["weight"].kind, "latent", "kind of a site for which the function returned None")


@clause("HANDLER-057")
def condition_on_a_trace(k: Kit) -> None:
    first = k.run(_chain(k), seed=1)
    run = k.run(k.handler("condition", _chain(k), data=first.raw), seed=2)
    for name in ("height", "weight"):
        k.expect.close(run.sites[name].value, first.sites[name].value, f"value of {name}")
        k.expect.equal(run.sites[name].kind, "observed", f"kind of {name}")


@clause("HANDLER-058", needs=("handler.condition",))
def substitute_outside_condition(k: Kit) -> None:
    conditioned = k.handler("condition", _chain(k), data={"height": k.xp.array(1.0)})
    run = k.run(k.handler("substitute", conditioned, data={"height": k.xp.array(2.0)}))
    k.expect.close(run.sites["height"].value, 1.0, "value of a conditioned site inside substitute")
    k.expect.equal(run.sites["height"].kind, "observed", "its kind")


@clause("HANDLER-060")
def uncondition_draws(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("height", k.dist.Normal(100.0, 1.0), obs=k.xp.array(0.5))

    run = k.run(k.handler("uncondition", model))
    site = run.sites["height"]
    k.expect.equal(site.kind, "latent", "kind of the site")
    k.expect.close(site.value, 100.0, "value of the site, drawn from its law", atol=10.0)
    k.expect.equal(k.numpy(run.value), k.numpy(k.xp.array(site.value)), "value that the statement returned")
    k.expect.equal(site.infer.get("was_observed"), True, "was_observed in its infer dict")
    k.expect.close(k.numpy(site.infer.get("obs")), 0.5, "obs in its infer dict")


@clause("HANDLER-060", case="latent sites stay")
def uncondition_leaves_latent_sites(k: Kit) -> None:
    plain, run = k.run(_chain(k), seed=3), k.run(k.handler("uncondition", _chain(k)), seed=3)
    k.expect.close(run.sites["height"].value, plain.sites["height"].value, "value of a latent site")
    k.expect.true(not run.sites["height"].infer.get("was_observed"), "a latent site is not marked was_observed")


@clause("HANDLER-061", needs=("handler.condition",))
def condition_and_uncondition(k: Kit) -> None:
    data = {"height": k.xp.array(4.0)}
    observed = k.run(k.handler("condition", k.handler("uncondition", _observed(k)), data=data)).sites["height"]
    k.expect.equal(observed.kind, "observed", "kind of the site in condition(uncondition(model))")
    k.expect.close(observed.value, 4.0, "its value")
    latent = k.run(k.handler("uncondition", k.handler("condition", _chain(k), data=data))).sites["height"]
    k.expect.equal(latent.kind, "latent", "kind of the site in uncondition(condition(model))")


@clause("HANDLER-075")
def do_returns_the_intervention(k: Kit) -> None:
    run = k.run(k.handler("do", _chain(k), data={"height": k.xp.array(1000.0)}))
    k.expect.close(k.numpy(run.value), 1000.0, "value that the statement returned")
    k.expect.equal(list(run.sites), ["loc", "height", "weight"], "sites")
    k.expect.equal(run.sites["height"].kind, "latent", "kind of the site")
    k.expect.close(run.sites["height"].value, 1.0, "value of the site, a fresh draw", atol=20.0)


@clause("HANDLER-076")
def do_scores_downstream_sites_under_the_intervention(k: Kit) -> None:
    run = k.run(k.handler("do", _chain(k), data={"height": k.xp.array(7.0)}))
    height, weight = run.sites["height"].value, run.sites["weight"].value
    expected = densities.normal(height, 1.0, 2.0) + densities.normal(weight, 7.0)
    k.expect.close(run.sites["weight"].log_prob, densities.normal(weight, 7.0), "log density of the site below")
    k.expect.close(run.log_density, expected, "joint log density", rtol=1e-3)


@clause("HANDLER-077", needs=("plate.subsample",))
def do_inside_a_subsampled_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 6, subsample_size=2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(k.handler("do", model, data={"height": full(k, 1.0, 2)})).sites["height"]
    k.expect.close(site.scale, 3.0, "scale of the fresh site", hint="does the fresh statement pass the plate twice?")
    k.expect.equal([plate.name for plate in site.plates], ["rows"], "plates around the fresh site")


@clause("HANDLER-078", needs=("handler.condition",))
def counterfactual(k: Kit) -> None:
    intervened = k.handler("do", _chain(k), data={"height": k.xp.array(1.0)})
    run = k.run(k.handler("condition", intervened, data={"height": k.xp.array(2.0)}))
    k.expect.close(k.numpy(run.value), 1.0, "value that flows downstream")
    k.expect.close(run.sites["height"].value, 2.0, "value of the site")
    k.expect.equal(run.sites["height"].kind, "observed", "kind of the site")
    weight = run.sites["weight"].value
    k.expect.close(run.sites["weight"].log_prob, densities.normal(weight, 1.0), "log density of the site below")


@clause("HANDLER-079")
def two_interventions_on_one_site(k: Kit) -> None:
    inner = k.handler("do", _chain(k), data={"height": k.xp.array(1.0)})
    outer = k.handler("do", inner, data={"height": k.xp.array(2.0)})
    k.expect.warns(lambda: k.call(outer), "two interventions on one site", names=["height"])


@clause("HANDLER-080")
def lift_makes_a_param_a_site(k: Kit) -> None:
    def model() -> Any:
        loc = k.ppl.param("loc", k.xp.array(1.0))
        k.ppl.param("spread", k.xp.array(2.0))
        return loc

    run = k.run(k.handler("lift", model, prior={"loc": k.dist.Normal(100.0, 0.5)}))
    site = run.sites["loc"]
    k.expect.equal(site.kind, "latent", "kind of the lifted param")
    k.expect.close(site.value, 100.0, "its value, drawn from the prior", atol=5.0)
    k.expect.close(site.log_prob, densities.normal(site.value, 100.0, 0.5), "its log density", rtol=1e-3, atol=1e-3)
    k.expect.close(k.numpy(run.value), site.value, "value that the statement returned")
    k.expect.equal(run.sites["spread"].kind, "param", "kind of another param")
    k.expect.close(run.sites["spread"].value, 2.0, "value of another param")


@clause("HANDLER-081")
def one_prior_lifts_every_param(k: Kit) -> None:
    def model() -> None:
        k.ppl.param("loc", k.xp.array(1.0))
        k.ppl.param("spread", k.xp.array(2.0))

    run = k.run(k.handler("lift", model, prior=k.dist.Normal(100.0, 0.5)))
    for name in ("loc", "spread"):
        k.expect.equal(run.sites[name].kind, "latent", f"kind of {name}")
        k.expect.close(run.sites[name].value, 100.0, f"value of {name}", atol=5.0)


@clause("HANDLER-082")
def lifted_param_stated_twice(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.param("loc", k.xp.array(1.0)), k.ppl.param("loc", k.xp.array(1.0))

    run = k.run(k.handler("lift", model, prior={"loc": k.dist.Normal(0.0, 1.0)}))
    first, second = (k.numpy(value) for value in run.value)
    k.expect.equal(second, first, "value of the second statement")
    k.expect.equal(list(run.sites), ["loc"], "sites")
    k.expect.close(run.log_density, densities.normal(run.sites["loc"].value), "joint log density")


@clause("HANDLER-083")
def lift_reports_unused_names(k: Kit) -> None:
    prior = {"loc": k.dist.Normal(0.0, 1.0), "unheard": k.dist.Normal(0.0, 1.0)}
    k.expect.warns(
        lambda: k.call(k.handler("lift", _chain(k), prior=prior)), "a prior that no param uses", names=["unheard"]
    )


def _reports(k: Kit, handler: str, name: str, **settings: Any) -> None:
    """A run inside ``handler`` raises or warns about ``name``."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            k.call(k.handler(handler, _chain(k), **settings))
        except Violation:
            raise
        except Exception as error:
            told = [str(error)]
        else:
            told = [str(warning.message) for warning in caught]
    hint = "compare the names given with those used when the handled run ends"
    k.expect.true(
        any(name in text for text in told), f"{handler} reports the unknown name {name!r}", seen=told, hint=hint
    )


@clause("HANDLER-110", case="condition")
def condition_reports_a_misspelt_name(k: Kit) -> None:
    _reports(k, "condition", "heigth", data={"heigth": k.xp.array(4.0)})


@clause("HANDLER-110", case="do", needs=("handler.do",))
def do_reports_a_misspelt_name(k: Kit) -> None:
    _reports(k, "do", "weigth", data={"weigth": k.xp.array(4.0)})


@clause("HANDLER-110", case="substitute", needs=("handler.substitute",))
def substitute_reports_a_misspelt_name(k: Kit) -> None:
    name = "locc" if k.stateful else "heigth"
    _reports(k, "substitute", name, data={name: k.xp.array(4.0)})


@clause("HANDLER-110", case="reparam", needs=("handler.reparam",))
def reparam_reports_a_misspelt_name(k: Kit) -> None:
    _reports(k, "reparam", "heigth", config={"heigth": k.adapter.loc_scale_reparam(0.0)})


@clause("HANDLER-110", case="replay", needs=("handler.replay",))
def replay_reports_a_misspelt_name(k: Kit) -> None:
    _reports(k, "replay", "heigth", trace=k.trace(lambda: k.ppl.sample("heigth", k.dist.Normal(0.0, 1.0))))
