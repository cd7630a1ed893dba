"""HMC: Hamiltonian trajectories of a fixed length."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ....errors import HandlerError
from ...initialization import InitStrategy, init_to_uniform
from ..dynamics import DensityAndGradient, Point, kinetic_energy, leapfrog, sample_momentum
from ..trajectory import MAX_ENERGY_ERROR
from .base import Info, State, Tuning

__all__ = ["HMC"]


@dataclass(frozen=True, eq=False)
class HMC:
    """Hamiltonian Monte Carlo: the leapfrog integrator run for a fixed time, then accepted or rejected.

    Args:
        model: function of statements; or give ``potential_fn``.
        potential_fn: minus a log density, of a dict of unconstrained tensors (or of one tensor); then ``MCMC`` needs
            ``initial_params``.
        step_size: of the integrator, before adaptation.  Default 1.
        inverse_mass_matrix: estimate of the posterior covariance of the flat unconstrained vector, (dim,) or
            (dim, dim).  Default the identity.
        adapt_step_size: tune the step size while warming up.
        adapt_mass_matrix: tune the mass matrix while warming up.
        full_mass: estimate the whole covariance, not its diagonal alone.  ``dense_mass`` is another word for it.
        target_accept_prob: acceptance probability that the step size is tuned to, in (0, 1).  Default 0.8.
        num_steps: leapfrog steps of a trajectory; then ``trajectory_length`` has no effect.
        trajectory_length: integration time.  Default 2 pi.
        init_strategy: where the latents start.
        find_heuristic_step_size: start from a step size that one leapfrog step accepts.
        regularize_mass_matrix: shrink the estimated covariance.
        jit_compile: accepted for programs that give it; the density is one graph of tensor operations in any case.
        ignore_jit_warnings: accepted likewise.

    Raises:
        HandlerError: settings that cannot be used.

    Source: Neal (2011), MCMC using Hamiltonian dynamics, Handbook of MCMC, section 5.3.

    Example:
        >>> import torch
        >>> from twofold_torch.infer import MCMC
        >>> mcmc = MCMC(HMC(potential_fn=lambda z: 0.5 * (z["x"] ** 2).sum(), num_steps=5), num_samples=50,
        ...             warmup_steps=50, initial_params={"x": torch.zeros(2)}, progress_bar=False)
        >>> mcmc.run()
        >>> mcmc.get_samples()["x"].shape
        torch.Size([50, 2])
    """

    model: Callable[..., Any] | None = None
    potential_fn: Callable[..., Any] | None = None
    step_size: float = 1.0
    inverse_mass_matrix: Any = None
    adapt_step_size: bool = True
    adapt_mass_matrix: bool = True
    full_mass: bool = False
    target_accept_prob: float = 0.8
    num_steps: int | None = None
    trajectory_length: float | None = 2.0 * math.pi
    init_strategy: InitStrategy = init_to_uniform
    find_heuristic_step_size: bool = False
    regularize_mass_matrix: bool = True
    jit_compile: bool = False
    ignore_jit_warnings: bool = False
    dense_mass: bool | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        name = type(self).__name__
        if (self.model is None) == (self.potential_fn is None):
            raise HandlerError(
                f"{name} needs a model or a potential_fn, and not both",
                seen="both" if self.model is not None else "neither",
                expected="one of the two",
                suggestion=f"write {name}(model)",
            )
        if self.model is not None and not callable(self.model):
            raise HandlerError(
                f"the model of {name} must be a function",
                seen=f"{self.model!r}",
                expected="a function of statements",
                suggestion=f"write {name}(model), and pass the data to MCMC.run",
            )
        if not callable(self.init_strategy):
            raise HandlerError(
                f"init_strategy of {name} must be a function",
                seen=f"{self.init_strategy!r}",
                expected="such as init_to_uniform, or init_to_value(values={...})",
                suggestion="import one from twofold_torch.infer",
            )
        if not 0.0 < self.target_accept_prob < 1.0:
            raise HandlerError(
                f"target_accept_prob of {name}",
                seen=self.target_accept_prob,
                expected="a number in (0, 1)",
                suggestion="leave it out for 0.8",
            )
        if not self.step_size > 0.0:
            raise HandlerError(
                f"step_size of {name}",
                seen=self.step_size,
                expected="a positive number",
                suggestion="leave it out; the warm-up tunes it",
            )
        object.__setattr__(self, "full_mass", self.full_mass if self.dense_mass is None else self.dense_mass)
        object.__setattr__(self, "dense_mass", self.full_mass)

    def init(self, position: Tensor, density: DensityAndGradient) -> State:
        return State(position, *density(position))

    def step(
        self,
        streams: Sequence[torch.Generator],
        state: State,
        density: DensityAndGradient,
        tuning: Tuning,
        is_warmup: bool,
    ) -> tuple[State, Info]:
        step_size, metric = tuning
        start = Point(state.position, sample_momentum(metric, streams), state.log_density, state.gradient)
        energy = kinetic_energy(metric, start.momentum) - start.log_density
        if self.num_steps is not None:
            counts = torch.full_like(step_size, self.num_steps, dtype=torch.int64)
        else:
            counts = ((self.trajectory_length or 0.0) / step_size).ceil().clamp(min=1.0).to(torch.int64)
        end, step = start, step_size.unsqueeze(-1)
        for index in range(int(counts.max())):
            moves = index < counts
            moved = leapfrog(density, metric, step, end)
            end = moved if bool(moves.all()) else _keep(moves, moved, end)
        new_energy = kinetic_energy(metric, end.momentum) - end.log_density
        error = (new_energy - energy).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
        accept_prob = (-error).clamp(max=0.0).exp()
        uniform = torch.cat([torch.rand(1, generator=stream, dtype=energy.dtype) for stream in streams])
        accepted = uniform < accept_prob
        column = accepted.unsqueeze(-1)
        chosen = State(
            torch.where(column, end.position, state.position),
            torch.where(accepted, end.log_density, state.log_density),
            torch.where(column, end.gradient, state.gradient),
        )
        depth = torch.zeros_like(counts)
        info = Info(accept_prob, counts, error > MAX_ENERGY_ERROR, depth, torch.where(accepted, new_energy, energy))
        return chosen, info


def _keep(moves: Tensor, moved: Point, point: Point) -> Point:
    """The chains whose trajectory is longer go on, the others stay."""
    column = moves.unsqueeze(-1)
    return Point(*(torch.where(column if a.dim() == 2 else moves, a, b) for a, b in zip(moved, point, strict=True)))
