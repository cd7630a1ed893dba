"""PLATE: entering and leaving plates: again, one after another, in threes, by exceptions, by abandoned generators."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

import numpy as np

from twofold_conformance.laws._tools import (
    Interrupted,
    dims,
    expect_clean,
    interrupt,
)
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("PLATE-030")
def siblings_share_a_dim(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        with k.ppl.plate("columns", 3):
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    run = k.run(model)
    k.expect.equal(dims(run.sites["height"]), {"rows": -1}, "dim of the first plate")
    k.expect.equal(dims(run.sites["weight"]), {"columns": -1}, "dim of the plate after it")
    k.expect.shape(run.sites["weight"].value, (3,), "value in the second plate")


@clause("PLATE-031", case="caught inside the model")
def dim_is_freed_by_an_exception(k: Kit) -> None:
    def model() -> None:
        with contextlib.suppress(Interrupted), k.ppl.plate("rows", 2):
            raise Interrupted
        with k.ppl.plate("columns", 3):
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["weight"]
    k.expect.equal(dims(site), {"columns": -1}, "plates after one whose body raised")


@clause("PLATE-031", case="caught outside the run")
def dim_is_freed_when_the_run_raises(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 2), k.ppl.plate("columns", 3):
            raise Interrupted

    interrupt(k, lambda: k.trace(model))
    expect_clean(k)


@clause("PLATE-033", case="whole plate")
def plate_is_reusable(k: Kit) -> None:
    def model() -> Any:
        rows = k.ppl.plate("rows", 3)
        with rows as first:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        with rows as second:
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))
        return first, second

    run = k.run(model)
    for ind in run.value:
        k.expect.equal(k.numpy(ind), np.arange(3), "indices of a plate entered twice")
    for name in ("height", "weight"):
        k.expect.shape(run.sites[name].value, (3,), name)
        k.expect.equal(dims(run.sites[name]), {"rows": -1}, f"plates around {name}")


@clause("PLATE-033", case="subsampled plate", needs=("plate.subsample",))
def subsampled_plate_repeats_its_batch(k: Kit) -> None:
    def model() -> Any:
        rows = k.ppl.plate("rows", 100, subsample_size=3)
        batches = []
        for turn in range(3):
            with rows as ind:
                k.ppl.sample(f"height_{turn}", k.dist.Normal(0.0, 1.0))
                batches.append(ind)
        return batches

    run = k.run(model)
    first, *others = (k.numpy(ind) for ind in run.value)
    for other in others:
        k.expect.equal(other, first, "indices of a subsampled plate entered again")
    for turn in range(3):
        k.expect.close(run.sites[f"height_{turn}"].scale, 100 / 3, f"scale at entry {turn}")


@clause("PLATE-034", case="sizes 2 and 3")
def plates_built_before_they_are_nested(k: Kit) -> None:
    def model() -> None:
        outer, inner = k.ppl.plate("outer", 2), k.ppl.plate("inner", 3)
        with outer:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
            with inner:
                k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    sites = k.run(model).sites
    k.expect.shape(sites["height"].value, (2,), "site in the outer plate")
    k.expect.shape(sites["weight"].value, (3, 2), "site in both plates", hint="allocate the dim on entry")
    k.expect.equal(dims(sites["weight"]), {"outer": -1, "inner": -2}, "dims of plates built before they are nested")


@clause("PLATE-034", case="equal sizes")
def equal_plates_built_before_they_are_nested(k: Kit) -> None:
    def model() -> None:
        outer, inner = k.ppl.plate("outer", 2), k.ppl.plate("inner", 2)
        with outer, inner:
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["weight"]
    k.expect.shape(site.value, (2, 2), "site in two plates of one size", hint="allocate the dim on entry")


@clause("PLATE-035")
def reentry_where_the_dim_is_taken(k: Kit) -> None:
    for size in (2, 3):

        def model(size: Any = size) -> None:
            columns = k.ppl.plate("columns", size)
            with columns:
                k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))
            with k.ppl.plate("rows", 2), columns:
                k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

        try:
            site = k.run(model).sites["height"]
        except Exception:  # refusing is one of the two right answers
            continue
        k.expect.shape(site.value, (size, 2), "value in a plate re-entered inside another", hint="or raise")


@clause("PLATE-036", modes=("default", "validation_off"))
def entering_an_active_plate(k: Kit) -> None:
    def model() -> None:
        rows = k.ppl.plate("rows", 2)
        with rows, rows:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    k.expect.raises(lambda: k.run(model), "a plate entered inside itself")
    expect_clean(k)


@clause("PLATE-084", case="closed half-way")
def abandoned_generator_frees_its_dim(k: Kit) -> None:
    def rows() -> Generator[int, None, None]:
        with k.ppl.plate("rows", 3):
            yield 1
            yield 2

    def model() -> None:
        walk = rows()
        next(walk)
        walk.close()
        with k.ppl.plate("columns", 2):
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    k.expect.equal(dims(k.run(model).sites["weight"]), {"columns": -1}, "plates after a closed generator")


@clause("PLATE-084", case="still alive after the run")
def living_generator_does_not_reach_the_next_run(k: Kit) -> None:
    def rows() -> Generator[int, None, None]:
        with k.ppl.plate("rows", 3):
            yield 1
            yield 2

    walk = rows()
    try:
        k.trace(lambda: next(walk))
        expect_clean(k)
        walk.close()
        expect_clean(k)
    finally:
        with contextlib.suppress(Exception):
            walk.close()
