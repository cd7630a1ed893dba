"""PLATE: the shapes of sites inside vectorised plates, and of what is observed there."""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_conformance.laws._tools import (
    dims,
    full,
    ones,
)
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("PLATE-037")
def scalar_law_is_drawn_for_every_row(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (5,), "value of a scalar law in a plate of 5")
    k.expect.shape(site.log_prob, (5,), "log density of a scalar law in a plate of 5")
    k.expect.equal(np.unique(site.value).size, 5, "number of different draws")


@clause("PLATE-038", case="batch (n,)")
def batch_of_the_plate_is_kept(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(k.xp.array([0.0, 10.0, 20.0]), 0.1))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (3,), "value of batch (3,) in a plate of 3")
    k.expect.close(site.value, [0.0, 10.0, 20.0], "value of batch (3,) in a plate of 3", atol=2.0)
    k.expect.close(site.log_prob, densities.normal(site.value, [0.0, 10.0, 20.0], 0.1), "log density", rtol=1e-3)


@clause("PLATE-038", case="batch (1,)")
def batch_of_one_is_expanded(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(k.xp.array([0.0]), 1.0))

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (3,), "value of batch (1,) in a plate of 3")
    k.expect.equal(np.unique(site.value).size, 3, "number of different draws")


@clause("PLATE-039")
def batch_that_does_not_fit(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(k.xp.array([0.0, 0.0, 0.0]), 1.0))

    k.expect.raises(lambda: k.trace(model), "batch (3,) in a plate of 5", names=["height", "rows"])


@clause("PLATE-040")
def batch_larger_than_a_plate_of_one(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 1):
            k.ppl.sample("height", k.dist.Normal(k.xp.array([0.0, 0.0, 0.0]), 1.0))

    k.expect.raises(lambda: k.run(model), "batch (3,) in a plate of 1")


@clause("PLATE-041", case="(5, 1) at dim -1")
def batch_dims_left_of_the_plate_survive(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3, dim=-1):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 5, 1), 1.0))

    k.expect.shape(k.run(model).sites["height"].value, (5, 3), "batch (5, 1) in a plate of 3 at dim -1")


@clause("PLATE-041", case="(3,) at dim -2")
def batch_dims_right_of_the_plate_survive(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 4, dim=-2):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 3), 1.0))

    k.expect.shape(k.run(model).sites["height"].value, (4, 3), "batch (3,) in a plate of 4 at dim -2")


@clause("PLATE-042")
def event_dims_do_not_count(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            law = k.dist.MultivariateNormal(
                k.xp.array([0.0, 0.0]), covariance_matrix=k.xp.array([[1.0, 0.0], [0.0, 1.0]])
            )
            k.ppl.sample("pair", law)

    site = k.run(model).sites["pair"]
    k.expect.shape(site.value, (3, 2), "value of a 2-vector law in a plate of 3")
    k.expect.close(site.log_prob, densities.normal(site.value).sum(-1), "log density of a 2-vector law in a plate of 3")


@clause("PLATE-044")
def sample_shape_inside_a_plate(k: Kit) -> None:
    def model(length: Any) -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), sample_shape=(length,))

    k.expect.shape(k.run(model, 3).sites["height"].value, (3,), "sample_shape (3,) in a plate of 3")
    k.expect.raises(lambda: k.run(model, 2), "sample_shape (2,) in a plate of 3")


@clause("PLATE-045")
def observed_rows(k: Kit) -> None:
    data = [0.5, -1.0, 2.0]

    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(1.0, 2.0), obs=k.xp.array(data))

    run = k.run(model)
    k.expect.close(run.sites["height"].log_prob, densities.normal(data, 1.0, 2.0), "log density of each row")
    k.expect.close(run.log_density, densities.normal(data, 1.0, 2.0).sum(), "joint log density")


@clause("PLATE-046")
def scalar_observation_counts_for_every_row(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 4):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(1.5))

    run = k.run(model)
    k.expect.close(run.log_density, 4 * densities.normal(1.5), "joint log density of a scalar obs in a plate of 4")
    k.expect.close(run.sites["height"].log_prob, densities.normal([1.5] * 4), "log density of each row")


