"""reparam."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from twofold_torch import HandlerError, UnknownSiteError, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import reparam, trace
from twofold_torch.infer.reparam import LocScaleReparam


def normal(loc: float = 3.0, scale: float = 2.0) -> torch.Tensor:
    with plate("rows", 4000):
        return sample("x", dist.Normal(loc, scale))


def test_config_may_be_a_function_and_misspelt_names_are_noticed() -> None:
    sites = trace(
        reparam(normal, config=lambda site: LocScaleReparam(0.0) if site["name"] == "x" else None)
    ).get_trace()
    assert "x_decentered" in sites

    def model() -> None:
        sample("height", dist.Normal(0.0, 1.0))

    with pytest.raises(UnknownSiteError, match="did you mean 'height'"):
        reparam(model, config={"heigth": LocScaleReparam(0.0)})()
    with pytest.raises(HandlerError, match="config"):
        reparam(model, config=3)


def test_a_rule_of_the_lineage_that_returns_a_law_is_taken() -> None:
    class Doubled:
        def apply(self, msg: Any) -> Any:
            half = sample(f"{msg['name']}_half", msg["fn"])
            return {"fn": dist.Delta(2 * half).mask(False), "value": 2 * half, "is_observed": True}

    sites = trace(reparam(lambda: sample("x", dist.Normal(0.0, 1.0)), config={"x": Doubled()})).get_trace()
    half = sites.nodes["x_half"]["value"]
    assert sites.nodes["x"]["value"] == 2 * half
    assert sites.log_prob_sum().item() == pytest.approx(-0.5 * half.item() ** 2 - 0.5 * math.log(2 * math.pi), rel=1e-5)
