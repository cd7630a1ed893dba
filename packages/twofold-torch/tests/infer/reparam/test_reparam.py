"""Reparameterisers leave the law of a site as it is, and refuse what they cannot treat."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy import stats

from twofold_torch import HandlerError, SiteError, get_param_store, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import condition, reparam, trace
from twofold_torch.infer.reparam import LocScaleReparam, Reparam, TransformReparam


def normal(loc: float = 3.0, scale: float = 2.0) -> torch.Tensor:
    with plate("rows", 4000):
        return sample("x", dist.Normal(loc, scale))


@pytest.mark.parametrize("centered", [0, 0.0, 0.3, 1, torch.tensor(0.7)])
def test_decentering_keeps_the_law(centered: Any) -> None:
    # Kolmogorov-Smirnov at a fixed seed; error rate 1e-3 per case
    sites = trace(reparam(normal, config={"x": LocScaleReparam(centered)})).get_trace()
    value = sites.nodes["_RETURN"]["value"]
    assert stats.kstest(value.numpy(), "norm", args=(3.0, 2.0)).pvalue > 1e-3
    if isinstance(centered, torch.Tensor) or centered != 1:
        assert sites.nodes["x"]["type"] == "deterministic"
        assert sites.stochastic_nodes == ["rows", "x_decentered"]
        aux = sites.nodes["x_decentered"]
        c = float(centered)
        assert aux["fn"].loc.unique().item() == pytest.approx(3.0 * c)
        assert aux["fn"].scale.unique().item() == pytest.approx(2.0**c)
        assert aux["scale"] == 1.0
        assert len(aux["cond_indep_stack"]) == 1
    else:
        assert sites.stochastic_nodes == ["rows", "x"]


def test_a_learnable_centering_is_a_param_in_the_unit_interval() -> None:
    def model() -> None:
        sample("x", dist.Normal(torch.zeros(3), 2.0).to_event(1))

    sites = trace(reparam(model, config={"x": LocScaleReparam()})).get_trace()
    assert sites.param_nodes == ["x_centered"]
    assert get_param_store()["x_centered"].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert sites.nodes["x_decentered"]["fn"].event_shape == (3,)


def test_further_arguments_of_the_law_are_kept() -> None:
    law = torch.distributions.StudentT(5.0, torch.tensor(1.0), 2.0)
    sites = trace(reparam(lambda: sample("x", law), config={"x": LocScaleReparam(0.0)})).get_trace()
    aux = sites.nodes["x_decentered"]["fn"]
    assert (aux.df.item(), aux.loc.item(), aux.scale.item()) == (5.0, 0.0, 1.0)


@pytest.mark.parametrize("rule", [LocScaleReparam(0.0), TransformReparam()])
def test_an_observed_site_is_refused_by_name(rule: Reparam) -> None:
    def model() -> None:
        sample("x", dist.LogNormal(0.0, 1.0), obs=torch.tensor(1.0))

    with pytest.raises(SiteError, match=r"(?s)'x'.*observation"):
        reparam(model, config={"x": rule})()
    inner = reparam(condition(normal, data={"x": torch.zeros(4000)}), config={"x": rule})
    with pytest.raises(SiteError, match="'x'"):
        inner()


@pytest.mark.parametrize("rule", [LocScaleReparam(0.0), TransformReparam()])
def test_a_law_of_another_kind_is_refused_by_name(rule: Reparam) -> None:
    with pytest.raises(SiteError, match=r"(?s)'x'.*Exponential"):
        reparam(lambda: sample("x", dist.Exponential(1.0)), config={"x": rule})()


def test_a_centering_outside_of_its_range_is_refused() -> None:
    for wrong in (-0.1, 1.5, torch.tensor([0.5, 2.0])):
        with pytest.raises(HandlerError, match="outside its range"):
            LocScaleReparam(wrong)


def test_a_transformed_law_is_the_image_of_its_base() -> None:
    law = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(torch.zeros(3), 1.0), [torch.distributions.transforms.ExpTransform()]
    )

    def model() -> torch.Tensor:
        with plate("rows", 2, dim=-2):
            return sample("x", law)

    sites = trace(reparam(model, config={"x": TransformReparam()})).get_trace()
    base = sites.nodes["x_base"]["value"]
    assert base.shape == (2, 3)
    assert torch.allclose(sites.nodes["_RETURN"]["value"], base.exp())
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(base).sum()
    assert torch.allclose(sites.log_prob_sum(), expected)


def test_a_transformed_law_with_event_dims_has_a_base_of_the_same_event() -> None:
    law = torch.distributions.Independent(torch.distributions.LogNormal(torch.zeros(3), 1.0), 1)
    sites = trace(reparam(lambda: sample("x", law), config={"x": TransformReparam()})).get_trace()
    assert sites.nodes["x_base"]["fn"].event_shape == (3,)
