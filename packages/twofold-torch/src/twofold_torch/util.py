"""Seeds and states of the random generators."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

__all__ = ["get_rng_state", "set_rng_seed", "set_rng_state"]


def set_rng_seed(rng_seed: int) -> None:
    """Seed the generators of torch, NumPy and Python.

    Args:
        rng_seed: an integer; NumPy takes its last 32 bits.

    Example:
        >>> set_rng_seed(0)
        >>> torch.rand(()).item() == (set_rng_seed(0), torch.rand(()).item())[1]
        True
    """
    torch.manual_seed(rng_seed)
    random.seed(rng_seed)
    np.random.seed(rng_seed % 2**32)


def get_rng_state() -> dict[str, Any]:
    """The states of the generators of torch (of every CUDA device in use, too), NumPy and Python."""
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "random": random.getstate(),
        "numpy": np.random.get_state(),
    }
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Put the generators back to what ``get_rng_state`` has given."""
    torch.set_rng_state(state["torch"])
    random.setstate(state["random"])
    np.random.set_state(state["numpy"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