@clause("PLATE-047")
def observation_of_a_wrong_length(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 3))

    k.expect.raises(lambda: k.run(model), "obs of length 3 in a plate of 5")


@clause("PLATE-082")
def sites_of_a_helper_are_inside(k: Kit) -> None:
    def helper() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    def model() -> Any:
        with k.ppl.plate("rows", 3):
            return helper()

    site = k.run(model).sites["height"]
    k.expect.shape(site.value, (3,), "site of a function called inside a plate")
    k.expect.equal(dims(site), {"rows": -1}, "plates around the site of a function called inside")


@clause("PLATE-080", case="mask", needs=("handler.mask",))
def mask_commutes_with_plates(k: Kit) -> None:
    mask, data = [True, False, True], [0.5, -1.0, 2.0]

    def observe() -> Any:
        return k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(data))

    def inside() -> None:
        with k.ppl.plate("rows", 3), k.handler("mask", mask=k.xp.array(mask)):
            observe()

    def outside() -> None:
        with k.handler("mask", mask=k.xp.array(mask)), k.ppl.plate("rows", 3):
            observe()

    for model in (inside, outside):
        expected = np.where(mask, densities.normal(data), 0.0).sum()
        k.expect.close(k.run(model).log_density, expected, f"joint log density, mask {model.__name__} the plate")


@clause("PLATE-080", case="scale, subsampled plate", needs=("plate.subsample", "handler.scale"))
def scale_commutes_with_plates(k: Kit) -> None:
    def inside() -> None:
        with k.ppl.plate("rows", 6, subsample_size=2), k.handler("scale", scale=5.0):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 2))

    def outside() -> None:
        with k.handler("scale", scale=5.0), k.ppl.plate("rows", 6, subsample_size=2):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 2))

    for model in (inside, outside):
        expected = 5.0 * 3.0 * densities.normal([1.0, 1.0]).sum()
        k.expect.close(k.run(model).log_density, expected, f"joint log density, scale {model.__name__} the plate")


@clause("PLATE-080", case="condition", needs=("handler.condition",))
def condition_commutes_with_plates(k: Kit) -> None:
    data = {"height": k.xp.array([0.5, -1.0, 2.0])}

    def inside() -> None:
        with k.ppl.plate("rows", 3), k.handler("condition", data=data):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    def outside() -> None:
        with k.handler("condition", data=data), k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    for model in (inside, outside):
        run = k.run(model)
        expected = densities.normal([0.5, -1.0, 2.0]).sum()
        k.expect.close(run.log_density, expected, f"joint log density, condition {model.__name__} the plate")
        k.expect.equal(run.sites["height"].kind, "observed", "kind of the conditioned site")


@clause("PLATE-083", case="column in a plate", modes=("default", "validation_off"))
def column_against_a_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 5, 1))

    k.expect.raises(
        lambda: k.run(model),
        "obs of shape (5, 1) in a plate of 5",
        names=["height"],
        hint="otherwise the density is summed over 5 x 5 entries",
    )


@clause("PLATE-083", case="column conditioned into a plate", needs=("handler.condition",))
def conditioned_column_against_a_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    conditioned = k.handler("condition", model, data={"height": ones(k, 5, 1)})
    k.expect.raises(lambda: k.run(conditioned), "data of shape (5, 1) for a site in a plate of 5", names=["height"])


@clause("PLATE-083", case="rows of another batch dim")
def extra_batch_dim_against_a_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 2, 5))

    k.expect.raises(lambda: k.run(model), "obs of shape (2, 5) in a plate of 5", names=["height"])


@clause("PLATE-083", case="outside plates there is room")
def larger_observation_outside_plates(k: Kit) -> None:
    run = k.run(lambda: k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=ones(k, 5, 1)))
    k.expect.close(run.log_density, 5 * densities.normal(1.0), "joint log density of a (5, 1) obs of a scalar law")
