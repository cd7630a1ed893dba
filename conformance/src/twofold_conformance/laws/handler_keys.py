"""HANDLER: seed, and block."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from twofold_conformance.laws._tools import Interrupted, seeded, small_model
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("HANDLER-030")
def seeds_decide(k: Kit) -> None:
    def model() -> Any:
        return [k.ppl.sample(name, k.dist.Normal(0.0, 1.0)) for name in ("height", "weight")]

    def values(rng_seed: Any, outer: Any) -> Any:
        run = k.run(k.handler("seed", model, rng_seed=rng_seed), seed=outer)
        return [float(site.value) for site in run.sites.values()]

    k.expect.equal(values(3, 1), values(3, 2), "values with equal seeds")
    k.expect.different(values(3, 1), values(4, 1), "values with different seeds")


@clause("HANDLER-031", case="after a run")
def seed_restores_the_generator(k: Kit) -> None:
    def program(seeding: Any) -> Any:
        first = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        if seeding:
            with k.handler("seed", rng_seed=7):
                k.ppl.sample("width", k.dist.Normal(0.0, 1.0))
        return first, k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    for plain, seeded_ in zip(k.call(program, False, seed=1), k.call(program, True, seed=1), strict=True):
        k.expect.equal(k.numpy(seeded_), k.numpy(plain), "draw around a seed handler")


@clause("HANDLER-031", case="after an exception")
def seed_restores_the_generator_after_an_exception(k: Kit) -> None:
    def program(seeding: Any) -> Any:
        if seeding:
            with contextlib.suppress(Interrupted), k.handler("seed", rng_seed=7):
                k.ppl.sample("width", k.dist.Normal(0.0, 1.0))
                raise Interrupted
        return k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    k.expect.equal(
        k.numpy(k.call(program, True, seed=1)),
        k.numpy(k.call(program, False, seed=1)),
        "draw after a failed seeded body",
    )


@clause("HANDLER-032")
def each_site_has_its_own_key(k: Kit) -> None:
    def model() -> Any:
        return [k.ppl.sample(name, k.dist.Normal(0.0, 1.0)) for name in ("height", "weight", "width")]

    values = {float(k.numpy(value)) for value in k.call(seeded(k, model), seed=None)}
    k.expect.equal(len(values), 3, "number of different draws")


@clause("HANDLER-033")
def kinds_of_seeds(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    expected = k.numpy(k.call(k.handler("seed", model, rng_seed=3), seed=None))
    for rng_seed in (k.xp.array(3), k.xp.key(3)):
        value = k.call(k.handler("seed", model, rng_seed=rng_seed), seed=None)
        k.expect.equal(k.numpy(value), expected, f"draw with the seed {rng_seed!r}")


def _draw_with(k: Kit, model: Callable[..., Any], rng_seed: Any) -> Any:
    return k.call(k.handler("seed", model, rng_seed=rng_seed), seed=None)


@clause("HANDLER-034")
def seeds_of_another_type(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    for rng_seed in ("three", 1.5):
        k.expect.raises(
            partial(_draw_with, k, model, rng_seed),
            f"seed {rng_seed!r}",
        )


@clause("HANDLER-035")
def seed_as_context_gives_the_same_draws(k: Kit) -> None:
    def model() -> Any:
        return [k.ppl.sample(name, k.dist.Normal(0.0, 1.0)) for name in ("height", "weight")]

    def program() -> Any:
        with k.handler("seed", rng_seed=3):
            return model()

    expected = k.call(k.handler("seed", model, rng_seed=3), seed=None)
    for value, plain in zip(k.call(program, seed=None), expected, strict=True):
        k.expect.equal(k.numpy(value), k.numpy(plain), "draw inside a seed context")


@clause("HANDLER-036")
def seeded_function_called_twice(k: Kit) -> None:
    k.expect.contains(("A", "B"), k.choice, "declared alternative")
    model = seeded(k, lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0)), 3)
    first, second = (float(k.numpy(k.call(model, seed=None))) for _ in range(2))
    k.expect.equal(first == second, k.choice == "A", f"the second call repeats the first, alternative {k.choice}")


@clause("HANDLER-037")
def inner_seed_decides(k: Kit) -> None:
    def model() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    alone = k.numpy(k.call(seeded(k, model, 3), seed=None))
    for outer in (1, 2):
        nested = seeded(k, seeded(k, model, 3), outer)
        k.expect.equal(k.numpy(k.call(nested, seed=None)), alone, f"draw inside seed 3 inside seed {outer}")


@clause("HANDLER-038")
def keys_of_sites_that_draw_nothing(k: Kit) -> None:
    k.expect.contains(("A", "B"), k.choice, "declared alternative")

    def model(obs: Any) -> Any:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=obs)
        return k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    drawn, observed = (float(k.numpy(k.call(model, obs))) for obs in (None, k.xp.array(0.5)))
    k.expect.equal(drawn == observed, k.choice == "B", f"a later draw is the same, alternative {k.choice}")
    substituted = k.handler("substitute", model, data={"height": k.xp.array(0.5)})
    later = float(k.numpy(k.call(substituted, None)))
    k.expect.equal(drawn == later, k.choice == "B", f"the same with a substituted site, alternative {k.choice}")


@clause("HANDLER-039", needs=("plate.subsample",))
def seed_leaves_hidden_types(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 1000, subsample_size=3) as ind:
            return ind, k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    def hiding(rng_seed: Any) -> Any:
        return k.handler("seed", model, rng_seed=rng_seed, hide_types=["plate"])

    k.expect.raises(lambda: k.call(hiding(3), seed=None), "a subsampled plate whose key is hidden")
    (batch, height), (other_batch, other_height) = (k.call(hiding(rng_seed), seed=0) for rng_seed in (3, 4))
    k.expect.equal(k.numpy(other_batch), k.numpy(batch), "indices, which only the outer seed may decide")
    k.expect.different(k.numpy(other_height), k.numpy(height), "draws, which the inner seed decides")


@clause("HANDLER-065")
def block_hides_everything(k: Kit) -> None:
    plain, blocked = k.run(small_model(k), seed=3), k.run(k.handler("block", small_model(k)), seed=3)
    k.expect.equal(list(blocked.sites), [], "sites outside the block")
    k.expect.close(blocked.log_density, 0.0, "joint log density outside the block")
    k.expect.close(k.numpy(blocked.value), k.numpy(plain.value), "result of the blocked model")


@clause("HANDLER-065", case="outer handlers do not act", needs=("handler.condition",))
def block_keeps_outer_handlers_out(k: Kit) -> None:
    blocked = k.handler("block", small_model(k))
    conditioned = k.handler("condition", blocked, data={"height": k.xp.array(1000.0)})
    k.expect.close(
        k.numpy(k.run(conditioned).value), 1.0, "value of a hidden site that an outer handler names", atol=20.0
    )


@clause("HANDLER-066")
def block_by_name(k: Kit) -> None:
    cases: dict[str, dict[str, Any]] = {
        "hide": {"hide": ["height"]},
        "expose": {"expose": ["loc", "weight"]},
        "hide_fn": {"hide_fn": lambda site: site.get("name") == "height"},
    }
    for how, settings in cases.items():
        sites = k.run(k.handler("block", small_model(k), **settings)).sites
        k.expect.equal(list(sites), ["loc", "weight"], f"sites outside block({how})")


@clause("HANDLER-067")
def block_exposes_types(k: Kit) -> None:
    sites = k.run(k.handler("block", small_model(k), expose_types=["param"])).sites
    k.expect.equal(list(sites), ["loc"], "sites outside block(expose_types=['param'])")
    if k.stateful:
        sites = k.run(k.handler("block", small_model(k), hide_types=["param"])).sites
        k.expect.equal(list(sites), ["height", "weight"], "sites outside block(hide_types=['param'])")


@clause("HANDLER-068", needs=("handler.condition",))
def handlers_inside_the_block_act(k: Kit) -> None:
    inside = k.handler("condition", small_model(k), data={"height": k.xp.array(4.0)})
    run = k.run(k.handler("block", inside))
    k.expect.close(k.numpy(run.value), 4.0, "value that a handler inside the block set")
    k.expect.equal(list(run.sites), [], "sites outside the block")


@clause("HANDLER-069")
def hidden_and_exposed_at_once(k: Kit) -> None:
    def program() -> Any:
        return k.run(k.handler("block", small_model(k), hide=["height"], expose=["height", "loc"]))

    if k.stateful:
        k.expect.raises(program, "a name both hidden and exposed")
    else:
        k.expect.true("height" not in program().sites, "a name both hidden and exposed is hidden")


@clause("HANDLER-070")
def seed_outside_a_block_reaches_inside(k: Kit) -> None:
    blocked = k.handler("block", small_model(k))
    first, again, other = (k.numpy(k.call(blocked, seed=seed)) for seed in (3, 3, 4))
    k.expect.equal(again, first, "draw of a hidden site with the same outer seed")
    k.expect.different(other, first, "draw of a hidden site with another outer seed")
