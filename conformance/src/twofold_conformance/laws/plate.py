"""PLATE: whole plates, their dims and the sites inside."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.laws._tools import (
    dims,
    full,
    ones,
    sizes,
)
from twofold_conformance.oracles import densities
from twofold_conformance.oracles.plates import dims_of, random_nests, scale_of, shape_of
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("PLATE-001", case="inside a run")
def plate_yields_range(k: Kit) -> None:
    def model(size: Any) -> Any:
        with k.ppl.plate("rows", size) as ind:
            return ind

    for size in (1, 5):
        ind = k.run(model, size).value
        k.expect.true(k.xp.is_array(ind), "the plate yields an array of the framework", seen=type(ind))
        k.expect.contains("iu", k.numpy(ind).dtype.kind, "kind of the indices' dtype")
        k.expect.equal(k.numpy(ind), np.arange(size), f"indices of a plate of {size}")


@clause("PLATE-001", case="outside every handler")
def bare_plate_yields_range(k: Kit) -> None:
    def program() -> Any:
        with k.ppl.plate("rows", 4) as ind:
            return ind

    k.expect.equal(k.numpy(k.call(program, seed=None)), np.arange(4), "indices of a plate outside every handler")


@clause("PLATE-002")
def whole_plate_has_scale_one(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("latent", k.dist.Normal(0.0, 1.0))
            k.ppl.sample("seen", k.dist.Normal(0.0, 1.0), obs=ones(k, 3))

    run = k.run(model)
    for name in ("latent", "seen"):
        site = run.sites[name]
        k.expect.close(site.scale, 1.0, f"scale of {name}")
        k.expect.close(site.log_prob, densities.normal(site.value), f"log density of {name}")


@clause("PLATE-020", case="whole plate")
def plate_leaves_one_site(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 4) as ind:
            pass
        return ind

    run = k.run(model)
    k.expect.equal(list(run.sites), ["rows"], "sites of the run")
    site = run.sites["rows"]
    k.expect.equal(site.kind, "plate", "kind of the plate's site")
    k.expect.equal(k.numpy(site.value), k.numpy(run.value), "value of the plate's site")
    k.expect.close(0.0 if site.log_prob is None else np.sum(site.log_prob), 0.0, "log density of the plate's site")
    k.expect.close(run.log_density, 0.0, "joint log density")


@clause("PLATE-020", case="subsampled plate", needs=("plate.subsample",))
def subsampled_plate_leaves_one_site(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("rows", 6, subsample_size=2) as ind:
            return ind

    run = k.run(model)
    site = run.sites["rows"]
    k.expect.equal(site.kind, "plate", "kind of the plate's site")
    k.expect.equal(k.numpy(site.value), k.numpy(run.value), "value of the plate's site")
    k.expect.close(run.log_density, 0.0, "joint log density")


@clause("PLATE-021", modes=("default", "validation_off"))
def two_active_plates_of_one_name(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 2), k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    k.expect.raises(lambda: k.run(model), "two active plates called 'rows'", names=["rows"])


@clause("PLATE-022")
def two_plates_of_one_name_in_turn(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        with k.ppl.plate("rows", 4):
            k.ppl.sample("weight", k.dist.Normal(0.0, 1.0))

    k.expect.raises(lambda: k.run(model), "two plates called 'rows' in one run", names=["rows"])


@clause("PLATE-023")
def outermost_plate_has_last_dim(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    k.expect.equal(dims(k.run(model).sites["height"]), {"rows": -1}, "dim of the only plate")


@clause("PLATE-024")
def nested_plates_go_left(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("outer", 2), k.ppl.plate("middle", 3), k.ppl.plate("inner", 4):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["height"]
    k.expect.equal(dims(site), {"outer": -1, "middle": -2, "inner": -3}, "dims of three nested plates")
    k.expect.shape(site.value, (4, 3, 2), "value inside three nested plates")


@clause("PLATE-024", case="random nests of plates")
def random_nests_agree_with_the_algebra(k: Kit) -> None:
    subsampling = "plate.subsample" in k.adapter.capabilities
    for nest in random_nests(20 if k.stateful else 4, seed=20):
        explicit = [spec for spec in nest if subsampling or spec.length == spec.size]
        left = (2, *(1 for _ in shape_of(explicit))) if len(nest) % 2 else ()

        def model(nest: Any = explicit, batch: Any = left) -> None:
            with contextlib.ExitStack() as stack:
                for spec in nest:
                    extra = {"subsample_size": spec.length} if spec.length < spec.size else {}
                    stack.enter_context(k.ppl.plate(spec.name, spec.size, dim=spec.dim, **extra))
                k.ppl.sample("height", k.dist.Normal(full(k, 0.0, *batch), 1.0))

        if not explicit or len(set(dims_of(explicit))) < len(explicit):
            continue
        site = k.run(model).sites["height"]
        expected = dict(zip([spec.name for spec in explicit], dims_of(explicit), strict=True))
        k.expect.equal(dims(site), expected, f"dims of {explicit}", hint="the rightmost free dim, from the outside in")
        k.expect.shape(site.value, shape_of(explicit, left), f"value of batch {left} inside {explicit}")
        k.expect.close(site.scale, scale_of(explicit), f"scale inside {explicit}")
        expected_density = scale_of(explicit) * densities.normal(site.value)
        k.expect.close(site.log_prob, expected_density, f"log density inside {explicit}", rtol=1e-3)


@clause("PLATE-025")
def dim_beside_an_explicit_one(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("outer", 2, dim=-2), k.ppl.plate("inner", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    readings = {"A": -3, "B": -1}
    k.expect.contains(readings, k.choice, "declared reading of the next free dim")
    site = k.run(model).sites["height"]
    k.expect.equal(dims(site)["inner"], readings[k.choice], f"dim of the inner plate, reading {k.choice}")


@clause("PLATE-026")
def explicit_dims_commute(k: Kit) -> None:
    def across() -> Any:
        with k.ppl.plate("x_axis", 3, dim=-1), k.ppl.plate("y_axis", 2, dim=-2):
            return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    def down() -> Any:
        with k.ppl.plate("y_axis", 2, dim=-2), k.ppl.plate("x_axis", 3, dim=-1):
            return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    for model in (across, down):
        site = k.run(model).sites["height"]
        k.expect.shape(site.value, (2, 3), f"value, plates entered {model.__name__}")
        k.expect.equal(dims(site), {"x_axis": -1, "y_axis": -2}, f"dims, plates entered {model.__name__}")


@clause("PLATE-027")
def explicit_dim_pads_with_ones(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 4, dim=-3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (4, 1, 1), "value of a scalar site in a plate at dim -3")
    k.expect.shape(site.log_prob, (4, 1, 1), "log density of a scalar site in a plate at dim -3")


@clause("PLATE-028", modes=("default", "validation_off"))
def dim_must_be_negative(k: Kit) -> None:
    for dim in (0, 1):

        def model(dim: Any = dim) -> None:
            with k.ppl.plate("rows", 3, dim=dim):
                pass

        k.expect.raises(partial(k.call, model), f"plate at dim {dim}", kinds=["ValueError"])


@clause("PLATE-029", case="built inside", modes=("default", "validation_off"))
def dim_collision_inside(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 2, dim=-1), k.ppl.plate("columns", 2, dim=-1):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    names = ["rows", "columns", "-1"] if k.stateful else []
    k.expect.raises(lambda: k.run(model), "a second plate at dim -1", names=names)


@clause("PLATE-029", case="built first", modes=("default", "validation_off"))
def dim_collision_of_plates_built_first(k: Kit) -> None:
    def model() -> None:
        rows, columns = k.ppl.plate("rows", 2, dim=-2), k.ppl.plate("columns", 2, dim=-2)
        with rows, columns:
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    names = ["rows", "columns", "-2"] if k.stateful else []
    k.expect.raises(lambda: k.run(model), "a second plate at dim -2", names=names)


@clause("PLATE-032")
def example_of_the_page(k: Kit) -> None:
    def model() -> None:
        x_axis = k.ppl.plate("outer", 320, dim=-1)
        y_axis = k.ppl.plate("inner", 200, dim=-2)
        with x_axis:
            k.ppl.sample("x_noise", k.dist.Normal(0.0, 1.0))
        with y_axis:
            k.ppl.sample("y_noise", k.dist.Normal(0.0, 1.0))
        with x_axis, y_axis:
            k.ppl.sample("xy_noise", k.dist.Normal(0.0, 1.0))

    sites = k.run(model).sites
    for name, shape in {"x_noise": (320,), "y_noise": (200, 1), "xy_noise": (200, 320)}.items():
        k.expect.shape(sites[name].value, shape, name)


@clause("PLATE-049")
def sites_list_their_plates(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("free", k.dist.Normal(0.0, 1.0))
        with k.ppl.plate("outer", 2):
            k.ppl.sample("once", k.dist.Normal(0.0, 1.0))
            with k.ppl.plate("inner", 3):
                k.ppl.sample("twice", k.dist.Normal(0.0, 1.0))

    sites = k.run(model).sites
    k.expect.equal(sites["free"].plates, (), "plates around a site outside")
    k.expect.equal(dims(sites["once"]), {"outer": -1}, "dims around a site in one plate")
    k.expect.equal(dims(sites["twice"]), {"outer": -1, "inner": -2}, "dims around a site in two plates")
    k.expect.equal(sizes(sites["twice"]), {"outer": 2, "inner": 3}, "lengths around a site in two plates")


@clause("PLATE-049", case="outermost first")
def sites_list_their_plates_outermost_first(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("outer", 2, dim=-1), k.ppl.plate("middle", 3, dim=-3), k.ppl.plate("inner", 4, dim=-2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    seen = [plate.name for plate in k.run(model).sites["height"].plates]
    k.expect.equal(seen, ["outer", "middle", "inner"], "names of the plates, in the order of entering")


@clause("PLATE-049", case="subsampled", needs=("plate.subsample",))
def sites_list_the_length_of_the_batch(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 6, subsample_size=2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    k.expect.equal(sizes(k.run(model).sites["height"]), {"rows": 2}, "length of a subsampled plate")


@clause("PLATE-050")
def plate_stack_equals_nested_plates(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate_stack("axis", (3, 2)):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (3, 2), "value inside plate_stack of (3, 2)")
    k.expect.equal(dims(site), {"axis_1": -2, "axis_0": -1}, "dims inside plate_stack")
    k.expect.equal(sizes(site), {"axis_1": 3, "axis_0": 2}, "lengths inside plate_stack")


@clause("PLATE-051", modes=("default", "validation_off"))
def size_must_be_positive(k: Kit) -> None:
    for size in (0, -1, -3):

        def model(size: Any = size) -> None:
            with k.ppl.plate("rows", size):
                k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

        k.expect.raises(partial(k.run, model), f"plate of size {size}")


@clause("PLATE-055")
def size_must_be_an_integer(k: Kit) -> None:
    k.expect.raises(
        lambda: k.call(lambda: k.ppl.plate("rows", 2.5)), "plate of size 2.5", kinds=["TypeError", "ValueError"]
    )
