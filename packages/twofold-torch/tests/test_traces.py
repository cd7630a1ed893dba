"""Traces: what is recorded, scored, ordered and shown."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from twofold_torch import (
    DuplicateSiteError,
    HandlerError,
    ShapeError,
    SiteError,
    SupportError,
    TwofoldWarning,
    deterministic,
    factor,
    param,
    plate,
    sample,
    validation_enabled,
)
from twofold_torch import distributions as dist
from twofold_torch.handlers import Trace, mask, scale, trace

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


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


def test_score_of_a_site_is_scale_times_masked_log_density() -> None:
    def scored() -> None:
        with scale(scale=3.0), mask(mask=torch.tensor([True, False])):
            sample("x", dist.Normal(torch.zeros(2), 1.0), obs=torch.tensor([1.0, 2.0]))

    sites = trace(scored).get_trace()
    sites.compute_log_prob()
    site = sites.nodes["x"]
    expected = [-0.5 - LOG_SQRT_2PI, 0.0]
    assert site["log_prob"].tolist() == pytest.approx([3 * value for value in expected], rel=1e-5)
    assert site["log_prob_sum"].item() == pytest.approx(3 * sum(expected), rel=1e-5)
    assert site["unscaled_log_prob"][0].item() == pytest.approx(expected[0], rel=1e-5)


def test_a_site_filter_chooses_what_is_scored() -> None:
    sites = trace(model).get_trace()
    sites.compute_log_prob(lambda name, site: name == "y")
    assert "log_prob" in sites.nodes["y"]
    assert "log_prob" not in sites.nodes["x"]
    assert sites.log_prob_sum(lambda name, site: name == "k").item() == pytest.approx(math.log(0.5), rel=1e-5)


def test_score_parts_follow_reparameterisation() -> None:
    sites = trace(scale(model, scale=2.0)).get_trace()
    sites.compute_score_parts()
    x, k = sites.nodes["x"]["score_parts"], sites.nodes["k"]["score_parts"]
    assert torch.equal(x.entropy_term, sites.nodes["x"]["log_prob"])
    assert x.score_function == 0
    assert k.entropy_term == 0
    assert k.score_function.item() == pytest.approx(math.log(0.5), rel=1e-5)  # the cost that it multiplies is scaled
    assert k.log_prob.item() == pytest.approx(2 * math.log(0.5), rel=1e-5)


def test_score_parts_of_plain_torch_laws_and_masked_sites() -> None:
    def plain() -> None:
        sample("x", torch.distributions.Normal(0.0, 1.0))
        with mask(mask=torch.tensor(False)):
            sample("k", torch.distributions.Bernoulli(0.5))

    sites = trace(plain).get_trace()
    sites.compute_score_parts()
    assert torch.equal(sites.nodes["x"]["score_parts"].entropy_term, sites.nodes["x"]["log_prob"])
    assert sites.nodes["k"]["score_parts"].score_function.item() == 0.0


def test_nan_in_masked_observations_reaches_neither_density_nor_gradient() -> None:
    data = torch.tensor([1.0, math.nan, -math.inf])
    loc = torch.tensor(0.5, requires_grad=True)

    def masked() -> None:
        with mask(mask=torch.tensor([True, False, False])):
            sample("x", dist.Normal(loc, 1.0).expand([3]), obs=data)

    total = trace(masked).get_trace().log_prob_sum()
    total.backward()
    assert total.item() == pytest.approx(-0.125 - LOG_SQRT_2PI, rel=1e-5)
    assert loc.grad is not None
    assert loc.grad.item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("law", "data"),
    [
        (dist.Exponential(1.0), [1.0, -1.0]),
        (dist.Bernoulli(0.5), [1.0, math.nan]),
        (dist.Dirichlet(torch.ones(2)), [[0.5, 0.5], [math.nan, 2.0]]),
        (torch.distributions.Beta(2.0, 3.0), [0.5, 7.0]),
    ],
)
def test_masked_out_observations_may_lie_outside_the_support(law: object, data: list) -> None:
    def masked(rows: int, inside: list[bool]) -> torch.Tensor:
        with mask(mask=torch.tensor(inside)):
            sample("x", law.expand([rows]), obs=torch.tensor(data[:rows]))  # type: ignore[attr-defined]

    full = trace(masked).get_trace(2, [True, False]).log_prob_sum()
    assert torch.allclose(full, trace(masked).get_trace(1, [True]).log_prob_sum())


def test_a_false_mask_scores_zero_whatever_the_value() -> None:
    def masked() -> None:
        with mask(mask=False):
            sample("x", dist.Exponential(torch.ones(3)), obs=torch.tensor([-1.0, math.nan, 1.0]))

    sites = trace(masked).get_trace()
    assert sites.log_prob_sum().item() == 0.0
    assert sites.nodes["x"]["log_prob"].shape == (3,)


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


def test_an_observation_outside_the_support_is_reported_with_site_and_shapes() -> None:
    def outside() -> None:
        sample("x", dist.Normal(0.0, 1.0))
        sample("count", dist.Exponential(torch.ones(2)), obs=torch.tensor([1.0, -1.0]))

    with pytest.raises(SupportError, match="'count'") as caught:
        trace(outside).get_trace().log_prob_sum()
    assert "-1" in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_an_error_of_a_users_law_is_reported_with_site_and_shapes() -> None:
    class Odd(torch.distributions.Normal):
        def log_prob(self, value: torch.Tensor) -> torch.Tensor:
            raise IndexError("odd")

    sites = trace(lambda: sample("strange", Odd(0.0, 1.0))).get_trace()
    with pytest.raises(SiteError, match=r"(?s)'strange'.*IndexError: odd.*Trace Shapes:"):
        sites.log_prob_sum()


def test_a_shape_error_of_a_law_stays_a_shape_error() -> None:
    class Mismatched(torch.distributions.Normal):
        def log_prob(self, value: torch.Tensor) -> torch.Tensor:
            return torch.zeros(2) + torch.zeros(3)

    with pytest.raises(ShapeError, match="'strange'"):
        trace(lambda: sample("strange", Mismatched(0.0, 1.0))).get_trace().log_prob_sum()


def test_a_function_without_density_adds_nothing_and_cannot_be_observed() -> None:
    def coin() -> torch.Tensor:
        return torch.tensor(1.0)

    assert trace(lambda: sample("coin", coin)).get_trace().log_prob_sum().item() == 0.0
    with pytest.raises(SiteError, match="'coin' is observed"):
        trace(lambda: sample("coin", coin, obs=torch.tensor(0.0))).get_trace().log_prob_sum()


def test_arguments_of_a_users_stochastic_function_reach_draw_and_density() -> None:
    class Shifted:
        def __call__(self, by: float) -> torch.Tensor:
            return torch.tensor(by)

        def log_prob(self, value: torch.Tensor, by: float) -> torch.Tensor:
            return value - 2 * by

    sites = trace(lambda: sample("x", Shifted(), 3.0)).get_trace()
    assert sites.nodes["x"]["value"].item() == 3.0
    assert sites.log_prob_sum().item() == -3.0


def test_the_table_of_shapes_keeps_batch_and_event_dims_apart() -> None:
    def shaped() -> None:
        param("test_traces_p", torch.zeros(4, 2), event_dim=1)
        with plate("rows", 3):
            sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        deterministic("d", torch.zeros(5))

    sites = trace(shaped).get_trace()
    sites.compute_log_prob()
    lines = sites.format_shapes("Title").splitlines()
    assert lines[0] == "Title"
    fields = [line.split() for line in lines[1:]]
    assert ["test_traces_p", "param", "4", "2"] in fields
    assert ["x", "law", "3", "|", "2"] in fields
    assert ["value", "3", "|", "2"] in fields
    assert ["log_prob", "3", "|"] in fields
    assert ["rows", "plate", "3"] in fields
    assert ["d", "deterministic", "5"] in fields
    assert "d" not in sites.format_shapes(last_site="x").split()


def test_a_run_without_sample_sites_has_density_zero() -> None:
    assert trace(lambda: None).get_trace().log_prob_sum().item() == 0.0


def test_a_vectorised_density_can_be_mapped() -> None:
    def density(x: torch.Tensor) -> torch.Tensor:
        return trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=x)).get_trace().log_prob_sum()

    mapped = torch.func.vmap(density)(torch.tensor([0.0, 1.0]))
    assert mapped.tolist() == pytest.approx([-LOG_SQRT_2PI, -LOG_SQRT_2PI - 0.5], rel=1e-5)
