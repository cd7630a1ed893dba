"""Values of messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from twofold_torch import distributions as dist
from twofold_torch import sample
from twofold_torch.handlers import trace


@pytest.mark.parametrize(
    ("law", "obs", "dtype"),
    [
        (dist.Normal(torch.zeros((), dtype=torch.float64), 1.0), 0.1, torch.float64),
        (dist.Normal(0.0, 1.0), 1, torch.float32),
        (dist.Bernoulli(0.5), True, torch.float32),
        (dist.Categorical(torch.ones(3)), 2, torch.int64),
        (dist.Normal(0.0, 1.0), np.float64(0.5), torch.float64),
        (dist.Normal(torch.zeros(2), 1.0), np.ones(2, dtype=np.float32), torch.float32),
        (dist.Normal(torch.zeros(2), 1.0), [1.0, 2.0], torch.float32),
    ],
)
def test_observations_that_are_no_tensors_become_tensors_of_the_laws_kind(law: Any, obs: Any, dtype: Any) -> None:
    sites = trace(lambda: sample("x", law, obs=obs)).get_trace()
    value = sites.nodes["x"]["value"]
    assert isinstance(value, torch.Tensor)
    if not isinstance(obs, np.generic):
        assert value.dtype is dtype
    assert np.allclose(value.numpy(), obs)
    assert sites.log_prob_sum().isfinite()
