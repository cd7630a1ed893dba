"""trace and replay."""

from __future__ import annotations

import pytest
import torch

from twofold_torch import HandlerError, PlateError, SiteError, TwofoldWarning, UnknownSiteError, param, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import condition, replay, trace


def model() -> torch.Tensor:
    loc = param("loc", torch.tensor(0.0))
    height = sample("height", dist.Normal(loc, 1.0))
    return sample("weight", dist.Normal(height, 1.0), obs=torch.tensor(0.5))


def test_a_recorder_is_a_context_manager_too() -> None:
    with trace() as recorder:
        model()
    assert list(recorder.trace.nodes) == ["loc", "height", "weight"]
    assert recorder.nodes is recorder.trace.nodes
    with trace(param_only=True) as recorder:
        model()
    assert list(recorder.trace.nodes) == ["loc"]


def test_arguments_and_result_are_recorded_beside_the_sites() -> None:
    sites = trace(lambda a, b=1: a + b).get_trace(2, b=3)
    assert sites.nodes["_INPUT"]["args"] == (2,)
    assert sites.nodes["_INPUT"]["kwargs"] == {"b": 3}
    assert sites.nodes["_RETURN"]["value"] == 5


def test_each_run_has_a_trace_of_its_own() -> None:
    handler = trace(model)
    first, second = handler.get_trace(), handler.get_trace()
    assert first is not second
    assert first.nodes["height"]["value"] != second.nodes["height"]["value"]


def test_an_error_of_the_model_keeps_its_class_and_gains_a_table() -> None:
    class Oops(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(a, b)

    def failing() -> None:
        model()
        raise Oops(1, 2)

    with pytest.raises(Oops) as caught:
        trace(trace(failing)).get_trace()
    notes = caught.value.__notes__
    assert len(notes) == 1
    assert "height" in notes[0]


def test_replay_gives_latent_values_back_and_scores_them_by_the_present_law() -> None:
    recorded = trace(model).get_trace()

    def wider() -> None:
        sample("height", dist.Normal(0.0, 2.0))

    sites = trace(replay(wider, trace=recorded)).get_trace()
    value = recorded.nodes["height"]["value"]
    assert sites.nodes["height"]["value"] is value
    assert not sites.nodes["height"]["is_observed"]
    assert torch.allclose(sites.log_prob_sum(), torch.distributions.Normal(0.0, 2.0).log_prob(value))


def test_replay_takes_params_as_plain_values() -> None:
    sites = trace(replay(model, params={"loc": 3.0})).get_trace()
    assert sites.nodes["loc"]["value"].item() == 3.0
    assert param("loc", torch.tensor(0.0)).item() == 0.0
    with pytest.raises(HandlerError, match="trace or params"):
        replay(model)


def test_an_observed_counterpart_is_refused() -> None:
    observed = trace(condition(model, data={"height": torch.tensor(1.0)})).get_trace()
    with pytest.raises(SiteError, match=r"(?s)'height' is latent.*observed"):
        replay(model, trace=observed)()


def test_a_misspelt_site_of_a_guide_is_an_error_and_another_one_a_warning() -> None:
    def guide(name: str) -> None:
        sample(name, dist.Normal(0.0, 1.0))

    with pytest.raises(UnknownSiteError, match=r"did you mean 'height'\?"):
        replay(model, trace=trace(guide).get_trace("heigth"))()
    with pytest.warns(TwofoldWarning, match="'shoe_size'"):
        replay(model, trace=trace(guide).get_trace("shoe_size"))()


def test_names_of_auxiliary_sites_and_plates_are_not_reported() -> None:
    def guide() -> None:
        sample("auxiliary", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
        with plate("rows", 3):
            pass
        sample("height", dist.Normal(0.0, 1.0))

    replay(model, trace=trace(guide).get_trace())()


def test_replayed_values_have_to_fit_the_plates() -> None:
    def sized(rows: int) -> None:
        with plate("rows", rows):
            sample("x", dist.Normal(0.0, 1.0))

    recorded = trace(sized).get_trace(3)
    with pytest.raises(PlateError, match="'rows'"):
        trace(replay(sized, trace=recorded)).get_trace(4)
