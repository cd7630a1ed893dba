"""Seeds and states of the generators."""

from __future__ import annotations

import random

import numpy as np
import torch

from twofold_torch import set_rng_seed
from twofold_torch.util import get_rng_state, set_rng_state


def test_a_seed_reaches_all_generators_and_states_are_put_back() -> None:
    def draws() -> tuple[float, float, float]:
        return torch.rand(()).item(), random.random(), float(np.random.rand())

    set_rng_seed(7)
    state, first = get_rng_state(), draws()
    set_rng_seed(7)
    assert draws() == first
    set_rng_state(state)
    assert draws() == first
    set_rng_seed(2**40)
