"""PARAM: parameters inside plates, and their weight in the joint."""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_conformance.laws._store import leaf
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit

INIT = np.arange(10.0) ** 2


def subsampled(
    k: Kit, name: str, init: Any, *, size: int = 10, batch: int = 3, dim: int | None = None, **kwargs: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Indices and values of a param in one subsampled plate."""

    def model() -> Any:
        with k.ppl.plate(f"{name}_plate", size, subsample_size=batch, dim=dim) as indices:
            return indices, k.ppl.param(name, k.xp.array(init), **kwargs)

    indices, value = (k.numpy(item) for item in k.run(model).value)
    return indices.reshape(-1).astype(int), value


@clause("PARAM-020", modes=("default", "validation_off"))
def param_follows_the_subsample(k: Kit) -> None:
    indices, value = subsampled(k, "param_020", INIT, event_dim=0)
    k.expect.shape(value, (3,), "value")
    k.expect.close(value, INIT[indices], "init at the plate's indices")


@clause("PARAM-021")
def param_without_event_dim_is_whole(k: Kit) -> None:
    _, value = subsampled(k, "param_021", INIT)
    k.expect.close(value, INIT, "value without event_dim")


@clause("PARAM-022", modes=("default", "validation_off"))
def event_dims_are_left_alone(k: Kit) -> None:
    table = INIT[:, None] + np.arange(5.0) / 10
    indices, value = subsampled(k, "param_022", table, event_dim=1)
    k.expect.close(value, table[indices], "rows of init at the plate's indices")
    square = np.arange(9.0).reshape(3, 3)
    indices, value = subsampled(k, "param_022_square", square, size=3, batch=2, event_dim=1)
    k.expect.close(value, square[indices], "rows of a square init at the plate's indices")


@clause("PARAM-023", modes=("default", "validation_off"))
def nested_plates_index_both_dims(k: Kit) -> None:
    table = np.arange(20.0).reshape(5, 4)

    def model() -> Any:
        with (
            k.ppl.plate("param_023_columns", 4, subsample_size=2, dim=-1) as columns,
            k.ppl.plate("param_023_rows", 5, subsample_size=3, dim=-2) as rows,
        ):
            return rows, columns, k.ppl.param("param_023", k.xp.array(table), event_dim=0)

    rows, columns, value = (k.numpy(item) for item in k.run(model).value)
    rows, columns = rows.reshape(-1).astype(int), columns.reshape(-1).astype(int)
    k.expect.close(value, table[rows][:, columns], "init at both plates' indices")


@clause("PARAM-024")
def flat_batch_dims_are_left_alone(k: Kit) -> None:
    _, single = subsampled(k, "param_024_single", [5.0], event_dim=0)
    k.expect.close(single, [5.0], "a batch dim of size 1")
    _, scalar = subsampled(k, "param_024_scalar", 5.0, event_dim=0)
    k.expect.close(scalar, 5.0, "no batch dim")
    _, event = subsampled(k, "param_024_event", [1.0, 2.0], event_dim=1)
    k.expect.close(event, [1.0, 2.0], "event dims only")
    _, row = subsampled(k, "param_024_row", [1.0, 2.0], dim=-2, event_dim=0)
    k.expect.close(row, [1.0, 2.0], "no batch dim at the dim -2 of the plate")


@clause("PARAM-025")
def misfitting_batch_dim_raises(k: Kit) -> None:
    k.expect.raises(
        lambda: subsampled(k, "param_025", np.arange(7.0), event_dim=0),
        "a batch dim of 7 in a plate of 10",
        kinds=["ValueError"],
        names=["param_025", "param_025_plate"],
    )


@clause("PARAM-026")
def store_keeps_the_whole_parameter(k: Kit) -> None:
    subsampled(k, "param_026", INIT, event_dim=0)
    k.expect.close(k.numpy(k.adapter.store()["param_026"]), INIT, "stored value")
    k.expect.close(k.numpy(k.ppl.param("param_026")), INIT, "value of a statement outside the plate")


@clause("PARAM-027")
def gradient_stays_inside_the_batch(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("param_027_plate", 10, subsample_size=3) as indices:
            return indices, k.ppl.param("param_027", k.xp.array(INIT), event_dim=0)

    indices, value = k.run(model).value
    k.xp.backward(k.xp.sum(value * k.xp.array([2.0, 3.0, 4.0])))
    expected = np.zeros(10)
    expected[k.numpy(indices).astype(int)] = [2.0, 3.0, 4.0]
    k.expect.close(k.xp.grad_of(leaf(k, "param_027")), expected, "gradient on the stored leaf")


@clause("PARAM-028")
def plate_does_not_expand_a_param(k: Kit) -> None:
    def model() -> Any:
        with k.ppl.plate("param_028_plate", 4):
            return k.ppl.param("param_028", k.xp.array(1.5)), k.ppl.param(
                "param_028_batch", k.xp.array(2.5), event_dim=0
            )

    run = k.run(model)
    k.expect.close(k.numpy(run.value[0]), 1.5, "a scalar parameter in a plate of 4")
    k.expect.close(k.numpy(run.value[1]), 2.5, "a scalar parameter with event_dim=0 in a plate of 4")
    k.expect.close(run.sites["param_028"].value, 1.5, "recorded value")


@clause("PARAM-029")
def param_adds_no_density(k: Kit) -> None:
    def model() -> None:
        k.ppl.param("param_029_outside", k.xp.array(0.3), constraint=k.constraints.positive)
        with k.handler("scale", scale=3.0), k.ppl.plate("param_029_plate", 4, subsample_size=2):
            k.ppl.param("param_029", k.xp.array([1.0, 2.0, 3.0, 4.0]), event_dim=0)

    run = k.run(model)
    k.expect.equal(float(run.log_density), 0.0, "joint log density")
    for name in ("param_029_outside", "param_029"):
        k.expect.same_object(run.sites[name].log_prob, None, f"log-prob of {name}")
