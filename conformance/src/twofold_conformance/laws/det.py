"""DET: the deterministic and the subsample statement."""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_conformance.oracles import densities
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


@clause("DET-001", "recorded", modes=("default", "validation_off"))
def deterministic_is_returned_and_recorded(k: Kit) -> None:
    run = k.run(lambda: k.ppl.deterministic("det_001", k.xp.array([1.0, 2.0])))
    k.expect.equal(list(run.sites), ["det_001"], "names of the recorded sites")
    k.expect.equal(run.sites["det_001"].kind, "deterministic", "kind of the site")
    k.expect.close(k.numpy(run.value), [1.0, 2.0], "returned value")
    k.expect.close(run.sites["det_001"].value, [1.0, 2.0], "recorded value")


@clause("DET-001", "duplicate name", modes=("default", "validation_off"))
def deterministic_counts_as_a_name(k: Kit) -> None:
    def after_a_draw() -> None:
        k.ppl.sample("det_001", k.dist.Normal(0.0, 1.0))
        k.ppl.deterministic("det_001", k.xp.array(1.0))

    def twice() -> None:
        k.ppl.deterministic("det_001", k.xp.array(1.0))
        k.ppl.deterministic("det_001", k.xp.array(1.0))

    k.expect.raises(lambda: k.run(after_a_draw), "sample and deterministic of one name", names=["det_001"])
    k.expect.raises(lambda: k.run(twice), "two deterministic sites of one name", names=["det_001"])


@clause("DET-002", modes=("default", "validation_off"))
def deterministic_adds_nothing(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("det_002_x", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))
        k.ppl.deterministic("det_002_plain", k.xp.array(3.0))
        with k.handler("mask", mask=True), k.handler("scale", scale=5.0):
            k.ppl.deterministic("det_002_handled", k.xp.array([3.0, 4.0]))
        with k.ppl.plate("det_002_plate", 4, subsample_size=2):
            k.ppl.deterministic("det_002_plated", k.xp.array([3.0, 4.0]))

    run = k.run(model)
    k.expect.close(run.log_density, densities.normal(0.5), "joint log density")
    for name in ("det_002_plain", "det_002_handled", "det_002_plated"):
        site = run.sites[name]
        total = 0.0 if site.log_prob is None else np.sum(site.log_prob)
        k.expect.equal(float(total), 0.0, f"log-prob of {name}")


@clause("DET-003")
def plate_leaves_a_deterministic_value(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("det_003_plate", 4, subsample_size=2):
            scalar = k.ppl.deterministic("det_003_scalar", k.xp.array(3.0))
            return scalar, k.ppl.deterministic("det_003_vector", k.xp.array([1.0, 2.0, 3.0, 4.0]))

    run = k.run(model)
    for name, value, expected in zip(
        ("det_003_scalar", "det_003_vector"), run.value, (3.0, [1.0, 2.0, 3.0, 4.0]), strict=True
    ):
        k.expect.close(k.numpy(value), expected, f"what {name} returned")
        k.expect.close(run.sites[name].value, expected, f"what {name} recorded")


def named_value(k: Kit) -> Any:
    k.ppl.sample("det_004_x", k.dist.Normal(0.0, 1.0), obs=k.xp.array(0.5))
    return k.ppl.deterministic("det_004", k.xp.array(2.0))


@clause("DET-004", "condition", needs=["handler.condition"])
def condition_leaves_a_deterministic_value(k: Kit) -> None:
    conditioned = k.handler("condition", lambda: named_value(k), data={"det_004": k.xp.array(7.0)})
    k.expect.close(k.numpy(k.run(conditioned).value), 2.0, "what the statement returned")


@clause("DET-004", "substitute", needs=["handler.substitute"])
def substitute_leaves_a_deterministic_value(k: Kit) -> None:
    substituted = k.handler("substitute", lambda: named_value(k), data={"det_004": k.xp.array(7.0)})
    k.expect.close(k.numpy(k.run(substituted).value), 2.0, "what the statement returned")


@clause("DET-005", "rightmost plate")
def subsample_follows_the_indices(k: Kit) -> None:
    data = np.arange(10.0) ** 2
    table = data[:, None] + np.array([0.0, 0.5])

    def model() -> Any:
        with k.ppl.plate("det_005_plate", 10, subsample_size=3) as indices:
            rows = k.ppl.subsample(k.xp.array(data), event_dim=0)
            return indices, rows, k.ppl.subsample(k.xp.array(table), event_dim=1)

    indices, rows, blocks = (k.numpy(value) for value in k.run(model).value)
    indices = indices.astype(int)
    k.expect.shape(indices, (3,), "indices")
    k.expect.close(rows, data[indices], "subsample of shape (10,), event_dim=0")
    k.expect.close(blocks, table[indices], "subsample of shape (10, 2), event_dim=1")


@clause("DET-005", "plate at dim -2")
def subsample_works_in_the_plates_dim(k: Kit) -> None:
    table = np.arange(8.0).reshape(4, 2)

    def model() -> Any:
        with k.ppl.plate("det_005_plate", 4, subsample_size=3, dim=-2) as indices:
            return indices, k.ppl.subsample(k.xp.array(table), event_dim=0)

    indices, rows = (k.numpy(value) for value in k.run(model).value)
    k.expect.close(rows, table[indices.reshape(-1).astype(int)], "subsample in dim -2")


@clause("DET-005", "outside plates")
def subsample_outside_plates_is_the_identity(k: Kit) -> None:
    value = k.run(lambda: k.ppl.subsample(k.xp.array([1.0, 2.0, 3.0]), event_dim=0)).value
    k.expect.close(k.numpy(value), [1.0, 2.0, 3.0], "subsample outside every plate")
