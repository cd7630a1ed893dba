"""What a kernel is: frozen settings, with ``init`` and ``step`` on explicit state.

State is what the next step needs, Info what a diagnostic needs, Tuning what warming up changes.  Chains move in
lockstep: every array has the chains as its first dim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ..dynamics import DensityAndGradient, Metric

__all__ = ["Info", "Kernel", "State", "Tuning"]


class State(NamedTuple):
    """Where the chains are."""

    position: Tensor
    """Flat and unconstrained, (chains, dim)."""
    log_density: Tensor
    gradient: Tensor


class Tuning(NamedTuple):
    """What adaptation tunes; changed by making another."""

    step_size: Tensor
    """(chains,)."""
    metric: Metric


class Info(NamedTuple):
    """What one step was like, each of shape (chains,)."""

    accept_prob: Tensor
    """Mean acceptance probability along the trajectory, in [0, 1]."""
    num_steps: Tensor
    """Leapfrog steps, each one gradient."""
    diverging: Tensor
    tree_depth: Tensor
    """Doublings of the trajectory; 0 for kernels that do not double."""
    energy: Tensor
    """Hamiltonian of the new state: kinetic energy minus log density."""


class Kernel(Protocol):
    """A Markov transition that leaves a density invariant.

    ``MCMC`` needs nothing else of a kernel than these members.
    """

    @property
    def model(self) -> Any: ...

    def init(self, position: Tensor, density: DensityAndGradient) -> State:
        """The state at positions."""

    def step(
        self,
        streams: Sequence[torch.Generator],
        state: State,
        density: DensityAndGradient,
        tuning: Tuning,
        is_warmup: bool,
    ) -> tuple[State, Info]:
        """One transition of every chain."""
