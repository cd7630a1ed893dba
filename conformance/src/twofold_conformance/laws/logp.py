"""LOGP: what the joint log density of a run is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_conformance.laws._tools import full
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _pair(k: Kit) -> None:
    height = k.ppl.sample("height", k.dist.Normal(1.0, 2.0))
    k.ppl.sample("weight", k.dist.Normal(height, 0.5), obs=k.xp.array(3.0))


@clause("LOGP-001")
def joint_is_the_sum_over_sites(k: Kit) -> None:
    run = k.run(_pair, k)
    height = run.sites["height"].value
    expected = densities.normal(height, 1.0, 2.0) + densities.normal(3.0, height, 0.5)
    k.expect.close(run.log_density, expected, "joint log density of a latent and an observed site")


@clause("LOGP-001", case="other laws")
def joint_of_other_laws(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("wait", k.dist.Exponential(2.0), obs=k.xp.array(0.7))
        k.ppl.sample("coin", k.dist.Bernoulli(0.3), obs=k.xp.array(1.0))

    expected = densities.exponential(0.7, 2.0) + densities.bernoulli(1.0, 0.3)
    k.expect.close(k.run(model).log_density, expected, "joint log density")


@clause("LOGP-001", case="batched sites")
def joint_sums_every_entry(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 2, 3), 1.0), obs=full(k, 0.5, 2, 3))

    k.expect.close(k.run(model).log_density, 6 * densities.normal(0.5), "joint log density of a site of batch (2, 3)")


@clause("LOGP-001", case="at given values", needs=("log_density",), modes=("default", "jit"))
def joint_at_given_values(k: Kit) -> None:
    expected = densities.normal(2.0, 1.0, 2.0) + densities.normal(3.0, 2.0, 0.5)
    k.expect.close(k.joint(lambda: _pair(k), height=2.0), expected, "joint log density at height 2")


@clause("LOGP-002", needs=("handler.scale", "handler.mask"))
def contribution_of_a_site(k: Kit) -> None:
    mask, data = [True, False, True], [0.5, -1.0, 2.0]

    def model() -> None:
        with k.handler("scale", scale=3.0), k.handler("mask", mask=k.xp.array(mask)):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 3), 1.0), obs=k.xp.array(data))

    run = k.run(model)
    expected = 3.0 * np.where(mask, densities.normal(data), 0.0)
    k.expect.close(run.sites["height"].log_prob, expected, "scale * where(mask, log_prob, 0)")
    k.expect.close(run.log_density, expected.sum(), "joint log density")


@clause(
    "LOGP-002",
    case="at given values",
    needs=("log_density", "handler.scale", "handler.mask"),
    modes=("default", "jit"),
)
def contribution_of_a_site_at_given_values(k: Kit) -> None:
    mask, data = [True, False, True], [0.5, -1.0, 2.0]

    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.handler("scale", scale=3.0), k.handler("mask", mask=k.xp.array(mask)):
            k.ppl.sample("height", k.dist.Normal(loc + full(k, 0.0, 3), 1.0), obs=k.xp.array(data))

    expected = densities.normal(0.7, 0.0, 10.0) + 3.0 * np.where(mask, densities.normal(data, 0.7), 0.0).sum()
    k.expect.close(k.joint(model, loc=0.7), expected, "joint log density at loc 0.7")


@clause("LOGP-003", case="NaN", needs=("handler.mask",), modes=("validation_off",))
def masked_nan_contributes_nothing(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 2), 1.0), obs=k.xp.array([0.5, np.nan]))

    k.expect.close(k.run(model).log_density, densities.normal(0.5), "joint log density", hint="select, do not multiply")


@clause("LOGP-003", case="outside the support", needs=("handler.mask",), modes=("validation_off",))
def masked_impossible_value_contributes_nothing(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.sample("wait", k.dist.Exponential(full(k, 1.0, 2)), obs=k.xp.array([0.5, -1.0]))

    k.expect.close(k.run(model).log_density, -0.5, "joint log density", hint="select, do not multiply")


@clause("LOGP-003", case="minus infinity", needs=("handler.mask", "factor"))
def masked_infinity_contributes_nothing(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.factor("push", k.xp.array([0.5, -np.inf]))

    k.expect.close(k.run(model).log_density, 0.5, "joint log density", hint="select, do not multiply")


@clause(
    "LOGP-003",
    case="minus infinity at given values",
    needs=("log_density", "handler.mask", "factor"),
    modes=("default", "jit"),
)
def masked_infinity_contributes_nothing_at_given_values(k: Kit) -> None:
    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.factor("push", k.xp.stack([2.0 * loc, k.xp.array(-np.inf)]))

    k.expect.close(k.joint(model, loc=0.7), densities.normal(0.7, 0.0, 10.0) + 1.4, "joint log density at loc 0.7")


@clause("LOGP-003", case="NaN in a factor", needs=("handler.mask", "factor"), modes=("validation_off",))
def masked_nan_factor_contributes_nothing(k: Kit) -> None:
    def model() -> None:
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.factor("push", k.xp.array([0.5, np.nan]))

    k.expect.close(k.run(model).log_density, 0.5, "joint log density", hint="select, do not multiply")


@clause("LOGP-004")
def other_sites_contribute_nothing(k: Kit) -> None:
    def model() -> None:
        loc = k.ppl.param("loc", k.xp.array(3.0))
        with k.ppl.plate("rows", 4):
            pass
        if "deterministic" in k.adapter.capabilities:
            k.ppl.deterministic("double", 2.0 * loc)

    run = k.run(model)
    k.expect.equal(run.log_density, 0.0, "joint log density of plate, param and deterministic sites")
    for site in run.sites.values():
        k.expect.close(0.0 if site.log_prob is None else np.sum(site.log_prob), 0.0, f"log density of {site.name}")


@clause("LOGP-004", case="beside a sample site")
def other_sites_leave_the_joint(k: Kit) -> None:
    def model() -> None:
        loc = k.ppl.param("loc", k.xp.array(3.0))
        with k.ppl.plate("rows", 2):
            k.ppl.sample("height", k.dist.Normal(loc, 1.0), obs=full(k, 0.5, 2))
        if "deterministic" in k.adapter.capabilities:
            k.ppl.deterministic("double", 2.0 * loc)

    k.expect.close(k.run(model).log_density, 2 * densities.normal(0.5, 3.0), "joint log density")


@clause("LOGP-005", needs=("handler.scale", "handler.mask"))
def trace_stores_densities(k: Kit) -> None:
    def model() -> None:
        with k.handler("scale", scale=3.0), k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.sample("height", k.dist.Normal(full(k, 0.0, 2), 1.0), obs=k.xp.array([0.5, -1.0]))

    trace = k.trace(model)
    trace.compute_log_prob()
    node = trace.nodes["height"]
    plain = densities.normal([0.5, -1.0])
    k.expect.close(k.numpy(node["unscaled_log_prob"])[0], plain[0], "unscaled_log_prob where unmasked")
    k.expect.close(k.numpy(node["log_prob"]), [3.0 * plain[0], 0.0], "log_prob")
    k.expect.close(k.numpy(node["log_prob_sum"]), 3.0 * plain[0], "log_prob_sum")


@clause("LOGP-006")
def joint_over_accepted_sites(k: Kit) -> None:
    trace = k.trace(_pair, k)
    height = k.numpy(trace.nodes["height"]["value"])
    accepted = {
        "height": densities.normal(height, 1.0, 2.0),
        "weight": densities.normal(3.0, height, 0.5),
    }
    for wanted, expected in accepted.items():
        total = trace.log_prob_sum(lambda name, site, wanted=wanted: name == wanted)
        k.expect.close(float(total), expected, f"log density of {wanted} alone")
    k.expect.close(float(trace.log_prob_sum()), sum(accepted.values()), "log density of all sites")


@clause("LOGP-007")
def density_of_given_values(k: Kit) -> None:
    joint = k.adapter.log_density(lambda: _pair(k), {"height": k.xp.array(2.0)})
    expected = densities.normal(2.0, 1.0, 2.0) + densities.normal(3.0, 2.0, 0.5)
    k.expect.shape(k.numpy(joint), (), "log density")
    k.expect.close(k.numpy(joint), expected, "log density at height 2, without a seed")


@clause("LOGP-007", case="params and arguments")
def density_with_params_and_arguments(k: Kit) -> None:
    def model(data: Any, *, spread: Any) -> None:
        loc = k.ppl.param("loc", k.xp.array(0.0))
        k.ppl.sample("height", k.dist.Normal(loc, spread), obs=data)

    joint = k.adapter.log_density(model, {"loc": k.xp.array(1.0)}, k.xp.array(3.0), spread=2.0)
    k.expect.close(k.numpy(joint), densities.normal(3.0, 1.0, 2.0), "log density at loc 1")


@clause("LOGP-008")
def empty_run_has_density_zero(k: Kit) -> None:
    run = k.run(lambda: 5)
    k.expect.equal(run.value, 5, "result of the run")
    k.expect.equal(run.log_density, 0.0, "joint log density of a run without sites")


@clause("LOGP-009", needs=("log_density",))
def gradient_of_the_joint(k: Kit) -> None:
    data = np.array([0.5, -1.0, 2.0])

    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.ppl.plate("rows", 3):
            k.ppl.sample("height", k.dist.Normal(loc, 2.0), obs=k.xp.array(data.tolist()))

    gradient = k.xp.grad(lambda loc: k.adapter.log_density(model, {"loc": loc}), 0.7)
    expected = -0.7 / 100.0 + np.sum(data - 0.7) / 4.0
    k.expect.close(gradient, expected, "gradient of the joint log density with respect to a normal's location")


@clause("LOGP-009", case="of masked entries", needs=("log_density", "handler.mask"))
def gradient_of_masked_entries(k: Kit) -> None:
    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.sample("height", k.dist.Normal(loc + full(k, 0.0, 2), 2.0), obs=k.xp.array([0.5, 100.0]))

    gradient = k.xp.grad(lambda loc: k.adapter.log_density(model, {"loc": loc}), 0.7)
    k.expect.close(gradient, -0.7 / 100.0 + (0.5 - 0.7) / 4.0, "gradient where one entry is masked")


@clause("LOGP-010", case="NaN in the data", modes=("validation_off",))
def gradient_past_masked_data(k: Kit) -> None:
    def model() -> None:
        loc = k.ppl.sample("loc", k.dist.Normal(0.0, 10.0))
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.sample("height", k.dist.Normal(loc + full(k, 0.0, 2), 2.0), obs=k.xp.array([0.5, np.nan]))

    gradient = k.xp.grad(lambda loc: k.adapter.log_density(model, {"loc": loc}), 0.7)
    k.expect.close(gradient, -0.7 / 100.0 + (0.5 - 0.7) / 4.0, "gradient where a NaN is masked")


@clause("LOGP-010", case="a value outside the support", modes=("validation_off",))
def gradient_past_a_masked_impossible_value(k: Kit) -> None:
    def model() -> None:
        spread = k.ppl.sample("spread", k.dist.Normal(0.0, 10.0))
        with k.handler("mask", mask=k.xp.array([True, False])):
            k.ppl.sample("size", k.dist.LogNormal(spread + full(k, 0.0, 2), 1.0), obs=k.xp.array([1.0, -1.0]))

    gradient = k.xp.grad(lambda spread: k.adapter.log_density(model, {"spread": spread}), 0.7)
    k.expect.close(gradient, -0.7 / 100.0 - 0.7, "gradient where a value outside the support is masked")
