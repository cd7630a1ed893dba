"""The parameter store: mapping, constraints, leaves, states, scopes, threads."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest
import torch
from torch import nn

from twofold_torch import (
    SiteTypeError,
    StoreError,
    SupportError,
    UnknownSiteError,
    get_param_store,
    module,
    param,
    validation_enabled,
)
from twofold_torch.distributions import constraints
from twofold_torch.params import ParamStore


def test_values_are_constrained_and_leaves_are_not() -> None:
    store = ParamStore()
    value = store.setdefault("scale", torch.tensor(2.0), constraints.positive)
    assert value.item() == pytest.approx(2.0)
    ((name, leaf),) = store.named_parameters()
    assert name == "scale"
    assert leaf.item() == pytest.approx(torch.tensor(2.0).log().item())
    assert value.unconstrained() is leaf
    assert store.param_name(leaf) == "scale"
    assert store.constraint("scale") is constraints.positive


def test_the_mapping_protocol_agrees_with_itself_in_registration_order() -> None:
    store = ParamStore()
    assert not store
    for name in ("b", "a", "c"):
        store[name] = torch.tensor(1.0)
    assert list(store) == store.keys() == [name for name, _ in store.items()] == ["b", "a", "c"]
    assert len(store) == len(list(store.values())) == 3
    assert store
    assert "a" in store
    del store["b"]
    assert store.keys() == ["a", "c"]


def test_an_unknown_name_is_reported_with_those_that_there_are() -> None:
    store = ParamStore()
    store["loc"] = torch.tensor(1.0)
    for call in (lambda: store["lok"], lambda: store.__delitem__("lok"), lambda: store.constraint("lok")):
        with pytest.raises(UnknownSiteError, match=r"(?s)'lok'.*'loc'") as caught:
            call()
        assert isinstance(caught.value, KeyError)


def test_the_callers_tensor_is_copied_and_a_parameter_is_shared() -> None:
    store = ParamStore()
    mine, shared = torch.zeros(2), nn.Parameter(torch.zeros(2))
    store["mine"], store["shared"] = mine, shared
    assert dict(store.named_parameters())["shared"] is shared
    with torch.no_grad():
        for leaf in dict(store.named_parameters()).values():
            leaf.add_(1.0)
    assert mine.tolist() == [0.0, 0.0]
    assert not mine.requires_grad


@pytest.mark.parametrize(
    ("init", "constraint"),
    [
        (-1.0, constraints.positive),
        (torch.tensor([0.5, 1.5]), constraints.unit_interval),
        (torch.tensor([0.5, 0.6]), constraints.simplex),
        (torch.tensor(float("nan")), constraints.real),
    ],
)
def test_an_initial_value_that_violates_its_constraint_is_refused(init: Any, constraint: Any) -> None:
    store = ParamStore()
    with pytest.raises(SupportError, match="'p'"):
        store.setdefault("p", init, constraint)
    assert "p" not in store
    assert store.setdefault("p", 3.0).item() == 3.0  # no constraint has stayed behind


@pytest.mark.parametrize("init", [torch.tensor(1), torch.tensor(True), "one", object(), [1, 2]])
def test_an_initial_value_without_gradients_is_refused(init: Any) -> None:
    with pytest.raises(SiteTypeError, match="'p'"):
        ParamStore().setdefault("p", init)


def test_a_constraint_without_a_map_from_the_reals_is_refused() -> None:
    store = ParamStore()
    with pytest.raises(SiteTypeError, match="'p' cannot have this constraint"):
        store.setdefault("p", torch.tensor(1.0), constraints.boolean)
    assert "p" not in store


def test_numbers_and_lists_are_taken_as_tensors() -> None:
    store = ParamStore()
    assert store.setdefault("a", 2).dtype is torch.get_default_dtype()
    assert store.setdefault("b", [1.0, 2.0]).shape == (2,)


def test_a_lazy_value_is_made_once_even_by_many_threads() -> None:
    calls: list[int] = []
    store = ParamStore()

    def init() -> torch.Tensor:
        calls.append(1)
        return torch.randn(3)

    seen: list[Any] = []
    threads = [threading.Thread(target=lambda: seen.append(store.setdefault("p", init))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert all(value is seen[0] for value in seen)


def test_a_scope_belongs_to_its_thread() -> None:
    store = ParamStore()
    store["outer"] = torch.tensor(1.0)
    other: dict[str, list[str]] = {}
    with store.scope():
        store["inner"] = torch.tensor(2.0)
        thread = threading.Thread(target=lambda: other.update(seen=store.keys()))
        thread.start()
        thread.join()
        assert store.keys() == ["inner"]
    assert other["seen"] == ["outer"]
    assert store.keys() == ["outer"]


def test_a_scope_is_taken_up_again_with_the_same_leaves() -> None:
    store = ParamStore()
    with store.scope() as state:
        store["p"] = torch.tensor(1.0)
        leaf = store["p"].unconstrained()
    with store.scope(state):
        assert store["p"].unconstrained() is leaf
        store["q"] = torch.tensor(2.0)
    assert set(state["params"]) == {"p", "q"}
    assert not store


def test_scopes_nest_and_end_with_an_error() -> None:
    store = ParamStore()
    store["a"] = torch.tensor(1.0)
    with pytest.raises(ZeroDivisionError), store.scope(), store.scope():  # noqa: PT012 - the error comes from inside of the block
        store["b"] = torch.tensor(1.0)
        _ = 1 / 0
    assert store.keys() == ["a"]


def test_a_state_is_a_snapshot_and_setting_it_replaces_everything() -> None:
    store = ParamStore()
    store.setdefault("p", torch.tensor([1.0, 2.0]), constraints.positive)
    state = store.get_state()
    with torch.no_grad():
        store["p"].unconstrained().add_(5.0)
    store["other"] = torch.tensor(0.0)
    store.set_state(state)
    assert store.keys() == ["p"]
    assert store["p"].tolist() == pytest.approx([1.0, 2.0])
    with torch.no_grad():
        store["p"].unconstrained().add_(5.0)
    store.set_state(state)
    assert store["p"].tolist() == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"params": {}},
        {"params": {}, "constraints": {}, "more": 1},
        {"params": {"a": torch.tensor(1.0)}, "constraints": {}},
        {"params": {"a": 1.0}, "constraints": {"a": constraints.real}},
        {"params": {"a": torch.tensor(1)}, "constraints": {"a": constraints.real}},
        {"params": {"a": torch.tensor(1.0)}, "constraints": {"a": "real"}},
        {"params": {1: torch.tensor(1.0)}, "constraints": {1: constraints.real}},
        {"params": [], "constraints": {}},
    ],
)
def test_a_malformed_state_is_refused_and_changes_nothing(state: Any) -> None:
    store = ParamStore()
    store["kept"] = torch.tensor(1.0)
    with pytest.raises(StoreError, match="no state of a parameter store"):
        store.set_state(state)
    assert store.keys() == ["kept"]


def test_match_looks_from_the_start_of_the_name() -> None:
    store = ParamStore()
    for name in ("net.weight", "net.bias", "my.net.weight"):
        store[name] = torch.tensor(1.0)
    assert list(store.match(r"net\..*")) == ["net.weight", "net.bias"]


def test_a_replaced_leaf_has_no_name_any_more() -> None:
    store = ParamStore()
    store.setdefault("p", torch.tensor(1.0), constraints.positive)
    former = store["p"].unconstrained()
    store["p"] = torch.tensor(3.0)
    assert store.param_name(former) is None
    assert store["p"].item() == pytest.approx(3.0)
    assert store.constraint("p") is constraints.positive
    with pytest.raises(SupportError):
        store["p"] = torch.tensor(-3.0)
    assert store["p"].item() == pytest.approx(3.0)


def test_networks_with_stored_parameters_can_be_pickled_and_copied() -> None:
    net = module("net", nn.Linear(2, 1))
    get_param_store()["net$$$weight"]
    assert torch.equal(pickle.loads(pickle.dumps(net)).weight, net.weight)
    assert torch.equal(copy.deepcopy(net).weight, net.weight)


def test_param_outside_handlers_reads_and_fills_the_store() -> None:
    assert param("p", torch.tensor(2.0), constraint=constraints.positive).item() == pytest.approx(2.0)
    assert param("p").item() == pytest.approx(2.0)
    assert param("q", init_value=1.0).item() == 1.0
    with pytest.raises(UnknownSiteError, match="'r'"):
        param("r")
    with pytest.raises(SiteTypeError, match="no string"):
        param(3, torch.tensor(1.0))  # type: ignore[arg-type]


def test_without_validation_a_violated_constraint_is_the_callers_affair() -> None:
    with validation_enabled(False):
        assert param("p", torch.tensor(-1.0), constraint=constraints.positive).isnan()
