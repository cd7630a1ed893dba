"""FACTOR: terms added to the joint log density."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.laws._tools import full
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("FACTOR-001")
def factor_adds_to_the_joint(k: Kit) -> None:
    def model() -> Any:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0), obs=k.xp.array(1.5))
        return k.ppl.factor("push", k.xp.array(0.75))

    run = k.run(model)
    k.expect.same_object(run.value, None, "result of factor")
    k.expect.close(run.log_density, densities.normal(1.5) + 0.75, "joint log density")


@clause("FACTOR-001", case="inside plain Python arithmetic")
def factor_of_a_latent_value(k: Kit) -> None:
    def model() -> None:
        height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        k.ppl.factor("push", -3.0 * height)

    run = k.run(model)
    height = run.sites["height"].value
    k.expect.close(run.log_density, densities.normal(height) - 3.0 * height, "joint log density")


@clause("FACTOR-002")
def factor_is_an_observed_site_without_a_value(k: Kit) -> None:
    site = k.run(lambda: k.ppl.factor("push", k.xp.array(0.75))).sites["push"]
    k.expect.equal(site.kind, "factor", "kind of the site")
    k.expect.true(site.observed, "the site is observed")
    k.expect.equal(np.size(site.value), 0, "number of entries of its value")


@clause("FACTOR-003")
def batched_factor_keeps_its_shape(k: Kit) -> None:
    term = np.arange(6.0).reshape(2, 3)
    run = k.run(lambda: k.ppl.factor("push", k.xp.array(term.tolist())))
    k.expect.close(run.sites["push"].log_prob, term, "log density of the site")
    k.expect.close(run.log_density, 15.0, "joint log density")


@clause("FACTOR-004")
def factor_of_the_plate_is_not_replicated(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3):
            k.ppl.factor("push", k.xp.array([1.0, 2.0, 4.0]))

    run = k.run(model)
    k.expect.close(run.sites["push"].log_prob, [1.0, 2.0, 4.0], "log density of the site")
    k.expect.close(run.log_density, 7.0, "joint log density")


@clause("FACTOR-005")
def scalar_factor_counts_for_every_row(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 3), k.ppl.plate("columns", 2):
            k.ppl.factor("push", k.xp.array(0.5))

    k.expect.close(k.run(model).log_density, 3.0, "joint log density of a scalar factor in plates of 3 and 2")


@clause("FACTOR-006", needs=("plate.subsample",))
def factor_in_a_subsampled_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 6, subsample_size=2):
            k.ppl.factor("push", k.xp.array([1.0, 2.0]))

    run = k.run(model)
    k.expect.close(run.sites["push"].log_prob, [3.0, 6.0], "log density of the site")
    k.expect.close(run.log_density, 9.0, "joint log density")


@clause("FACTOR-007", modes=("default", "validation_off"))
def factor_that_does_not_fit_the_plate(k: Kit) -> None:
    def model() -> None:
        with k.ppl.plate("rows", 5):
            k.ppl.factor("push", full(k, 0.5, 3))

    k.expect.raises(lambda: k.run(model), "a factor of shape (3,) in a plate of 5")


@clause("FACTOR-008", case="mask", needs=("handler.mask",))
def mask_removes_a_factor(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=False):
            k.ppl.factor("push", k.xp.array(0.75))

    k.expect.equal(k.run(model).log_density, 0.0, "joint log density of a masked factor")


@clause("FACTOR-008", case="mask by entry", needs=("handler.mask",))
def mask_removes_entries_of_a_factor(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.factor("push", k.xp.array([1.0, 2.0]))

    k.expect.close(k.run(model).log_density, 1.0, "joint log density of a factor masked by entry")


@clause("FACTOR-008", case="scale", needs=("handler.scale",))
def scale_multiplies_a_factor(k: Kit) -> None:
    def model() -> None:
        with k.handler("scale", scale=4.0):
            k.ppl.factor("push", k.xp.array(0.75))

    k.expect.close(k.run(model).log_density, 3.0, "joint log density of a scaled factor")


@clause("FACTOR-008", case="block", needs=("handler.block",))
def block_hides_a_factor(k: Kit) -> None:
    def model() -> None:
        with k.handler("block", hide=["push"]):
            k.ppl.factor("push", k.xp.array(0.75))

    run = k.run(model)
    k.expect.equal(list(run.sites), [], "sites outside the block")
    k.expect.equal(run.log_density, 0.0, "joint log density outside the block")


@clause("FACTOR-009", case="two factors")
def two_factors_of_one_name(k: Kit) -> None:
    def model() -> None:
        k.ppl.factor("push", k.xp.array(0.5))
        k.ppl.factor("push", k.xp.array(0.5))

    k.expect.raises(lambda: k.run(model), "two factors called 'push'", names=["push"])


@clause("FACTOR-009", case="factor and sample")
def factor_and_sample_of_one_name(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("push", k.dist.Normal(0.0, 1.0))
        k.ppl.factor("push", k.xp.array(0.5))

    k.expect.raises(lambda: k.run(model), "a sample site and a factor called 'push'", names=["push"])


@clause("FACTOR-010")
def bare_factor_does_nothing(k: Kit) -> None:
    result = k.expect.silent(
        lambda: k.call(lambda: k.ppl.factor("push", k.xp.array(0.5)), seed=None), "a factor outside every handler"
    )
    k.expect.same_object(result, None, "result of factor")


@clause("FACTOR-011")
def factor_may_be_a_float(k: Kit) -> None:
    k.expect.close(k.run(lambda: k.ppl.factor("push", 0.75)).log_density, 0.75, "joint log density of a float")


@clause("FACTOR-012", needs=("log_density",))
def gradient_flows_through_a_factor(k: Kit) -> None:
    def model() -> None:
        height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
        k.ppl.factor("push", -2.0 * height * height)

    gradient = k.xp.grad(lambda height: k.adapter.log_density(model, {"height": height}), 1.5)
    k.expect.close(gradient, -5.0 * 1.5, "gradient of the joint log density at 1.5")


@clause("FACTOR-013")
def factor_may_be_minus_infinity(k: Kit) -> None:
    run = k.run(lambda: k.ppl.factor("push", k.xp.array(-np.inf)))
    k.expect.equal(run.log_density, -np.inf, "joint log density")


@clause("FACTOR-014", needs=("svi",))
def factor_in_a_guide_says_how_it_differentiates(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(0.0, 1.0))

    def guide(**settings: Any) -> None:
        loc = k.ppl.param("loc", k.xp.array(0.0))
        k.ppl.sample("height", k.dist.Normal(loc, 1.0))
        k.ppl.factor("push", k.xp.array(0.5), **settings)

    def step(guide: Any) -> Any:
        inference = k.adapter.svi(model, guide, 0.01)
        inference.init(0)
        return inference.step()

    k.expect.raises(lambda: step(guide), "a factor without has_rsample in a guide")
    for flag in (True, False):
        loss = step(partial(guide, has_rsample=flag))
        k.expect.true(np.isfinite(loss), f"the loss is finite with has_rsample={flag}", seen=loss)


@clause("FACTOR-015")
def factor_is_marked_auxiliary(k: Kit) -> None:
    site = k.run(lambda: k.ppl.factor("push", k.xp.array(0.5))).sites["push"]
    k.expect.equal(site.infer.get("is_auxiliary"), True, "is_auxiliary in the infer dict")


@clause("FACTOR-016", needs=("handler.uncondition",))
def uncondition_keeps_a_factor(k: Kit) -> None:
    def model() -> None:
        k.ppl.factor("push", k.xp.array(0.75))

    run = k.run(k.handler("uncondition", model))
    k.expect.close(run.log_density, 0.75, "joint log density of an unconditioned factor")
