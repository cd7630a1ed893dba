"""INFER: the little that variational inference owes to the statements."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from twofold_conformance.laws._store import leaf
from twofold_conformance.laws._tools import with_batches
from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def _model(k: Kit) -> None:
    height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
    k.ppl.sample("weight", k.dist.Normal(height, 1.0), obs=k.xp.array(4.0))


def _guide(k: Kit) -> None:
    loc = k.ppl.param("loc", k.xp.array(0.5))
    spread = k.ppl.param("spread", k.xp.array(1.5), constraint=k.constraints.positive)
    k.ppl.sample("height", k.dist.Normal(loc, spread))


def _inference(k: Kit, learning_rate: float = 0.05) -> Any:
    return k.adapter.svi(lambda: _model(k), lambda: _guide(k), learning_rate)


@clause("INFER-001")
def step_changes_the_store_in_place(k: Kit) -> None:
    k.call(lambda: _guide(k))
    leaves = {name: leaf(k, name) for name in ("loc", "spread")}
    before = {name: k.numpy(value).copy() for name, value in leaves.items()}
    inference = _inference(k)
    inference.init(0)
    inference.step()
    k.expect.equal(set(k.adapter.store().keys()), {"loc", "spread"}, "names in the store")
    for name, old in leaves.items():
        k.expect.same_object(leaf(k, name), old, f"leaf of {name} after a step")
        k.expect.different(k.numpy(old), before[name], f"value of the leaf of {name} after a step")


@clause("INFER-002")
def state_is_pure(k: Kit) -> None:
    inference = _inference(k)
    inference.init(0)
    first = inference.state
    start = inference.params()
    k.expect.equal(set(start), {"loc", "spread"}, "names of the parameters")
    k.expect.close(start["spread"], 1.5, "constrained value of the positive parameter")
    losses, ends = [], []
    for _ in range(2):
        inference.state = first
        losses.append(inference.step())
        ends.append(inference.params())
    k.expect.equal(losses[1], losses[0], "loss of the same step taken twice")
    for name in ("loc", "spread"):
        k.expect.equal(ends[1][name], ends[0][name], f"{name} after the same step taken twice")
        k.expect.different(ends[0][name], start[name], f"{name} after a step")
    inference.state = first
    k.expect.close(inference.params()["loc"], start["loc"], "loc in the former state, after steps from it")


@clause("INFER-004")
def inference_starts_at_the_statement(k: Kit) -> None:
    inference = _inference(k)
    inference.init(0)
    for name, value in {"loc": 0.5, "spread": 1.5}.items():
        k.expect.close(inference.params()[name], value, f"initial value of {name}")


@clause("INFER-003", needs=("plate.subsample",))
def subsampled_elbo_is_unbiased(k: Kit) -> None:
    data = [0.3, -1.2, 2.0, 0.7]
    settings = {"subsample_size": 2}

    def model() -> None:
        with k.ppl.plate("rows", 4, **settings) as ind:
            height = k.ppl.sample("height", k.dist.Normal(0.0, 1.0))
            k.ppl.sample("weight", k.dist.Normal(height, 1.0), obs=k.xp.array(data)[ind])

    def guide() -> None:
        loc = k.ppl.param("loc", k.xp.array(0.5))
        with k.ppl.plate("rows", 4, **settings) as ind:
            k.ppl.sample("height", k.dist.Delta(loc + 0.0 * k.xp.array(data)[ind]))

    elbos, batches = [], list(combinations(range(4), 2))
    pair: tuple[Callable[..., Any], Callable[..., Any]]
    for batch in batches:
        if k.stateful:
            settings = {"subsample": k.xp.array(list(batch))}
            pair = (model, guide)
        else:
            pair = (with_batches(k, model, {"rows": batch}), with_batches(k, guide, {"rows": batch}))
        inference = k.adapter.svi(*pair, 0.01)
        inference.init(0)
        elbos.append(-inference.evaluate())
    rows = densities.normal(0.5) + densities.normal(data, 0.5)
    for batch, elbo in zip(batches, elbos, strict=True):
        k.expect.close(elbo, 2.0 * rows[list(batch)].sum(), f"ELBO of batch {batch}")
    k.expect.close(np.mean(elbos), rows.sum(), "mean of the ELBO over all batches")


@clause("INFER-003", case="guide and model share the batch", needs=("plate.subsample",))
def guide_and_model_share_the_batch(k: Kit) -> None:
    seen: list[tuple[str, list[int]]] = []

    def program(who: Any) -> None:
        with k.ppl.plate("rows", 50, subsample_size=3) as ind:
            if k.xp.is_array(ind):
                seen.append((who, k.numpy(ind).tolist()))

    inference = k.adapter.svi(lambda: program("model"), lambda: program("guide"), 0.01)
    inference.init(0)
    seen.clear()
    inference.evaluate()
    batches = dict(seen)
    k.expect.equal(batches["model"], batches["guide"], "indices of the model's plate under the guide's")


@clause("INFER-005")
def constrained_parameters_stay_inside(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("low", k.dist.Normal(k.ppl.param("share", k.xp.array(0.5), constraint=unit), 1.0), obs=far)
        k.ppl.sample("high", k.dist.Normal(k.ppl.param("spread", k.xp.array(1.0), constraint=positive), 1.0), obs=-far)

    unit, positive, far = k.constraints.unit_interval, k.constraints.positive, k.xp.array(5.0)
    inference = k.adapter.svi(model, lambda: None, 1.0)
    inference.init(0)
    for step in range(20):
        inference.step()
        params = inference.params()
        k.expect.true(0.0 <= params["share"] <= 1.0, f"share is in (0, 1) after step {step}", seen=params["share"])
        k.expect.true(params["spread"] >= 0.0, f"spread is positive after step {step}", seen=params["spread"])
    k.expect.true(params["share"] > 0.9, "share has moved towards 5", seen=params["share"])
    k.expect.true(params["spread"] < 0.1, "spread has moved towards -5", seen=params["spread"])
