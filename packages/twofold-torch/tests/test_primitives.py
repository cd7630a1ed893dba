"""The statements, beyond what the conformance kit asks of every implementation."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from twofold_torch import SiteError, SiteTypeError, SupportError, deterministic, factor, param, plate, sample, subsample
from twofold_torch import distributions as dist
from twofold_torch.handlers import mask, trace


def test_a_class_of_a_law_is_made_from_the_arguments_and_drawn() -> None:
    value = sample("x", dist.Normal, torch.zeros(3), scale=1.0)
    assert value.shape == (3,)
    site = trace(lambda: sample("x", torch.distributions.Gamma, 2.0, 1.0)).get_trace().nodes["x"]
    assert isinstance(site["fn"], torch.distributions.Gamma)


def test_wrong_arguments_of_a_class_name_the_site() -> None:
    with pytest.raises(SiteTypeError, match="'x': Normal cannot be made"):
        sample("x", dist.Normal, 0.0, 1.0, 2.0, 3.0, 4.0)
    with pytest.raises(SupportError) as caught:
        sample("x", dist.Normal, 0.0, -1.0)
    assert "site 'x'" in str(caught.value)


@pytest.mark.parametrize("law", [torch.distributions.Normal(0.0, 1.0), torch.distributions.Poisson(2.0)])
def test_plain_torch_laws_are_drawn_and_scored(law: Any) -> None:
    assert sample("x", law).shape == ()

    def model() -> None:
        with plate("rows", 3):
            sample("x", law)

    sites = trace(model).get_trace()
    value = sites.nodes["x"]["value"]
    assert value.shape == (3,)
    assert torch.allclose(sites.log_prob_sum(), law.log_prob(value).sum())
    assert value.unique().numel() > 1


def test_a_sample_shape_is_known_to_draw_plate_and_density() -> None:
    law = dist.Normal(torch.zeros(2), 1.0)

    def model() -> torch.Tensor:
        return sample("x", law, (3,))

    sites = trace(model).get_trace()
    assert sites.nodes["x"]["value"].shape == (3, 2)
    sites.compute_log_prob()
    assert sites.nodes["x"]["log_prob"].shape == (3, 2)
    assert sample("x", law, sample_shape=[4]).shape == (4, 2)
    with plate("rows", 3, dim=-2):
        assert model().shape == (3, 2)


@pytest.mark.parametrize("arguments", [(torch.zeros(3),), ((2,), (3,)), (2.5,), ("abc",)])
def test_an_observation_in_the_place_of_an_argument_is_refused_with_advice(arguments: tuple) -> None:
    with pytest.raises(SiteTypeError, match=r"(?s)'x'.*obs="):
        sample("x", dist.Normal(0.0, 1.0), *arguments)


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(SiteTypeError, match="obz"):
        sample("x", dist.Normal(0.0, 1.0), obz=1.0)
    with pytest.raises(TypeError):
        sample("x", lambda: 1.0, obz=1.0)


@pytest.mark.parametrize("nothing", [None, 3.0, torch.tensor(1.0), "law"])
def test_what_cannot_be_drawn_from_is_refused(nothing: Any) -> None:
    with pytest.raises(SiteTypeError, match="'x' has no law"):
        sample("x", nothing)


@pytest.mark.parametrize("name", [None, 1, ("a",)])
def test_a_name_is_a_string(name: Any) -> None:
    for statement in (
        lambda: sample(name, dist.Normal(0.0, 1.0)),
        lambda: factor(name, 0.0),
        lambda: deterministic(name, 0.0),
    ):
        with pytest.raises(SiteTypeError, match="no string"):
            statement()


def test_infer_is_copied_and_has_to_be_a_dict() -> None:
    given = {"enumerate": "parallel"}
    site = trace(lambda: sample("x", dist.Normal(0.0, 1.0), infer=given)).get_trace().nodes["x"]
    assert site["infer"] == given
    assert site["infer"] is not given
    with pytest.raises(SiteTypeError, match="infer"):
        sample("x", dist.Normal(0.0, 1.0), infer="parallel")  # type: ignore[arg-type]


def test_a_vector_of_observations_of_one_law_is_fine_outside_plates() -> None:
    data = torch.tensor([0.0, 1.0, 2.0])
    total = trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=data)).get_trace().log_prob_sum()
    assert total.item() == pytest.approx(torch.distributions.Normal(0.0, 1.0).log_prob(data).sum().item())


@pytest.mark.parametrize("handled", [True, False])
def test_observations_are_kept_where_the_mask_is_true_and_drawn_elsewhere(handled: bool) -> None:
    data = torch.tensor([5.0, math.nan, 7.0])

    def model() -> torch.Tensor:
        return sample("x", dist.Normal(torch.zeros(3), 1.0), obs=data, obs_mask=~data.isnan(), infer={"k": 1})

    if not handled:
        value = model()
    else:
        sites = trace(model).get_trace()
        value = sites.nodes["_RETURN"]["value"]
        assert sites.nodes["x_observed"]["infer"] == sites.nodes["x_unobserved"]["infer"] == {"k": 1}
        assert sites.nodes["x"]["type"] == "deterministic"
        law = torch.distributions.Normal(0.0, 1.0)
        assert torch.allclose(sites.log_prob_sum(), law.log_prob(value).sum())
    assert value[[0, 2]].tolist() == [5.0, 7.0]
    assert value[1].isfinite()


@pytest.mark.parametrize("flag", [True, False])
def test_an_observation_mask_may_be_a_python_bool(flag: bool) -> None:
    sites = trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(9.0), obs_mask=flag)).get_trace()
    assert (sites.nodes["x"]["value"].item() == 9.0) is flag


def test_a_wrong_observation_mask_is_refused() -> None:
    with pytest.raises(SiteTypeError, match="not boolean"):
        sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(0.0), obs_mask=torch.tensor(1.0))
    with pytest.raises(SiteError, match="no obs"):
        sample("x", dist.Normal(0.0, 1.0), obs_mask=torch.tensor(True))


def test_an_observation_mask_reaches_event_dims() -> None:
    law = dist.Normal(torch.zeros(2, 3), 1.0).to_event(1)
    value = sample("x", law, obs=torch.full((2, 3), 5.0), obs_mask=torch.tensor([True, False]))
    assert (value[0] == 5.0).all()
    assert (value[1] != 5.0).all()


def test_an_observation_outside_handlers_warns_at_the_callers_line() -> None:
    with pytest.warns(RuntimeWarning, match="'x'") as caught:
        assert sample("x", dist.Normal(0.0, 1.0), obs=2.0) == 2.0
    assert caught[0].filename == __file__


def test_factor_and_deterministic_are_silent_outside_handlers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert factor("f", torch.tensor(1.0)) is None
        assert deterministic("d", 3) == 3


def test_factor_names_itself_in_errors() -> None:
    with pytest.raises(SiteTypeError) as caught:
        factor("guilty", "much")  # type: ignore[arg-type]
    assert "guilty" in str(caught.value)


@pytest.mark.parametrize("flag", [None, True, False])
def test_a_factor_keeps_what_was_said_of_its_gradient(flag: bool | None) -> None:
    site = trace(lambda: factor("f", torch.tensor(0.5), has_rsample=flag)).get_trace().nodes["f"]
    assert site["infer"].get("has_rsample") is flag
    assert site["fn"].has_rsample is bool(flag)


def test_deterministic_values_are_untouched_by_plates_masks_and_event_dims() -> None:
    def model() -> None:
        with plate("rows", 4, subsample_size=2), mask(mask=False):
            deterministic("d", torch.zeros(7), event_dim=1)

    site = trace(model).get_trace().nodes["d"]
    assert site["value"].shape == (7,)
    assert site["infer"] == {"_deterministic": True}
    assert site["kwargs"] == {"event_dim": 1}


@pytest.mark.parametrize("positional", [True, False])
def test_subsample_takes_the_rows_of_the_plates(positional: bool) -> None:
    data = torch.arange(24.0).reshape(2, 4, 3)
    with plate("a", 2, dim=-2), plate("b", 4, subsample=[3, 0], dim=-1):
        rows = subsample(data, 1) if positional else subsample(data, event_dim=1)
    assert torch.equal(rows, data[:, [3, 0]])
    assert subsample(data, 1) is data
    with plate("a", 4):
        assert subsample(data, 1) is data


def test_subsample_accepts_arrays_and_checks_its_arguments() -> None:
    with plate("b", 4, subsample=[3, 0]):
        assert subsample(np.arange(4.0), event_dim=0).tolist() == [3.0, 0.0]
        with pytest.raises(ValueError, match="'b'"):
            subsample(torch.zeros(5), event_dim=0)
    with pytest.raises(SiteTypeError, match="event dims"):
        subsample(torch.zeros(4), event_dim=-1)


def test_the_rows_outside_a_batch_get_no_gradient() -> None:
    def model() -> torch.Tensor:
        with plate("rows", 4, subsample=[1, 2]):
            return param("w", torch.ones(4, 2), event_dim=1).sum()

    trace(model).get_trace().nodes["_RETURN"]["value"].backward()
    leaf = param("w").unconstrained()
    assert leaf.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
