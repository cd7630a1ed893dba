"""PLATE: sequential plates, which are iterated over."""

from __future__ import annotations

import contextlib

from twofold_conformance.laws._tools import Interrupted, expect_clean, full, interrupt
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _observe(k: Kit, name: str) -> None:
    k.ppl.sample(name, k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))


@clause("PLATE-060")
def loop_yields_ints_in_order(k: Kit) -> None:
    turns = k.run(lambda: list(k.ppl.plate("rows", 4))).value
    k.expect.equal(turns, [0, 1, 2, 3], "turns of a sequential plate of 4")
    k.expect.equal({type(turn) for turn in turns}, {int}, "types of the turns")


@clause("PLATE-061", needs=("plate.subsample",))
def loop_over_a_batch(k: Kit) -> None:
    for seed in range(4):
        turns = k.run(lambda: list(k.ppl.plate("rows", 6, subsample_size=3)), seed=seed).value
        k.expect.equal(len(set(turns)), 3, f"number of different turns in {turns}")
        k.expect.true(set(turns) <= set(range(6)), "turns lie in range(6)", seen=turns)
        k.expect.equal({type(turn) for turn in turns}, {int}, "types of the turns")


@clause("PLATE-062", needs=("plate.subsample",))
def loop_scales_its_sites(k: Kit) -> None:
    def model() -> None:
        for turn in k.ppl.plate("rows", 8, subsample_size=2):
            _observe(k, f"height_{turn}")
        _observe(k, "after")

    run = k.run(model)
    inside = [site for name, site in run.sites.items() if name.startswith("height")]
    k.expect.equal(len(inside), 2, "number of sites in the loop")
    for site in inside:
        k.expect.close(site.scale, 4.0, f"scale of {site.name}")
    k.expect.close(run.sites["after"].scale, 1.0, "scale of a site after the loop")
    k.expect.close(run.log_density, 9 * densities.normal(0.5), "joint log density")


@clause("PLATE-063", case="whole plate")
def loop_equals_vectorised_form(k: Kit) -> None:
    data = [0.3, -1.2, 2.0]

    def loop() -> None:
        for turn in k.ppl.plate("rows", 3):
            k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0), obs=k.xp.array(data[turn]))

    def vectorised() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(data))

    for model in (loop, vectorised):
        k.expect.close(k.run(model).log_density, densities.normal(data).sum(), f"joint log density, {model.__name__}")


@clause("PLATE-063", case="same batch", needs=("plate.custom_subsample",))
def loop_equals_vectorised_form_on_a_batch(k: Kit) -> None:
    data, batch = [0.3, -1.2, 2.0, 0.7], [2, 0]

    def loop() -> None:
        for turn in k.ppl.plate("rows", 4, subsample=k.xp.array(batch)):
            k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0), obs=k.xp.array(data[int(turn)]))

    def vectorised() -> None:
        with k.ppl.plate("rows", 4, subsample=k.xp.array(batch)) as ind:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(data)[ind])

    expected = 2.0 * densities.normal([data[2], data[0]]).sum()
    for model in (loop, vectorised):
        k.expect.close(k.run(model).log_density, expected, f"joint log density, {model.__name__}")


@clause("PLATE-064")
def loop_allocates_no_dim(k: Kit) -> None:
    def model() -> None:
        for turn in k.ppl.plate("rows", 2):
            k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0))
            with k.ppl.plate(f"columns_{turn}", 3):
                k.ppl.sample(f"weight_{turn}", k.dist.Normal(0.0, 1.0))

    sites = k.run(model).sites
    for turn in range(2):
        k.expect.shape(sites[f"height_{turn}"].value, (), "site in the loop")
        k.expect.shape(sites[f"weight_{turn}"].value, (3,), "site in a vectorised plate in the loop")
        dims = {plate.name: plate.dim for plate in sites[f"weight_{turn}"].plates}
        k.expect.equal(dims, {"rows": None, f"columns_{turn}": -1}, "dims of the two plates")


