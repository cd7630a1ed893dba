"""queue and escape: one value after the other."""

from __future__ import annotations

from queue import LifoQueue

import pytest
import torch

from twofold_torch import HandlerError, InferenceError, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import Trace, queue
from twofold_torch.infer.enum import iter_discrete_traces


def test_each_joint_value_is_visited_once() -> None:
    def model() -> None:
        a = sample("a", dist.Bernoulli(0.5), infer={"enumerate": "sequential"})
        if a > 0.5:  # structure may depend on the values
            sample("b", dist.Categorical(torch.ones(3)), infer={"enumerate": "sequential"})
        sample("c", dist.Normal(0.0, 1.0))

    traces = list(iter_discrete_traces("flat", model))
    seen = [tuple(t.nodes[n]["value"].item() for n in ("a", "b") if n in t) for t in traces]
    assert sorted(seen) == [(0.0,), (1.0, 0), (1.0, 1), (1.0, 2)]
    assert all("c" in t for t in traces)
    assert all("_RETURN" in t for t in traces)


def test_a_queue_needs_traces_and_gives_up_in_the_end() -> None:
    with pytest.raises(HandlerError, match="queue"):
        queue(lambda: None)
    pending: LifoQueue[Trace] = LifoQueue()
    pending.put(Trace())
    limited = queue(lambda: sample("z", dist.Bernoulli(0.5)), queue=pending, max_tries=1)
    with pytest.raises(InferenceError, match="max_tries"):
        limited()
