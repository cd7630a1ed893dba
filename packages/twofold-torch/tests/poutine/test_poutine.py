"""The lineage's module paths lead to the same objects."""

from __future__ import annotations

import torch

from twofold_torch import distributions as dist
from twofold_torch import factor, handlers, plate, poutine, sample
from twofold_torch.poutine.messenger import Messenger
from twofold_torch.poutine.runtime import apply_stack, effectful
from twofold_torch.poutine.trace_messenger import TraceMessenger
from twofold_torch.poutine.trace_struct import Trace
from twofold_torch.poutine.util import prune_subsample_sites, site_is_factor, site_is_subsample


def test_all_names_are_those_of_handlers() -> None:
    assert set(handlers.__all__) <= set(poutine.__all__)
    for name in handlers.__all__:
        assert getattr(poutine, name) is getattr(handlers, name)
    assert Messenger is handlers.Messenger
    assert Trace is handlers.Trace
    assert TraceMessenger is handlers.trace
    assert (apply_stack, effectful) == (handlers.apply_stack, handlers.effectful)


def test_sites_of_plates_and_factors_can_be_told_apart_and_pruned() -> None:
    def model() -> None:
        with plate("rows", 3):
            sample("x", dist.Normal(0.0, 1.0))
        factor("f", torch.tensor(1.0))

    sites = poutine.trace(model).get_trace()
    named = {name: site for name, site in sites.nodes.items() if not name.startswith("_")}
    assert [name for name, site in named.items() if site_is_subsample(site)] == ["rows"]
    assert [name for name, site in named.items() if site_is_factor(site)] == ["f"]
    assert "rows" not in prune_subsample_sites(sites)
    assert "rows" in sites
