"""The table of shapes."""

from __future__ import annotations

import torch

from twofold_torch import (
    deterministic,
    param,
    plate,
    sample,
)
from twofold_torch import distributions as dist
from twofold_torch.handlers import trace


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
