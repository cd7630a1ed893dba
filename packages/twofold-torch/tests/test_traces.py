"""Traces: what is recorded, scored, ordered and shown."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from twofold_torch import (
    DuplicateSiteError,
    HandlerError,
    TwofoldWarning,
    deterministic,
    factor,
    param,
    plate,
    sample,
    validation_enabled,
)
from twofold_torch import distributions as dist
from twofold_torch.handlers import Trace, trace


def model() -> torch.Tensor:
    loc = param("test_traces_loc", torch.tensor(0.0))
    x = sample("x", dist.Normal(loc, 1.0))
    k = sample("k", dist.Bernoulli(0.5))
    deterministic("twice", 2 * x)
    with plate("rows", 3):
        sample("y", dist.Normal(x, 1.0), obs=torch.zeros(3))
    return k


def test_sites_are_filed_by_kind() -> None:
    sites = trace(model).get_trace()
    assert sites.param_nodes == ["test_traces_loc"]
    assert sites.stochastic_nodes == ["x", "k", "rows"]
    assert sites.reparameterized_nodes == ["x"]
    assert sites.nonreparam_stochastic_nodes == ["k", "rows"]
    assert sites.observation_nodes == ["y"]
    assert [name for name, _ in sites.iter_stochastic_nodes()] == ["x", "k", "rows"]
    assert list(sites) == ["_INPUT", "test_traces_loc", "x", "k", "twice", "rows", "y", "_RETURN"]
    assert "twice" in sites
    assert len(sites) == 8


def test_detach_cuts_the_values_of_latent_sites_off() -> None:
    sites = trace(model).get_trace()
    assert sites.nodes["x"]["value"].requires_grad
    sites.detach_()
    assert not sites.nodes["x"]["value"].requires_grad


def test_a_copy_has_nodes_of_its_own() -> None:
    sites = trace(model).get_trace()
    other = sites.copy()
    other.nodes["x"]["value"] = None
    other.remove_node("k")
    assert sites.nodes["x"]["value"] is not None
    assert "k" in sites
    assert "k" not in other


def test_a_dense_trace_has_an_edge_from_every_earlier_site_that_may_matter() -> None:
    def loop() -> None:
        sample("z", dist.Normal(0.0, 1.0))
        for i in plate("steps", 2):
            sample(f"a{i}", dist.Normal(0.0, 1.0))
            sample(f"b{i}", dist.Normal(0.0, 1.0))

    sites = trace(loop, graph_type="dense").get_trace()
    edges = {(a, b) for a, b in sites.edges if "steps" not in (a, b)}
    assert edges == {("z", "a0"), ("z", "b0"), ("a0", "b0"), ("z", "a1"), ("z", "b1"), ("a1", "b1")}
    assert set(sites.predecessors("b1")) >= {"z", "a1"}
    assert set(sites.successors("a0")) == {"b0"}
    order = sites.topological_sort()
    assert all(order.index(a) < order.index(b) for a, b in sites.edges)
    assert sites.topological_sort(reverse=True) == order[::-1]
    sites.remove_node("z")
    assert "z" not in {name for edge in sites.edges for name in edge}


def test_edges_can_be_added_by_hand_and_sorted() -> None:
    graph = Trace()
    for name in "abc":
        graph.add_node(name, name=name, type="sample", fn=None, is_observed=False, cond_indep_stack=())
    graph.add_edge("c", "a")
    graph.add_edge("a", "b")
    assert graph.topological_sort() == ["c", "a", "b"]


def test_another_graph_type_is_refused() -> None:
    with pytest.raises(HandlerError, match="graph type"):
        Trace("sparse")  # type: ignore[arg-type]


def test_a_second_statement_of_a_name_is_refused_and_both_kinds_are_named() -> None:
    def twice() -> None:
        sample("x", dist.Normal(0.0, 1.0))
        with plate("x", 2):
            pass

    with pytest.raises(DuplicateSiteError, match=r"(?s)'x'.*sample site, then a plate"):
        trace(twice).get_trace()


def test_a_site_filter_chooses_what_is_scored() -> None:
    sites = trace(model).get_trace()
    sites.compute_log_prob(lambda name, site: name == "y")
    assert "log_prob" in sites.nodes["y"]
    assert "log_prob" not in sites.nodes["x"]
    assert sites.log_prob_sum(lambda name, site: name == "k").item() == pytest.approx(math.log(0.5), rel=1e-5)


def test_a_nan_density_warns_and_names_the_site_with_validation_on() -> None:
    def broken() -> None:
        sample("fine", dist.Normal(0.0, 1.0))
        factor("guilty", torch.tensor(math.inf) - torch.tensor(math.inf))

    def scored() -> torch.Tensor:
        with validation_enabled(False):
            sites = trace(broken).get_trace()
        return sites.log_prob_sum()

    with pytest.warns(TwofoldWarning, match="'guilty'") as caught:
        assert scored().isnan()
    assert "'fine'" not in str(caught[0].message)
    with validation_enabled(False), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scored().isnan()


def test_a_run_without_sample_sites_has_density_zero() -> None:
    assert trace(lambda: None).get_trace().log_prob_sum().item() == 0.0
