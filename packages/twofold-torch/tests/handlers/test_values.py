"""condition, uncondition, do, substitute and lift, and the names that they are given."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold_torch import (
    HandlerError,
    TwofoldWarning,
    factor,
    get_param_store,
    param,
    plate,
    sample,
)
from twofold_torch import distributions as dist
from twofold_torch.distributions import constraints
from twofold_torch.handlers import (
    condition,
    do,
    infer_config,
    lift,
    mask,
    scale,
    seed,
    substitute,
    trace,
    uncondition,
)


def chain() -> torch.Tensor:
    z = sample("z", dist.Normal(0.0, 1.0))
    return sample("x", dist.Normal(z, 1.0), obs=torch.tensor(0.5))


def normal_log_density(x: float, loc: float = 0.0) -> float:
    return -0.5 * (x - loc) ** 2 - 0.5 * math.log(2 * math.pi)


def test_condition_takes_numbers_traces_and_functions() -> None:
    recorded = trace(chain).get_trace()
    for given_ in (
        {"data": {"z": 2.0, "x": None}},
        {"condition_fn": lambda site: torch.tensor(2.0) if site["name"] == "z" else None},
    ):
        sites = trace(condition(chain, **given_)).get_trace()
        assert sites.observation_nodes == ["z", "x"]
        assert sites.log_prob_sum().item() == pytest.approx(normal_log_density(2.0) + normal_log_density(0.5, 2.0))
    sites = trace(condition(chain, data=recorded)).get_trace()
    assert sites.nodes["z"]["value"] is recorded.nodes["z"]["value"]


@pytest.mark.parametrize("handler", [condition, substitute])
def test_data_or_a_function_is_needed_and_not_both(handler: Any) -> None:
    name = f"{handler.__name__}_fn"
    for given_ in ({}, {"data": {}, name: lambda site: None}, {"data": 3}):
        with pytest.raises(HandlerError, match=handler.__name__):
            handler(chain, **given_)


def test_uncondition_keeps_the_observation_and_leaves_factors() -> None:
    def model() -> None:
        chain()
        factor("f", torch.tensor(2.0))

    sites = trace(uncondition(model)).get_trace()
    assert sites.nodes["x"]["infer"]["obs"].item() == 0.5
    assert sites.nodes["x"]["infer"]["was_observed"]
    assert sites.nodes["x"]["value"].item() != 0.5
    assert sites.observation_nodes == ["f"]


def test_an_intervention_flows_downstream_while_the_site_is_drawn() -> None:
    sites = trace(do(chain, data={"z": 3.0})).get_trace()
    z = sites.nodes["z"]["value"].item()
    assert z != 3.0
    assert not sites.nodes["z"]["is_observed"]
    assert list(sites.nodes) == ["_INPUT", "z", "x", "_RETURN"]
    assert sites.log_prob_sum().item() == pytest.approx(normal_log_density(z) + normal_log_density(0.5, 3.0), rel=1e-5)


def test_a_counterfactual_observes_one_value_and_sends_another_on() -> None:
    sites = trace(condition(do(chain, data={"z": 1.0}), data={"z": 2.0})).get_trace()
    assert sites.nodes["z"]["value"].item() == 2.0
    assert sites.log_prob_sum().item() == pytest.approx(
        normal_log_density(2.0) + normal_log_density(0.5, 1.0), rel=1e-5
    )


def test_two_interventions_on_one_site_warn_and_the_outer_one_counts() -> None:
    with pytest.warns(TwofoldWarning, match="'z' is the target of two"):
        sites = trace(do(do(chain, data={"z": 1.0}), data={"z": 2.0})).get_trace()
    assert sites.nodes["x"]["fn"].loc.item() == 2.0
    assert list(sites.nodes) == ["_INPUT", "z", "x", "_RETURN"]


def test_a_trace_inside_of_an_intervention_does_not_record_it() -> None:
    inner = trace(chain)
    do(inner, data={"z": 3.0})()
    assert list(inner.trace.nodes) == ["_INPUT", "x", "_RETURN"]


def test_an_intervention_in_a_subsampled_plate_is_scaled_once() -> None:
    def model() -> None:
        with plate("rows", 9, subsample_size=3):
            sample("z", dist.Normal(0.0, 1.0))

    site = trace(do(model, data={"z": torch.zeros(3)})).get_trace().nodes["z"]
    assert site["scale"] == 3.0
    assert len(site["cond_indep_stack"]) == 1


def test_substitute_sets_params_and_leaves_the_store_alone() -> None:
    def model() -> torch.Tensor:
        return param("p", torch.tensor(1.0), constraint=constraints.positive)

    for given_ in ({"data": {"p": 2.0}}, {"substitute_fn": lambda site: torch.tensor(2.0)}):
        assert substitute(model, **given_)().item() == 2.0
        assert len(get_param_store()) == 0


def test_a_lifted_param_is_one_site_outside_of_plates() -> None:
    def model() -> torch.Tensor:
        with plate("rows", 4, subsample=[1, 3]):
            first = param("p", torch.zeros(4), event_dim=0)
            second = param("p", torch.zeros(4), event_dim=0)
        return torch.stack([first, second])

    sites = trace(lift(model, prior={"p": dist.Normal(torch.zeros(4), 1.0).to_event(1)})).get_trace()
    site = sites.nodes["p"]
    assert site["type"] == "sample"
    assert site["cond_indep_stack"] == ()
    assert site["scale"] == 1.0
    assert site["value"].shape == (4,)
    first, second = sites.nodes["_RETURN"]["value"]
    assert torch.equal(first, second)
    assert torch.equal(first, site["value"][[1, 3]])
    assert len(get_param_store()) == 0


def test_a_lifted_param_can_be_conditioned_from_outside() -> None:
    lifted = lift(lambda: param("p", torch.tensor(0.0)), prior=dist.Normal(0.0, 1.0))
    assert condition(lifted, data={"p": torch.tensor(7.0)})().item() == 7.0
    with pytest.raises(HandlerError, match="prior"):
        lift(chain, prior=3.0)


WRAPPERS: dict[str, Any] = {
    "scale": lambda fn: scale(fn, scale=2.0),
    "mask": lambda fn: mask(fn, mask=True),
    "condition": lambda fn: condition(fn, data={"z": torch.tensor(1.5)}),
    "infer": lambda fn: infer_config(fn, config_fn=lambda site: {"k": 1}),
    "seed": lambda fn: seed(fn, rng_seed=3),
}


@given(st.permutations(sorted(WRAPPERS)))
@settings(max_examples=20, deadline=None)
def test_handlers_that_change_different_things_commute(order: list[str]) -> None:
    wrapped: Any = chain
    for name in order:
        wrapped = WRAPPERS[name](wrapped)
    sites = trace(wrapped).get_trace()
    assert sites.nodes["z"]["infer"] == {"k": 1}
    expected = 2 * (normal_log_density(1.5) + normal_log_density(0.5, 1.5))
    assert sites.log_prob_sum().item() == pytest.approx(expected, rel=1e-5)
