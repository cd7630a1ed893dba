"""The compiled part of a run: all chains together, many iterations to a call.

Two programs, ``start_chains`` and ``advance_chains``, serve warm-up and sampling of any length; JAX keeps them by the
settings of the kernel and by what the density computes, so that a model that is run again is not compiled again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import Mesh, PartitionSpec

from twofold_jax.infer.mcmc.adaptation.base import AdaptState, adapt, start_adaptation
from twofold_jax.infer.mcmc.adaptation.schedule import Schedule
from twofold_jax.infer.mcmc.adaptation.step_size import find_reasonable_step_size
from twofold_jax.infer.mcmc.dynamics import DensityAndGradient, Point, sample_momentum
from twofold_jax.infer.mcmc.kernels.base import Info, State
from twofold_jax.ops.tracing import TracedFunction

__all__ = ["Chains", "Plan", "Record", "advance_chains", "start_chains"]

_MAX_STARTS = 100


@dataclass(frozen=True, eq=False)
class Plan:
    """What is fixed when the programs are compiled; equal plans share programs."""

    kernel: Any
    log_density: TracedFunction
    start: TracedFunction | None
    """Draws a first position; None if the positions are given."""
    devices: tuple[Any, ...]
    """Devices over which the chains are spread; empty: all chains in one vectorised program."""

    @property
    def _identity(self) -> tuple[Any, ...]:
        return type(self.kernel), self.kernel.compiled_settings, self.log_density, self.start, self.devices

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


class Chains(NamedTuple):
    """All chains; every array has the chains as first dim."""

    state: State
    adaptation: AdaptState
    rng_key: Array
    """The stream of each chain; iteration i uses ``fold_in(rng_key, i)``."""
    iteration: Array
    """How many iterations each chain has behind it."""


class Record(NamedTuple):
    """What is kept of one iteration."""

    position: Array
    log_density: Array
    step_size: Array
    info: Info


def _density(plan: Plan, data: list[Array]) -> DensityAndGradient:
    def log_density(position: Array) -> Array:
        value: Array = plan.log_density(position, data)
        return value

    if plan.kernel.forward_mode_differentiation:
        gradient = jax.jacfwd(log_density)
        return lambda position: (log_density(position), gradient(position))
    return jax.value_and_grad(log_density)


def _is_finite(state: State) -> Array:
    return jnp.isfinite(state.log_density) & jnp.isfinite(state.gradient).all()


@partial(jax.jit, static_argnums=0)
def start_chains(
    plan: Plan, rng_keys: Array, positions: Array | None, step_size: Array, inverse_mass: Array, data: list[Array]
) -> tuple[Chains, Array]:
    """Chains at their first positions, and whether the density is finite there."""
    density = _density(plan, data)

    def find(key: Array) -> State:
        """Starts are drawn until density and gradient are finite, at most 100 times."""
        draw = plan.start
        assert draw is not None

        def goes_on(attempt: tuple[Array, State]) -> Array:
            return (attempt[0] < _MAX_STARTS) & ~_is_finite(attempt[1])

        def again(attempt: tuple[Array, State]) -> tuple[Array, State]:
            return attempt[0] + 1, plan.kernel.init(draw(jax.random.fold_in(key, attempt[0]), data), density)

        shape = jax.eval_shape(draw, key, data)
        nowhere = State(
            jnp.zeros(shape.shape, shape.dtype), jnp.full((), jnp.nan, shape.dtype), jnp.zeros(shape.shape, shape.dtype)
        )
        return lax.while_loop(goes_on, again, (jnp.zeros((), int), nowhere))[1]

    def start(key: Array, position: Array | None) -> tuple[Chains, Array]:
        place_key, step_key, chain_key = jax.random.split(key, 3)
        state = find(place_key) if position is None else plan.kernel.init(position, density)
        adaptation = start_adaptation(step_size.astype(state.position.dtype), inverse_mass.astype(state.position.dtype))
        if plan.kernel.find_heuristic_step_size:
            metric = adaptation.tuning.metric
            point = Point(state.position, sample_momentum(step_key, metric), state.log_density, state.gradient)
            target = plan.kernel.target_accept_prob
            found = find_reasonable_step_size(density, metric, point, adaptation.tuning.step_size, target)
            adaptation = start_adaptation(found, metric.inverse_mass)
        return Chains(state, adaptation, chain_key, jnp.zeros((), int)), _is_finite(state)

    started: tuple[Chains, Array] = _over_chains(plan, jax.vmap(start), rng_keys, positions)
    return started


@partial(jax.jit, static_argnums=0)
def advance_chains(plan: Plan, chains: Chains, schedule: Schedule, data: list[Array]) -> tuple[Chains, Record]:
    """Iterate all chains through the rows of ``schedule``.

    Returns:
        The chains afterwards, and what is kept: arrays of shape (chains, rows, ...).
    """
    density = _density(plan, data)

    def iterate(chain: Chains, now: Schedule) -> tuple[Chains, Record]:
        key = jax.random.fold_in(chain.rng_key, chain.iteration)
        tuning = chain.adaptation.tuning
        state, info = plan.kernel.step(key, chain.state, density, tuning, now.is_warmup)
        adaptation = lax.cond(
            now.is_warmup,
            lambda: adapt(plan.kernel, chain.adaptation, state.position, info.accept_prob, now),
            lambda: chain.adaptation,
        )
        record = Record(state.position, state.log_density, tuning.step_size, info)
        return Chains(state, adaptation, chain.rng_key, chain.iteration + 1), record

    def row(chains: Chains, now: Schedule) -> tuple[Chains, Record]:
        every = jax.vmap(iterate, in_axes=(0, None))
        shape = jax.eval_shape(every, chains, now)[1]
        idle = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shape)
        done: tuple[Chains, Record] = lax.cond(now.is_active, lambda: every(chains, now), lambda: (chains, idle))
        return done

    def advance(chains: Chains) -> tuple[Chains, Record]:
        chains, record = lax.scan(row, chains, schedule)
        return chains, jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), record)

    advanced: tuple[Chains, Record] = _over_chains(plan, advance, chains)
    return advanced


def _over_chains(plan: Plan, fn: Any, *chains: Any) -> Any:
    """Call ``fn`` on all chains, or on each device's share of them: no device waits for another's trajectories."""
    if not plan.devices:
        return fn(*chains)
    mesh = Mesh(np.array(plan.devices), ("chains",))
    share = PartitionSpec("chains")  # type: ignore[no-untyped-call]
    return jax.shard_map(fn, mesh=mesh, in_specs=share, out_specs=share, check_vma=False)(*chains)
