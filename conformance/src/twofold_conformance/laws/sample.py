"""SAMPLE: what the sample statement draws or takes, from which function and with which randomness."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


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
