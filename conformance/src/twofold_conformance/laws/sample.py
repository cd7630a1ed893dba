"""SAMPLE: the sample statement."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit

OBSERVED = [1.0, 2.0, 3.0]
MASK = [True, False, True]


def key(k: Kit, seed: int = 0) -> dict[str, Any]:
    """What a bare statement needs to draw: nothing, or a random key."""
    return {} if k.stateful else {"rng_key": k.xp.key(seed)}


@clause("SAMPLE-001", "one draw of fn")
def bare_sample_returns_a_draw(k: Kit) -> None:
    def draw(seed: int) -> Any:
        return k.ppl.sample("sample_001", k.dist.Normal(k.xp.array([1000.0, 2000.0, 3000.0]), 0.01), **key(k, seed))

    first, second = (
        k.numpy(k.expect.silent(partial(k.call, draw, seed, seed=None), "a bare sample")) for seed in (0, 1)
    )
    k.expect.close(first, [1000.0, 2000.0, 3000.0], "draw of normal(loc, 0.01)", rtol=0, atol=0.1)
    k.expect.different(first, second, "a second draw under the same name")


@clause("SAMPLE-001", "nothing is remembered")
def bare_sample_leaves_no_site(k: Kit) -> None:
    def draw() -> Any:
        return k.ppl.sample("sample_001", k.dist.Normal(0.0, 1.0), **key(k))

    k.call(draw, seed=None)
    k.call(draw, seed=None)
    k.expect.equal(list(k.run(draw).sites), ["sample_001"], "sites of a later traced run")
    if "store" in k.adapter.capabilities:
        k.expect.equal(len(k.adapter.store()), 0, "parameters in the store")


@clause("SAMPLE-002")
def trace_records_one_latent_site(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("sample_002", k.dist.Normal(1.0, 2.0))

    run = k.run(model)
    k.expect.equal(list(run.sites), ["sample_002"], "names of the recorded sites")
    site = run.sites["sample_002"]
    k.expect.equal(site.name, "sample_002", "name of the site")
    k.expect.equal(site.kind, "latent", "kind of the site")
    k.expect.equal(site.observed, False, "is_observed")
    k.expect.close(site.value, k.numpy(run.value), "recorded value")
    k.expect.close(site.log_prob, densities.normal(site.value, 1.0, 2.0), "log-prob of the recorded law at the draw")


@clause("SAMPLE-003", "latent")
def returned_draw_is_the_recorded_one(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("sample_003_plate", 2):
            flip = k.ppl.sample("sample_003_flip", k.dist.Bernoulli(0.5))
            return flip, k.ppl.sample("sample_003_x", k.dist.Normal(k.xp.array([0.1, 0.7]), 1.0))

    run = k.run(model)
    for name, value in zip(("sample_003_flip", "sample_003_x"), run.value, strict=True):
        k.expect.equal(np.asarray(run.sites[name].value, dtype=float), k.numpy(value).astype(float), f"value of {name}")


@clause("SAMPLE-003", "observed")
def returned_observation_is_the_recorded_one(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("sample_003", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.1))

    run = k.run(model)
    k.expect.equal(run.sites["sample_003"].value, k.numpy(run.value), "recorded value, bitwise")
    k.expect.close(run.value, 0.1, "returned value")


@clause("SAMPLE-004", "recorded", modes=("default", "validation_off"))
def observation_is_returned_and_recorded(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("sample_004", k.dist.Normal(0.0, 2.0), obs=k.xp.array(1.5))

    run = k.run(model)
    site = run.sites["sample_004"]
    k.expect.close(k.numpy(run.value), 1.5, "returned value")
    k.expect.close(site.value, 1.5, "recorded value")
    k.expect.equal((site.kind, site.observed), ("observed", True), "kind and is_observed")
    k.expect.close(site.log_prob, densities.normal(1.5, 0.0, 2.0), "log-prob")


@clause("SAMPLE-004", "nothing is drawn", modes=("default", "validation_off"))
def observation_draws_nothing(k: Kit) -> None:
    def model(observed: bool) -> Any:
        if observed:
            k.ppl.sample("sample_004_y", k.dist.Normal(0.0, 1.0), obs=k.xp.array(1.5))
        return k.ppl.sample("sample_004_x", k.dist.Normal(0.0, 1.0), **key(k)) if k.stateful else None

    run = k.run(model, True, seed=3 if k.stateful else None)
    k.expect.equal(run.sites["sample_004_y"].observed, True, "is_observed of a site without a key")
    if k.stateful:
        k.expect.equal(
            k.numpy(run.value), k.numpy(k.run(model, False, seed=3).value), "the draw after the observed site"
        )


@clause("SAMPLE-005", "recorded zero")
def falsy_arrays_are_observations(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_005_zero", k.dist.Normal(100.0, 1.0), obs=k.xp.array(0.0))
        k.ppl.sample("sample_005_none", k.dist.Normal(100.0, 1.0), obs=None)

    sites = k.run(model).sites
    k.expect.equal(sites["sample_005_zero"].kind, "observed", "kind of the site with obs=0.0")
    k.expect.close(sites["sample_005_zero"].value, 0.0, "value of the site with obs=0.0")
    k.expect.equal(sites["sample_005_none"].kind, "latent", "kind of the site with obs=None")
    k.expect.close(sites["sample_005_none"].value, 100.0, "value of the site with obs=None", rtol=0, atol=10)


@clause("SAMPLE-005", "Python zero and False")
def falsy_python_values_are_observations(k: Kit) -> None:
    returned: list[float] = []

    def model() -> None:
        for position, value in enumerate((0.0, False)):
            site = k.ppl.sample(f"sample_005_{position}", k.dist.Normal(100.0, 1.0), obs=value)
            returned.append(float(k.numpy(site)))

    k.trace(model)
    k.expect.equal(returned, [0.0, 0.0], "values returned for obs=0.0 and obs=False")


@clause("SAMPLE-006")
def bare_observation_warns(k: Kit) -> None:
    def statement() -> Any:
        return k.ppl.sample("sample_006", k.dist.Normal(0.0, 1.0), obs=k.xp.array(1.5))

    value = k.expect.warns(
        lambda: k.call(statement, seed=None), "obs outside of inference", kinds=["RuntimeWarning"], names=["sample_006"]
    )
    k.expect.close(k.numpy(value), 1.5, "returned value")


@clause("SAMPLE-007")
def bare_observation_is_silent(k: Kit) -> None:
    def statement() -> Any:
        return k.ppl.sample("sample_007", k.dist.Normal(0.0, 1.0), obs=k.xp.array(1.5))

    value = k.expect.silent(lambda: k.call(statement, seed=None), "obs outside every handler, without a key")
    k.expect.close(k.numpy(value), 1.5, "returned value")


@clause("SAMPLE-008", "bare")
def callable_gets_its_arguments(k: Kit) -> None:
    seen: list[Any] = []

    def law(*args: Any, **kwargs: Any) -> Any:
        seen.append((args, kwargs))
        return k.xp.array(7.0)

    value = k.call(lambda: k.ppl.sample("sample_008", law, 2, k=3), seed=None)
    k.expect.equal(seen, [((2,), {"k": 3})], "calls of the stochastic function")
    k.expect.close(k.numpy(value), 7.0, "returned value")


@clause("SAMPLE-008", "traced")
def traced_callable_gets_its_arguments(k: Kit) -> None:
    seen: list[Any] = []

    def law(*args: Any, **kwargs: Any) -> Any:
        seen.append((args, kwargs))
        return k.xp.array(7.0)

    run = k.run(lambda: k.ppl.sample("sample_008", law, 2, k=3))
    k.expect.equal(seen, [((2,), {"k": 3})], "calls of the stochastic function")
    k.expect.close(k.numpy(run.value), 7.0, "returned value")
    k.expect.close(run.sites["sample_008"].value, 7.0, "recorded value")
    k.expect.equal(run.sites["sample_008"].kind, "latent", "kind of the site")


@clause("SAMPLE-008", "a class of distributions, bare")
def class_with_its_arguments_draws(k: Kit) -> None:
    def draw() -> Any:
        return k.ppl.sample("sample_008", k.dist.Normal, 1000.0, scale=0.01)

    value = k.call(draw, seed=None)
    k.expect.true(k.xp.is_array(value), "a draw of the distribution, as an array", seen=repr(value))
    k.expect.close(k.numpy(value), 1000.0, "draw of normal(1000, 0.01)", rtol=0, atol=0.1)


@clause("SAMPLE-008", "a class of distributions, traced", modes=("default", "validation_off"))
def class_with_its_arguments_is_scored(k: Kit) -> None:
    def model() -> Any:
        k.ppl.sample("sample_008_seen", k.dist.Exponential, 2.0, obs=k.xp.array(0.7))
        return k.ppl.sample("sample_008", k.dist.Normal, 1000.0, scale=0.01)

    run = k.run(model)
    site = run.sites["sample_008"]
    k.expect.true(k.xp.is_array(run.value), "a draw of the distribution, as an array", seen=repr(run.value))
    k.expect.close(site.value, 1000.0, "recorded draw of normal(1000, 0.01)", rtol=0, atol=0.1)
    k.expect.equal(site.kind, "latent", "kind of the site")
    k.expect.close(site.log_prob, densities.normal(site.value, 1000.0, 0.01), "log-prob of the draw", atol=1e-2)
    k.expect.close(run.sites["sample_008_seen"].log_prob, densities.exponential(0.7, 2.0), "log-prob of the datum")


@clause("SAMPLE-009")
def callable_is_called_or_refused(k: Kit) -> None:
    def law(rng_key: Any = None, sample_shape: Any = ()) -> Any:
        return k.xp.array(7.0)

    def model() -> Any:
        return k.ppl.sample("sample_009", law)

    if k.choice == "A":
        k.expect.close(k.numpy(k.call(model)), 7.0, "result of the callable")
    else:
        k.expect.raises(
            lambda: k.call(model), "fn that is no distribution", kinds=["TypeError"], names=[type(law).__name__]
        )


@clause("SAMPLE-010")
def sample_shape_stands_left_of_the_batch(k: Kit) -> None:
    def model() -> Any:
        law = k.dist.Normal(k.xp.array([0.0, 1.0, 2.0, 3.0]), 1.0)
        k.ppl.sample("sample_010_default", law)
        return k.ppl.sample("sample_010", law, sample_shape=(2, 3))

    run = k.run(model)
    site = run.sites["sample_010"]
    k.expect.shape(k.numpy(run.value), (2, 3, 4), "value with sample_shape=(2, 3)")
    k.expect.close(site.log_prob, densities.normal(site.value, [0.0, 1.0, 2.0, 3.0], 1.0), "log-prob")
    k.expect.shape(run.sites["sample_010_default"].value, (4,), "value without sample_shape")
    bare = k.call(lambda: k.ppl.sample("sample_010", k.dist.Normal(0.0, 1.0), sample_shape=(2, 3), **key(k)), seed=None)
    k.expect.shape(k.numpy(bare), (2, 3), "value outside every handler")


@clause("SAMPLE-011")
def key_fixes_the_draw(k: Kit) -> None:
    def draw(seed: int) -> np.ndarray:
        law = k.dist.Normal(k.xp.array([0.0, 0.0]), 1.0)
        return k.numpy(k.call(lambda: k.ppl.sample("sample_011", law, rng_key=k.xp.key(seed)), seed=None))

    k.expect.equal(draw(1), draw(1), "two draws with equal keys")
    k.expect.different(draw(1), draw(2), "two draws with different keys")
    k.expect.true(draw(1)[0] != draw(1)[1], "entries of one batch differ", seen=draw(1))


@clause("SAMPLE-012", "with and without a key")
def seed_overrules_an_explicit_key(k: Kit) -> None:
    def draw(**kwargs: Any) -> np.ndarray:
        return k.numpy(k.call(lambda: k.ppl.sample("sample_012", k.dist.Normal(0.0, 1.0), **kwargs), seed=5))

    plain = draw()
    k.expect.equal(draw(rng_key=k.xp.key(1)), plain, "draw with rng_key=1 inside seed")
    k.expect.equal(draw(rng_key=k.xp.key(2)), plain, "draw with rng_key=2 inside seed")


@clause("SAMPLE-012", "later sites")
def explicit_key_does_not_shift_later_draws(k: Kit) -> None:
    def draw(**kwargs: Any) -> np.ndarray:
        def model() -> Any:
            k.ppl.sample("sample_012_first", k.dist.Normal(0.0, 1.0), **kwargs)
            return k.ppl.sample("sample_012_second", k.dist.Normal(0.0, 1.0))

        return k.numpy(k.call(model, seed=5))

    k.expect.equal(draw(rng_key=k.xp.key(1)), draw(), "the draw after a site with an explicit key")


@clause("SAMPLE-013", "bare")
def missing_key_raises(k: Kit) -> None:
    reached: list[str] = []

    def model() -> None:
        k.ppl.sample("sample_013", k.dist.Normal(0.0, 1.0))
        reached.append("after")

    k.expect.raises(lambda: k.call(model, seed=None), "sample without rng_key and seed")
    k.expect.equal(reached, [], "what ran after the statement")


@clause("SAMPLE-013", "traced")
def missing_key_raises_under_trace(k: Kit) -> None:
    reached: list[str] = []

    def model() -> None:
        k.ppl.sample("sample_013", k.dist.Normal(0.0, 1.0))
        reached.append("after")

    k.expect.raises(lambda: k.trace(model, seed=None), "traced sample without rng_key and seed")
    k.expect.equal(reached, [], "what ran after the statement")


@clause("SAMPLE-014")
def global_generator_reproduces_every_site(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("sample_014_normal", k.dist.Normal(0.0, 1.0))
        k.ppl.sample("sample_014_gamma", k.dist.Gamma(2.0, 1.0))
        k.ppl.sample("sample_014_count", k.dist.Poisson(100.0))
        with k.ppl.plate("sample_014_plate", 50):
            k.ppl.sample("sample_014_flip", k.dist.Bernoulli(0.5))

    first, again, other = (
        {name: site.value for name, site in k.run(model, seed=seed).sites.items()} for seed in (3, 3, 4)
    )
    for name in first:
        k.expect.equal(again[name], first[name], f"{name} after re-seeding")
    k.expect.different(other["sample_014_normal"], first["sample_014_normal"], "draw after another seed")
    k.expect.different(other["sample_014_flip"], first["sample_014_flip"], "flips after another seed")


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
