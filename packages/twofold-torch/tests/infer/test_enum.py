"""Marking sites for enumeration."""

from __future__ import annotations

import pytest
import torch

from twofold_torch import HandlerError, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import mask, trace
from twofold_torch.infer.enum import config_enumerate


def test_config_enumerate_marks_what_can_be_enumerated() -> None:
    @config_enumerate
    def model() -> None:
        sample("k", dist.Bernoulli(0.5))
        sample("own", dist.Bernoulli(0.5), infer={"enumerate": "sequential"})
        sample("x", dist.Normal(0.0, 1.0))
        sample("y", dist.Bernoulli(0.5), obs=torch.tensor(1.0))
        with mask(mask=True):
            sample("m", dist.Categorical(torch.ones(2)))

    sites = trace(model).get_trace().nodes
    chosen = {name: sites[name]["infer"].get("enumerate") for name in ("k", "own", "x", "y", "m")}
    assert chosen == {"k": "parallel", "own": "sequential", "x": None, "y": None, "m": "parallel"}
    for wrong in ({"default": "serial"}, {"default": "sequential", "num_samples": 3}):
        with pytest.raises(HandlerError, match="config_enumerate"):
            config_enumerate(model, **wrong)
