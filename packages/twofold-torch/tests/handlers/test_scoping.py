"""block, scope and infer_config."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from twofold_torch import HandlerError, deterministic, get_param_store, param, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import block, infer_config, scope, trace


def model() -> None:
    loc = param("p", torch.tensor(0.0))
    with plate("rows", 2):
        sample("x", dist.Normal(loc, 1.0))
    deterministic("d", loc)
    sample("y", dist.Normal(loc, 1.0), obs=torch.tensor(0.0))


def names(**settings: Any) -> list[str]:
    sites = trace(block(model, **settings)).get_trace()
    return [name for name in sites if not name.startswith("_")]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, []),
        ({"hide_all": True}, []),
        ({"expose_all": True}, ["p", "rows", "x", "d", "y"]),
        ({"hide": ["x"]}, ["p", "rows", "d", "y"]),
        ({"expose": ["x"]}, ["x"]),
        ({"hide_types": ["param"]}, ["rows", "x", "d", "y"]),
        ({"expose_types": ["param"]}, ["p"]),
        ({"expose_types": ["sample"]}, ["rows", "x"]),
        ({"expose_types": ["observe"]}, ["y"]),
        ({"hide_types": ["observe"]}, ["p", "rows", "x", "d"]),
        ({"hide_types": ["sample"]}, ["p", "d", "y"]),
        ({"hide": ["x"], "expose": ["d"]}, ["d"]),
        ({"hide_types": ["param"], "expose_types": ["sample"]}, ["rows", "x"]),
        ({"hide_all": True, "hide": ["x"]}, ["p", "rows", "d", "y"]),
        ({"hide_all": False}, ["p", "rows", "x", "d", "y"]),
        ({"hide_fn": lambda site: site["name"] == "x"}, ["p", "rows", "d", "y"]),
        ({"expose_fn": lambda site: site["name"] == "x"}, ["x"]),
        ({"hide_all": True, "expose": ["d"], "expose_types": ["param"]}, ["p", "d"]),
        ({"expose_all": True, "hide": ["d"], "hide_types": ["param"]}, ["rows", "x", "y"]),
    ],
)
def test_block_shows_what_its_settings_say(settings: dict[str, Any], shown: list[str]) -> None:
    assert names(**settings) == shown


@pytest.mark.parametrize(
    "settings",
    [
        {"hide": ["x"], "expose": ["x"]},
        {"hide_types": ["param"], "expose_types": ["param"]},
        {"hide_all": True, "expose_all": True},
        {"hide_fn": bool, "expose_fn": bool},
        {"hide": "x"},
    ],
)
def test_contradictions_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(HandlerError, match="block"):
        block(model, **settings)


def test_hidden_params_are_still_stored() -> None:
    names()
    assert get_param_store().keys() == ["p"]


def test_scope_renames_sites_params_and_frames_alike() -> None:
    sites = trace(scope(scope(model, prefix="inner"), prefix="outer", divider=".")).get_trace()
    prefix = "outer.inner/"
    assert list(sites)[1:-1] == [prefix + name for name in ("p", "rows", "x", "d", "y")]
    assert [frame.name for frame in sites.nodes[prefix + "x"]["cond_indep_stack"]] == [prefix + "rows"]
    assert get_param_store().keys() == [prefix + "p"]


def test_scope_leaves_hidden_types_alone() -> None:
    sites = trace(scope(model, prefix="a", hide_types=["param", "plate"])).get_trace()
    assert list(sites)[1:-1] == ["p", "rows", "a/x", "a/d", "a/y"]
    assert [frame.name for frame in sites.nodes["a/x"]["cond_indep_stack"]] == ["rows"]
    with pytest.raises(HandlerError, match="prefix"):
        scope(model, prefix=3)  # type: ignore[arg-type]


def test_one_function_is_used_twice_in_two_scopes() -> None:
    def both() -> None:
        for name in ("left", "right"):
            with scope(prefix=name):
                model()

    assert len(trace(both).get_trace()) == 12


def test_infer_config_merges_and_does_not_touch_the_callers_dict() -> None:
    mine = {"a": 1}

    def marked() -> None:
        param("p", torch.tensor(0.0))
        sample("x", dist.Normal(0.0, 1.0), infer=mine)

    sites = trace(infer_config(marked, config_fn=lambda site: {"b": site["name"]})).get_trace()
    assert sites.nodes["x"]["infer"] == {"a": 1, "b": "x"}
    assert sites.nodes["p"]["infer"] == {"b": "p"}
    assert mine == {"a": 1}
    with pytest.raises(HandlerError, match="config_fn"):
        infer_config(marked, config_fn={"a": 1})  # type: ignore[arg-type]
