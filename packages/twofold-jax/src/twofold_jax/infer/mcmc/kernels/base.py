"""What a kernel is: frozen settings, with ``init`` and ``step`` on explicit state.

State is what the next step needs, Info what a diagnostic needs, Tuning what warming up changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from jax import Array

from twofold_jax.infer.mcmc.dynamics import DensityAndGradient, Metric

__all__ = ["Info", "Kernel", "State", "Tuning"]


class State(NamedTuple):
    """Where one chain is."""

    position: Array
    """Flat and unconstrained, (dim,)."""
    log_density: Array
    gradient: Array


class Tuning(NamedTuple):
    """What adaptation tunes; changed by making another."""

    step_size: Array
    metric: Metric


class Info(NamedTuple):
    """What one step was like."""

    accept_prob: Array
    """Mean acceptance probability along the trajectory, in [0, 1]."""
    num_steps: Array
    """Leapfrog steps, each one gradient."""
    diverging: Array
    tree_depth: Array
    """Doublings of the trajectory; 0 for kernels that do not double."""
    energy: Array
    """Hamiltonian of the new state: kinetic energy minus log density."""


class Kernel(Protocol):
    """A Markov transition that leaves a density invariant.

    ``MCMC`` needs nothing else of a kernel than these members.
    """

    @property
    def model(self) -> Any: ...

    def init(self, position: Array, density: DensityAndGradient) -> State:
        """The state at a position."""

    def step(
        self, rng_key: Array, state: State, density: DensityAndGradient, tuning: Tuning, is_warmup: Array
    ) -> tuple[State, Info]:
        """One transition."""