@clause("PLATE-065")
def turns_carry_a_counter(k: Kit) -> None:
    def model() -> None:
        for turn in k.ppl.plate("rows", 3):
            k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0))

    frames = [plate for site in k.run(model).sites.values() for plate in site.plates]
    k.expect.equal([plate.name for plate in frames], ["rows"] * 3, "plates around the sites of the loop")
    k.expect.equal(len({plate.counter for plate in frames}), 3, f"number of different counters in {frames}")


@clause("PLATE-066", case="context, then loop")
def loop_over_a_plate_used_as_context(k: Kit) -> None:
    def model() -> None:
        rows = k.ppl.plate("rows", 2)
        with rows:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        for turn in rows:
            k.ppl.sample(f"weight_{turn}", k.dist.Normal(0.0, 1.0))

    k.expect.raises(lambda: k.run(model), "iterating over a plate that was entered before", kinds=["ValueError"])


@clause("PLATE-066", case="loop, then context")
def context_of_a_plate_used_as_loop(k: Kit) -> None:
    def model() -> None:
        rows = k.ppl.plate("rows", 2)
        for turn in rows:
            k.ppl.sample(f"weight_{turn}", k.dist.Normal(0.0, 1.0))
        with rows:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    k.expect.raises(lambda: k.run(model), "entering a plate that was iterated over before", kinds=["ValueError"])


@clause("PLATE-067", needs=("plate.subsample",))
def loop_inside_a_vectorised_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("columns", 6, subsample_size=2):
            for turn in k.ppl.plate("rows", 8, subsample_size=2):
                k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0), obs=full(k, 0.5, 2))

    run = k.run(model)
    inside = [site for name, site in run.sites.items() if name.startswith("height")]
    k.expect.equal(len(inside), 2, "number of sites in the loop")
    for site in inside:
        k.expect.shape(site.log_prob, (2,), f"log density of {site.name}")
        k.expect.close(site.scale, 12.0, f"scale of {site.name}")
    k.expect.close(run.log_density, 48 * densities.normal(0.5), "joint log density")


@clause("PLATE-068")
def break_leaves_nothing_active(k: Kit) -> None:
    def model() -> None:
        for turn in k.ppl.plate("rows", 4):
            k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0))
            break
        k.ppl.sample("after", k.dist.Normal(0.0, 1.0))

    run = k.run(model)
    k.expect.equal(run.sites["after"].plates, (), "plates around a site after a broken loop")
    expect_clean(k)


@clause("PLATE-084", case="kept iterator of a loop", needs=("plate.sequential", "plate.subsample"))
def kept_iterator_does_not_reach_the_next_run(k: Kit) -> None:
    kept = []

    def model() -> None:
        walk = iter(k.ppl.plate("rows", 4, subsample_size=2))
        kept.append(walk)
        turn = next(walk)
        k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0))

    k.trace(model)
    expect_clean(k)
    kept.clear()
    expect_clean(k)


@clause("PLATE-069")
def exception_leaves_nothing_active(k: Kit) -> None:
    def model() -> None:
        with contextlib.suppress(Interrupted):
            for turn in k.ppl.plate("rows", 4):
                k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0))
                raise Interrupted
        k.ppl.sample("after", k.dist.Normal(0.0, 1.0))

    k.expect.equal(k.run(model).sites["after"].plates, (), "plates around a site after a loop that raised")
    expect_clean(k)


@clause("PLATE-069", case="caught outside the run")
def exception_ends_the_run(k: Kit) -> None:
    def model() -> None:
        for _ in k.ppl.plate("rows", 4):
            raise Interrupted

    interrupt(k, lambda: k.trace(model))
    expect_clean(k)


@clause("PLATE-070")
def plate_with_a_dim_cannot_be_iterated(k: Kit) -> None:
    k.expect.raises(
        lambda: k.call(lambda: list(k.ppl.plate("rows", 3, dim=-2))), "iterating over dim -2", kinds=["ValueError"]
    )


@clause("PLATE-071")
def stateless_plate_cannot_be_iterated(k: Kit) -> None:
    k.expect.raises(lambda: k.call(lambda: list(k.ppl.plate("rows", 3))), "iterating over a plate", kinds=["TypeError"])
