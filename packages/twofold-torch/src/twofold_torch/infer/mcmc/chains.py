"""Chains in lockstep: where they start, and how they advance by one iteration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...errors import HandlerError, InferenceError
from .adaptation.base import AdaptState, adapt, start_adaptation
from .adaptation.schedule import Schedule
from .adaptation.step_size import find_reasonable_step_size
from .dynamics import DensityAndGradient, Point, sample_momentum
from .kernels.base import Info, State

__all__ = [
    "Chains",
    "Record",
    "advance_chains",
    "chain_streams",
    "check_fits",
    "initial_inverse_mass",
    "start_chains",
]

_MAX_STARTS = 100


class Chains(NamedTuple):
    """Some chains that move together."""

    state: State
    adaptation: AdaptState
    streams: list[torch.Generator]
    """Random numbers of each chain."""


@dataclass
class Record:
    """What is kept of a run, with the chains first: arrays of shape (chains, draws, ...)."""

    position: Tensor
    log_density: Tensor
    step_size: Tensor
    info: Info

    @classmethod
    def empty(cls, chains: Chains, draws: int) -> Record:
        """Room for ``draws`` draws of these chains."""
        count, dim = chains.state.position.shape
        like = chains.state.position
        numbers = [like.new_zeros(count, draws) for _ in range(4)]
        integers = [like.new_zeros(count, draws, dtype=torch.int64) for _ in range(2)]
        diverging = like.new_zeros(count, draws, dtype=torch.bool)
        info = Info(numbers[2], integers[0], diverging, integers[1], numbers[3])
        return cls(like.new_zeros(count, draws, dim), numbers[0], numbers[1], info)

    def put(self, draw: int, chains: Chains, step_size: Tensor, info: Info) -> None:
        self.position[:, draw] = chains.state.position
        self.log_density[:, draw] = chains.state.log_density
        self.step_size[:, draw] = step_size
        for column, value in zip(self.info, info, strict=True):
            column[:, draw] = value

    def map(self, fn: Callable[[Tensor], Tensor]) -> Record:
        """``fn`` at every array."""
        return Record(fn(self.position), fn(self.log_density), fn(self.step_size), Info(*map(fn, self.info)))

    def first(self, draws: int) -> Record:
        """The first draws of every chain."""
        return self.map(lambda array: array[:, :draws])

    @staticmethod
    def join(records: list[Record]) -> Record:
        """The chains of several records."""
        arrays = [(r.position, r.log_density, r.step_size, *r.info) for r in records]
        position, log_density, step_size, *info = (torch.cat(column) for column in zip(*arrays, strict=True))
        return Record(position, log_density, step_size, Info(*info))


def chain_streams(num_chains: int) -> list[torch.Generator]:
    """A generator for each chain, seeded from torch's own; chain c's does not depend on how many chains there are."""
    entropy = int(torch.randint(2**62, ()))
    seeds = [np.random.SeedSequence(entropy, spawn_key=(c,)).generate_state(1, np.uint64)[0] for c in range(num_chains)]
    return [torch.Generator().manual_seed(int(seed >> np.uint64(1))) for seed in seeds]


def start_chains(
    kernel: Any,
    density: DensityAndGradient,
    draw_start: Callable[[], Tensor],
    positions: Tensor | None,
    streams: list[torch.Generator],
    inverse_mass: Tensor,
) -> tuple[Chains, Tensor]:
    """Chains at their first positions, and for each whether the density is finite there.

    Starts are drawn until density and gradient are finite, at most 100 times for each chain.
    """
    if positions is None:
        positions = torch.stack([_with_stream(stream, draw_start) for stream in streams])
        for _ in range(_MAX_STARTS - 1):
            state = kernel.init(positions, density)
            bad = ~_is_finite(state)
            if not bad.any():
                break
            again = {chain: _with_stream(streams[chain], draw_start) for chain in bad.nonzero().flatten().tolist()}
            positions = torch.stack([again.get(chain, positions[chain]) for chain in range(len(streams))])
    state = kernel.init(positions, density)
    step_size = positions.new_full((len(streams),), kernel.step_size)
    adaptation = start_adaptation(step_size, inverse_mass.to(positions.dtype).expand(len(streams), *inverse_mass.shape))
    if kernel.find_heuristic_step_size:
        metric = adaptation.tuning.metric
        point = Point(state.position, sample_momentum(metric, streams), state.log_density, state.gradient)
        found = find_reasonable_step_size(density, metric, point, step_size, kernel.target_accept_prob)
        adaptation = start_adaptation(found, metric.inverse_mass)
    return Chains(state, adaptation, streams), _is_finite(state)


def _is_finite(state: State) -> Tensor:
    return state.log_density.isfinite() & state.gradient.isfinite().all(-1)


def _with_stream(stream: torch.Generator, draw: Callable[[], Tensor]) -> Tensor:
    """``draw()`` with torch's own generator seeded from ``stream`` for the time being."""
    seed = int(torch.randint(2**62, (), generator=stream))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return draw()


def advance_chains(
    kernel: Any, density: DensityAndGradient, chains: Chains, now: Schedule
) -> tuple[Chains, Tensor, Info]:
    """One iteration; also the step sizes that were used, and what it was like."""
    tuning = chains.adaptation.tuning
    state, info = kernel.step(chains.streams, chains.state, density, tuning, bool(now.is_warmup))
    adaptation = chains.adaptation
    if now.is_warmup:
        adaptation = adapt(kernel, adaptation, state.position, info.accept_prob, now)
    return Chains(state, adaptation, chains.streams), tuning.step_size, info


def check_fits(state: list[Chains], num_chains: int, size: int) -> None:
    """Refuse to go on from the chains of another run."""
    found = sum(len(chains.streams) for chains in state), state[0].state.position.shape[1]
    if found != (num_chains, size):
        raise InferenceError(
            "post_warmup_state does not belong to this model and number of chains",
            seen=f"chains and flat size {found}",
            expected=f"{(num_chains, size)}",
            suggestion="set it to the last_state of an MCMC of the same model and num_chains, or to None",
        )


def initial_inverse_mass(kernel: Any, size: int) -> Tensor:
    """The mass matrix to begin with: the kernel's, or the identity."""
    given = kernel.inverse_mass_matrix
    if given is None:
        return torch.eye(size) if kernel.full_mass else torch.ones(size)
    given = torch.as_tensor(given, dtype=torch.get_default_dtype())
    if tuple(given.shape) not in ((size,), (size, size)):
        raise HandlerError(
            "inverse_mass_matrix does not fit the model",
            seen=tuple(given.shape),
            expected=f"{(size,)} or {(size, size)}",
        )
    return torch.diag(given) if kernel.full_mass and given.dim() == 1 else given
