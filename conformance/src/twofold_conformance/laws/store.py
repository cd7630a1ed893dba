"""STORE: the global parameter store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twofold_conformance.laws._store import constrained, expect_positive, leaf, scratch_file, shift
from twofold_conformance.oracles.networks import forward
from twofold_conformance.oracles.trap import Trap, write_archive, write_pickle
from twofold_conformance.registry import clause
from twofold_conformance.runner import Kit


def fill(k: Kit, prefix: str) -> None:
    """A real and a positive parameter, called after the clause."""
    k.ppl.param(f"{prefix}_real", k.xp.array([1.0, -2.0]))
    k.ppl.param(f"{prefix}_positive", k.xp.array(0.5), constraint=k.constraints.positive)


def expect_filled(k: Kit, prefix: str, words: str) -> None:
    """The store holds just what ``fill`` puts there, still trainable and still constrained."""
    seen = constrained(k)
    k.expect.equal(sorted(seen), [f"{prefix}_positive", f"{prefix}_real"], f"names {words}")
    k.expect.close(seen[f"{prefix}_real"], [1.0, -2.0], f"real value {words}")
    k.expect.close(seen[f"{prefix}_positive"], 0.5, f"positive value {words}")
    expect_positive(k, f"{prefix}_positive")
    for name in seen:
        k.expect.true(k.xp.requires_grad(leaf(k, name)), f"{name} is trainable {words}")


@clause("STORE-001")
def store_is_one_object(k: Kit) -> None:
    store = k.adapter.store()
    k.ppl.param("store_001", k.xp.array(1.0))
    k.expect.same_object(k.adapter.store(), store, "the store after a param statement")
    k.adapter.store().clear()
    k.expect.same_object(k.adapter.store(), store, "the store after clearing")


@clause("STORE-002")
def clear_empties_the_store(k: Kit) -> None:
    k.ppl.param("store_002", k.xp.array(1.0))
    k.adapter.store().clear()
    store = k.adapter.store()
    k.expect.equal(len(store), 0, "length after clearing")
    k.expect.equal("store_002" in store, False, "the old name is in the store")
    k.expect.close(k.numpy(k.ppl.param("store_002", k.xp.array(5.0))), 5.0, "value of the next param statement")


@clause("STORE-003")
def clear_forgets_constraints(k: Kit) -> None:
    k.ppl.param("store_003", k.xp.array(1.0), constraint=k.constraints.positive)
    k.adapter.store().clear()
    k.expect.close(k.numpy(k.ppl.param("store_003", k.xp.array(-2.0))), -2.0, "value of the next param statement")
    k.expect.close(k.numpy(leaf(k, "store_003")), -2.0, "its leaf")


@clause("STORE-004")
def items_are_constrained_and_leaves_are_not(k: Kit) -> None:
    k.ppl.param("store_004_positive", k.xp.array(0.5), constraint=k.constraints.positive)
    k.ppl.param("store_004_real", k.xp.array(-1.0))
    store = k.adapter.store()
    k.expect.close(k.numpy(store["store_004_positive"]), 0.5, "store[name]")
    names = [name for name, _ in store.named_parameters()]
    k.expect.equal(sorted(names), ["store_004_positive", "store_004_real"], "names of the leaves")
    k.expect.close(k.numpy(leaf(k, "store_004_real")), -1.0, "leaf of a real parameter")
    for _, parameter in store.named_parameters():
        k.expect.true(k.xp.is_leaf(parameter) and k.xp.requires_grad(parameter), "a trainable leaf is listed")
    expect_positive(k, "store_004_positive")


@clause("STORE-005")
def mapping_views_agree(k: Kit) -> None:
    store = k.adapter.store()
    k.expect.equal((len(store), bool(store), list(store)), (0, False, []), "length, truth and names of an empty store")
    names = ["store_005_z", "store_005_a", "store_005_m"]
    for position, name in enumerate(names):
        k.ppl.param(name, k.xp.array(float(position)), constraint=k.constraints.greater_than(-1.0))
    k.expect.equal((len(store), bool(store)), (3, True), "length and truth")
    k.expect.equal(list(store), names, "iteration")
    k.expect.equal(list(store.keys()), names, "keys()")
    k.expect.equal([name for name, _ in store.items()], names, "names in items()")
    k.expect.equal([name for name, _ in store.named_parameters()], names, "names in named_parameters()")
    k.expect.close([k.numpy(value) for _, value in store.items()], [0.0, 1.0, 2.0], "values in items()")
    k.expect.close([k.numpy(value) for value in store.values()], [0.0, 1.0, 2.0], "values()")
    k.expect.equal([name in store for name in (*names, "store_005_x")], [True, True, True, False], "membership")


@clause("STORE-006")
def deleting_forgets_everything(k: Kit) -> None:
    store = k.adapter.store()
    k.ppl.param("store_006", k.xp.array(1.0), constraint=k.constraints.positive)
    k.ppl.param("store_006_other", k.xp.array(1.0))
    del store["store_006"]
    k.expect.equal(list(store), ["store_006_other"], "names after the deletion")
    k.expect.close(k.numpy(k.ppl.param("store_006", k.xp.array(-2.0))), -2.0, "value of the next param statement")

    def delete_unknown() -> None:
        del store["store_006_unknown"]

    k.expect.raises(delete_unknown, "deleting an unknown name", kinds=["KeyError"])


@clause("STORE-007")
def assignment_keeps_the_constraint(k: Kit) -> None:
    store = k.adapter.store()
    k.ppl.param("store_007", k.xp.array(1.0), constraint=k.constraints.positive)
    store["store_007"] = k.xp.array(3.0)
    k.expect.close(k.numpy(store["store_007"]), 3.0, "store[name]")
    k.expect.close(k.numpy(k.ppl.param("store_007", k.xp.array(9.0))), 3.0, "value of the next param statement")
    k.expect.close(k.numpy(k.ppl.param("store_007")), 3.0, "value of param(name)")
    expect_positive(k, "store_007")


@clause("STORE-008")
def assignment_of_a_new_name_registers(k: Kit) -> None:
    store = k.adapter.store()
    store["store_008"] = k.xp.array([-1.0, 2.0])
    k.expect.close(k.numpy(store["store_008"]), [-1.0, 2.0], "store[name]")
    k.expect.close(k.numpy(leaf(k, "store_008")), [-1.0, 2.0], "leaf")
    k.expect.true(k.xp.requires_grad(leaf(k, "store_008")), "the leaf requires grad")
    k.expect.close(k.numpy(k.ppl.param("store_008", k.xp.array(9.0))), [-1.0, 2.0], "value of a param statement")


@clause("STORE-009")
def setdefault_registers_if_absent(k: Kit) -> None:
    store, calls = k.adapter.store(), []

    def init() -> Any:
        calls.append(1)
        return k.xp.array(2.0)

    k.expect.close(k.numpy(store.setdefault("store_009", init, k.constraints.positive)), 2.0, "value if absent")
    k.expect.equal(len(calls), 1, "calls of the init if absent")
    k.expect.close(k.numpy(store.setdefault("store_009", init, k.constraints.real)), 2.0, "value if present")
    later = store.setdefault("store_009", k.xp.array(7.0))
    k.expect.close(k.numpy(later), 2.0, "value if present, with another init")
    k.expect.equal(len(calls), 1, "calls of the init if present")
    expect_positive(k, "store_009")


@clause("STORE-010", "values and constraints", modes=("default", "validation_off"))
def saved_store_comes_back(k: Kit) -> None:
    fill(k, "store_010")
    with scratch_file() as file:
        k.adapter.store().save(file)
        k.adapter.store().clear()
        k.adapter.store().load(file)
    expect_filled(k, "store_010", "after loading")
    k.expect.close(k.numpy(k.ppl.param("store_010_real", k.xp.array(9.0))), [1.0, -2.0], "value of a param statement")


@clause("STORE-010", "every constraint and dtype", modes=("default", "validation_off"))
def saved_constraints_and_dtypes_come_back(k: Kit) -> None:
    c = k.constraints
    table: dict[str, tuple[Any, Any]] = {
        "store_010_unit": (c.unit_interval, 0.25),
        "store_010_simplex": (c.simplex, [0.2, 0.3, 0.5]),
        "store_010_interval": (c.interval(-1.0, 2.0), 1.5),
        "store_010_above": (c.greater_than(3.0), 4.0),
        "store_010_cholesky": (c.lower_cholesky, [[1.0, 0.0], [0.5, 2.0]]),
    }
    for name, (constraint, value) in table.items():
        k.ppl.param(name, k.xp.array(value, "float64"), constraint=constraint)
    k.ppl.param("store_010_single", k.xp.array(1.0, "float32"))
    leaves = {name: k.numpy(parameter) for name, parameter in k.adapter.store().named_parameters()}
    with scratch_file() as file:
        k.adapter.store().save(file)
        k.adapter.store().clear()
        k.adapter.store().load(file)
    for name, (_, value) in table.items():
        k.expect.close(k.numpy(k.adapter.store()[name]), value, f"{name} after loading", rtol=0, atol=1e-6)
        k.expect.close(k.numpy(leaf(k, name)), leaves[name], f"leaf of {name} after loading")
        k.expect.equal(k.xp.dtype(leaf(k, name)), "float64", f"dtype of {name}")
    k.expect.equal(k.xp.dtype(leaf(k, "store_010_single")), "float32", "dtype of store_010_single")


def by_file(k: Kit, change: Callable[[], None]) -> None:
    """Save, change the store, load."""
    with scratch_file() as file:
        k.adapter.store().save(file)
        change()
        k.adapter.store().load(file)


def by_state(k: Kit, change: Callable[[], None]) -> None:
    """Take the state, change the store, set the state."""
    state = k.adapter.store().get_state()
    change()
    k.adapter.store().set_state(state)


def expect_replaced(k: Kit, restore: Callable[[Kit, Callable[[], None]], None], words: str) -> None:
    fill(k, "store_011")

    def change() -> None:
        k.adapter.store().clear()
        k.ppl.param("store_011_other", k.xp.array(1.0))

    restore(k, change)
    expect_filled(k, "store_011", words)


@clause("STORE-011", "load")
def load_replaces_the_contents(k: Kit) -> None:
    expect_replaced(k, by_file, "after loading into a filled store")


@clause("STORE-011", "set_state")
def set_state_replaces_the_contents(k: Kit) -> None:
    expect_replaced(k, by_state, "after set_state on a filled store")


@clause("STORE-012", modes=("default", "validation_off"))
def state_comes_back(k: Kit) -> None:
    fill(k, "store_012")
    by_state(k, k.adapter.store().clear)
    expect_filled(k, "store_012", "after set_state")


@clause("STORE-013")
def state_is_a_snapshot(k: Kit) -> None:
    fill(k, "store_013")
    by_state(k, lambda: shift(k, "store_013_real", 2.0))
    expect_filled(k, "store_013", "after set_state")


@clause("STORE-014")
def malformed_state_raises(k: Kit) -> None:
    fill(k, "store_014")
    whole = k.adapter.store().get_state()
    torn = [{key: whole[key] for key in whole if key != missing} for missing in whole]
    for state in ({"nonsense": 1}, {**whole, "nonsense": 1}, *torn):
        k.expect.raises(partial(k.adapter.store().set_state, state), f"set_state with keys {list(state)}")
        expect_filled(k, "store_014", f"after the error about keys {list(state)}")


@clause("STORE-015")
def match_looks_from_the_start(k: Kit) -> None:
    for number, name in enumerate(("store_015_a1", "store_015_a2", "store_015_b1", "x_store_015_a1")):
        k.ppl.param(name, k.xp.array(float(number) + 1.0), constraint=k.constraints.positive)
    found = k.adapter.store().match("store_015_a[0-9]")
    k.expect.equal(sorted(found), ["store_015_a1", "store_015_a2"], "names that match store_015_a[0-9]")
    k.expect.close(k.numpy(found["store_015_a2"]), 2.0, "value of a match")
    k.expect.equal(sorted(k.adapter.store().match(".*b1")), ["store_015_b1"], "names that match .*b1")
    k.expect.equal(dict(k.adapter.store().match("b1")), {}, "names that match b1")
    beginning = sorted(k.adapter.store().match("store_015_a"))
    k.expect.equal(beginning, ["store_015_a1", "store_015_a2"], "names that begin with store_015_a")


@clause("STORE-016", "stored and unknown")
def param_name_finds_stored_leaves(k: Kit) -> None:
    fill(k, "store_016")
    store = k.adapter.store()
    for name, parameter in store.named_parameters():
        k.expect.equal(store.param_name(parameter), name, "name of a stored leaf")
    k.expect.same_object(store.param_name(k.xp.leaf(1.0)), None, "name of an unknown leaf")


@clause("STORE-016", "replaced")
def param_name_forgets_replaced_leaves(k: Kit) -> None:
    fill(k, "store_016")
    store = k.adapter.store()
    replaced = leaf(k, "store_016_real")
    store["store_016_real"] = k.xp.array([5.0, 6.0])
    k.expect.equal(store.param_name(leaf(k, "store_016_real")), "store_016_real", "name of the new leaf")
    k.expect.same_object(store.param_name(replaced), None, "name of the leaf that was replaced")


@clause("STORE-017")
def scope_holds_parameters_of_its_own(k: Kit) -> None:
    store = k.adapter.store()
    k.ppl.param("store_017_outer", k.xp.array(1.0))
    with store.scope() as state:
        k.expect.equal(list(store), [], "names at the start of a scope")
        k.expect.close(k.numpy(k.ppl.param("store_017_outer", k.xp.array(5.0))), 5.0, "an outer name inside the scope")
        k.ppl.param("store_017_inner", k.xp.array(2.0), constraint=k.constraints.positive)
    k.expect.equal(list(store), ["store_017_outer"], "names after the scope")
    k.expect.close(k.numpy(store["store_017_outer"]), 1.0, "the outer parameter after the scope")
    with store.scope(state):
        k.expect.equal(sorted(store), ["store_017_inner", "store_017_outer"], "names in scope(state)")
        k.expect.close(k.numpy(store["store_017_inner"]), 2.0, "an inner parameter in scope(state)")
        k.expect.close(k.numpy(store["store_017_outer"]), 5.0, "the hiding parameter in scope(state)")
        expect_positive(k, "store_017_inner")
    k.expect.equal(list(store), ["store_017_outer"], "names after scope(state)")


@clause("STORE-018")
def scope_ends_with_an_exception(k: Kit) -> None:
    store = k.adapter.store()
    fill(k, "store_018")

    def body() -> None:
        with store.scope():
            k.ppl.param("store_018_inner", k.xp.array(2.0))
            raise ArithmeticError("store_018")

    with contextlib.suppress(ArithmeticError):
        body()
    expect_filled(k, "store_018", "after a scope that raised")


@clause("STORE-019")
def saved_network_comes_back(k: Kit) -> None:
    inputs = np.array([[0.5, -1.0], [2.0, 0.25]])
    k.ppl.module("store_019", k.adapter.net([2, 3, 1], seed=1))
    saved = {name.partition("$$$")[2]: value for name, value in constrained(k).items()}
    fresh = k.adapter.net([2, 3, 1], seed=2)
    with scratch_file() as file:
        k.adapter.store().save(file)
        k.adapter.store().clear()
        k.adapter.store().load(file)
    restored = k.ppl.module("store_019", fresh, update_module_params=True)
    k.expect.close(k.numpy(restored(k.xp.array(inputs))), forward(saved, inputs), "outputs of the restored network")


@clause("STORE-020")
def missing_file_raises(k: Kit) -> None:
    fill(k, "store_020")
    with scratch_file() as file:
        k.expect.raises(lambda: k.adapter.store().load(file), "a missing file", kinds=["FileNotFoundError"])
    expect_filled(k, "store_020", "after the error")


def expect_inert(k: Kit, write: Callable[[Path, Trap], None]) -> None:
    """Whatever ``load`` makes of the file, it calls nothing that the file names."""
    fill(k, "store_021")
    by_file(k, k.adapter.store().clear)
    expect_filled(k, "store_021", "after loading what was saved")
    with scratch_file("store") as name:
        file, witness = Path(name), Path(name).with_name("witness")
        write(file, Trap(witness))
        with contextlib.suppress(Exception):
            k.adapter.store().load(str(file))
        k.expect.equal(witness.exists(), False, "a function named in the file was called")


@clause("STORE-021", "pickle")
def loading_a_pickle_runs_nothing(k: Kit) -> None:
    expect_inert(k, write_pickle)


@clause("STORE-021", "archive")
def loading_an_archive_runs_nothing(k: Kit) -> None:
    expect_inert(k, write_archive)
