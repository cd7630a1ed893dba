"""SAMPLE: the sites that the sample statement leaves: infer, names, shapes, gradients, partly observed ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_conformance.laws.sample import key
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit

OBSERVED = [1.0, 2.0, 3.0]


MASK = [True, False, True]


@clause("SAMPLE-015", "readable")
def infer_is_readable_at_the_site(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_015_with", k.dist.Normal(0.0, 1.0), infer={"k": 1})
        k.ppl.sample("sample_015_without", k.dist.Normal(0.0, 1.0))

    sites = k.run(model).sites
    k.expect.equal(dict(sites["sample_015_with"].infer), {"k": 1}, "infer of the site with infer={'k': 1}")
    k.expect.equal(dict(sites["sample_015_without"].infer), {}, "infer of the site without")


@clause("SAMPLE-015", "private", needs=["handler.infer_config"])
def infer_is_private_to_the_site(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_015_a", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("sample_015_b", k.dist.Normal(0.0, 1.0))

    def mark_a(site: Any) -> dict[str, Any]:
        return {"q": 2} if site["name"] == "sample_015_a" else {}

    sites = k.run(k.handler("infer_config", model, config_fn=mark_a)).sites
    k.expect.equal(dict(sites["sample_015_a"].infer), {"q": 2}, "infer of the marked site")
    k.expect.equal(dict(sites["sample_015_b"].infer), {}, "infer of the next site")
    k.expect.equal(dict(k.run(model).sites["sample_015_a"].infer), {}, "infer of the site in a later run")


@clause("SAMPLE-016", "infer_config", needs=["handler.infer_config"])
def infer_config_leaves_the_callers_dict(k: Kit) -> None:
    infer = {"k": 1}

    def model() -> None:
        k.ppl.sample("sample_016", k.dist.Normal(0.0, 1.0), infer=infer)

    sites = k.run(k.handler("infer_config", model, config_fn=lambda site: {"q": 2})).sites
    k.expect.equal(dict(sites["sample_016"].infer), {"k": 1, "q": 2}, "infer of the site")
    k.expect.equal(infer, {"k": 1}, "the dict that the caller passed")


@clause("SAMPLE-016", "uncondition", needs=["handler.uncondition"])
def uncondition_leaves_the_callers_dict(k: Kit) -> None:
    infer = {"k": 1}

    def model() -> None:
        k.ppl.sample("sample_016", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.0), infer=infer)

    sites = k.run(k.handler("uncondition", model)).sites
    k.expect.equal(sites["sample_016"].kind, "latent", "kind of the site")
    k.expect.equal(infer, {"k": 1}, "the dict that the caller passed")


@clause("SAMPLE-017")
def event_dims_are_summed_out(k: Kit) -> None:
    loc = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])

    def model() -> Any:
        law = k.dist.MultivariateNormal(k.xp.array(loc), covariance_matrix=k.xp.array(covariance))
        return k.ppl.sample("sample_017", law)

    site = k.run(model).sites["sample_017"]
    k.expect.shape(site.value, (3, 2), "value")
    k.expect.close(site.log_prob, densities.multivariate_normal(site.value, loc, covariance), "log-prob", rtol=1e-3)


@clause("SAMPLE-018", "two latents", modes=("default", "validation_off"))
def duplicate_latent_raises(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_018", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("sample_018", k.dist.Normal(0.0, 1.0))

    k.expect.raises(lambda: k.run(model), "two sites of one name", names=["sample_018"])


@clause("SAMPLE-018", "latent and observed", modes=("default", "validation_off"))
def duplicate_observed_raises(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_018", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("sample_018", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.0))

    k.expect.raises(lambda: k.run(model), "a latent and an observed site of one name", names=["sample_018"])


@clause("SAMPLE-019")
def sites_stand_in_execution_order(k: Kit) -> None:
    names = ["sample_019_z", "sample_019_a", "sample_019_m", "sample_019_b"]

    def model() -> None:
        for position, name in enumerate(names):
            k.ppl.sample(name, k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.0) if position % 2 else None)

    k.expect.equal(list(k.run(model).sites), names, "order of the recorded sites")


@clause("SAMPLE-020")
def scalar_observation_broadcasts(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_020", k.dist.Normal(k.xp.array([0.0, 1.0, 2.0]), 1.0), obs=k.xp.array(0.5))

    run = k.run(model)
    expected = densities.normal(0.5, [0.0, 1.0, 2.0], 1.0)
    k.expect.close(run.sites["sample_020"].log_prob, expected, "log-prob")
    k.expect.close(run.log_density, expected.sum(), "joint log density")


@clause("SAMPLE-021", modes=("default", "validation_off"))
def misfitting_observation_raises(k: Kit) -> None:
    def model() -> None:
        law = k.dist.Normal(k.xp.array([0.0, 1.0, 2.0]), 1.0)
        k.ppl.sample("sample_021", law, obs=k.xp.array([0.0, 1.0, 2.0, 3.0]))

    k.expect.raises(lambda: k.run(model), "obs of shape (4,) for batch shape (3,)")


@clause("SAMPLE-022")
def draw_is_differentiable(k: Kit) -> None:
    def draw(loc: Any, scale: Any) -> Any:
        return k.call(lambda: k.ppl.sample("sample_022", k.dist.Normal(loc, scale)), seed=1)

    k.expect.close(k.xp.grad(lambda loc: draw(loc, 2.0), 0.5), 1.0, "d value / d loc")
    noise = (float(k.numpy(draw(0.5, 2.0))) - 0.5) / 2.0
    k.expect.close(k.xp.grad(lambda scale: draw(0.5, scale), 2.0), noise, "d value / d scale", rtol=1e-3, atol=1e-3)


def partly_observed(k: Kit, **kwargs: Any) -> Any:
    law = k.dist.Normal(k.xp.array([100.0, 200.0, 300.0]), 1.0)
    return k.ppl.sample("partly", law, obs=k.xp.array(OBSERVED), obs_mask=k.xp.array(MASK, "bool"), **kwargs)


@clause("SAMPLE-023", "value")
def obs_mask_keeps_what_is_observed(k: Kit) -> None:
    value = k.numpy(k.run(lambda: partly_observed(k)).value)
    k.expect.shape(value, (3,), "returned value")
    k.expect.close(value[[0, 2]], [1.0, 3.0], "entries under the mask")
    k.expect.close(value[1], 200.0, "the entry that is drawn", rtol=0, atol=10)


@clause("SAMPLE-023", "sites")
def obs_mask_makes_three_sites(k: Kit) -> None:
    run = k.run(lambda: partly_observed(k))
    kinds = {name: site.kind for name, site in run.sites.items()}
    expected = {"partly_observed": "observed", "partly_unobserved": "latent", "partly": "deterministic"}
    k.expect.equal(kinds, expected, "kinds of the sites")
    k.expect.close(run.sites["partly"].value, k.numpy(run.value), "value of the deterministic site")
    k.expect.close(run.sites["partly_unobserved"].value[1], k.numpy(run.value)[1], "the unobserved entry")


@clause("SAMPLE-024", modes=("default", "validation_off"))
def obs_mask_splits_the_log_density(k: Kit) -> None:
    run = k.run(lambda: partly_observed(k))
    drawn = run.sites["partly_unobserved"].value[1]
    expected = densities.normal([1.0, 3.0], [100.0, 300.0]).sum() + densities.normal(drawn, 200.0)
    k.expect.close(run.log_density, expected, "joint log density")


@clause("SAMPLE-025")
def bare_obs_mask_draws(k: Kit) -> None:
    value = k.numpy(k.call(lambda: partly_observed(k, **key(k)), seed=None))
    k.expect.close(value[[0, 2]], [1.0, 3.0], "entries under the mask")
    k.expect.close(value[1], 200.0, "the entry that is drawn", rtol=0, atol=10)


def seeded_draw(k: Kit, seed: Any) -> Any:
    def model() -> Any:
        loc = k.ppl.sample("sample_026_loc", k.dist.Normal(0.0, 1.0))
        return k.ppl.sample("sample_026_x", k.dist.Normal(loc, 1.0))

    return k.handler("seed", model, rng_seed=k.xp.key(seed))()


@clause("SAMPLE-026", "jit", needs=["jit"])
def compiled_draw_equals_the_eager_one(k: Kit) -> None:
    eager = k.numpy(seeded_draw(k, 3))
    k.expect.close(k.numpy(k.adapter.compile(lambda seed: seeded_draw(k, seed))(3)), eager, "draw under jit")


@clause("SAMPLE-026", "vmap", needs=["vmap"])
def mapped_draws_equal_the_eager_ones(k: Kit) -> None:
    eager = [k.numpy(seeded_draw(k, seed)) for seed in (3, 4)]
    mapped = k.adapter.vmap(lambda seed: seeded_draw(k, seed))(k.xp.array([3, 4]))
    k.expect.close(k.numpy(mapped), eager, "draws under vmap")


@clause("SAMPLE-027")
def python_float_is_an_observation(k: Kit) -> None:
    def model(value: Any) -> None:
        k.ppl.sample("sample_027", k.dist.Normal(0.0, 1.0), obs=value)

    expected = densities.normal(0.3)
    k.expect.close(k.run(model, k.xp.array(0.3)).sites["sample_027"].log_prob, expected, "log-prob of a 0-d array")
    k.expect.close(k.run(model, 0.3).sites["sample_027"].log_prob, expected, "log-prob of a Python float")


@clause("SAMPLE-028")
def sample_shape_reaches_the_draw_alone(k: Kit) -> None:
    run = k.run(lambda: k.ppl.sample("sample_028", k.dist.Normal(1.0, 2.0), (3,)))
    site = run.sites["sample_028"]
    k.expect.shape(k.numpy(run.value), (3,), "value")
    k.expect.close(site.log_prob, densities.normal(site.value, 1.0, 2.0), "log-prob")
