"""HMC: Hamiltonian trajectories of a fixed length."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from twofold_jax.errors import HandlerError
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform
from twofold_jax.infer.mcmc.dynamics import DensityAndGradient, Point, kinetic_energy, leapfrog, sample_momentum
from twofold_jax.infer.mcmc.kernels.base import Info, State, Tuning
from twofold_jax.infer.mcmc.trajectory import MAX_ENERGY_ERROR

__all__ = ["HMC"]


@dataclass(frozen=True, eq=False)
class HMC:
    """Hamiltonian Monte Carlo: the leapfrog integrator run for a fixed time, then accepted or rejected.

    Args:
        model: function of statements; or give ``potential_fn``.
        potential_fn: minus a log density, of one pytree of unconstrained arrays; then ``MCMC.run`` needs
            ``init_params``.
        step_size: of the integrator, before adaptation.  Default 1.
        inverse_mass_matrix: estimate of the posterior covariance of the flat unconstrained vector, (dim,) or
            (dim, dim).  Default the identity.
        adapt_step_size: tune the step size while warming up.
        adapt_mass_matrix: tune the mass matrix while warming up.
        dense_mass: estimate the whole covariance, not its diagonal alone.  ``full_mass`` is another word for it.
        target_accept_prob: acceptance probability that the step size is tuned to, in (0, 1).  Default 0.8.
        num_steps: leapfrog steps of a trajectory; then ``trajectory_length`` has no effect.
        trajectory_length: integration time.  Default 2 pi.
        init_strategy: where the latents start.
        find_heuristic_step_size: start from a step size that one leapfrog step accepts.
        regularize_mass_matrix: shrink the estimated covariance.
        forward_mode_differentiation: differentiate forwards, for models with ``lax.while_loop``, which cannot be
            differentiated backwards; dearer by the number of dims.

    Raises:
        HandlerError: settings that cannot be used.

    Source: Neal (2011), MCMC using Hamiltonian dynamics, Handbook of MCMC, section 5.3.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from twofold_jax.infer import MCMC
        >>> mcmc = MCMC(HMC(potential_fn=lambda x: 0.5 * x @ x, num_steps=5), num_warmup=50, num_samples=50,
        ...             progress_bar=False)
        >>> mcmc.run(jax.random.key(0), init_params=jnp.zeros(2))
        >>> mcmc.get_samples().shape
        (50, 2)
    """

    model: Callable[..., Any] | None = None
    potential_fn: Callable[..., Any] | None = None
    step_size: float = 1.0
    inverse_mass_matrix: Any = None
    adapt_step_size: bool = True
    adapt_mass_matrix: bool = True
    dense_mass: bool = False
    target_accept_prob: float = 0.8
    num_steps: int | None = None
    trajectory_length: float | None = 2.0 * math.pi
    init_strategy: InitStrategy = init_to_uniform
    find_heuristic_step_size: bool = False
    regularize_mass_matrix: bool = True
    forward_mode_differentiation: bool = False
    full_mass: bool | None = field(default=None, repr=False)

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
                suggestion="import one from twofold_jax.infer",
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
        if self.full_mass is not None:
            object.__setattr__(self, "dense_mass", self.full_mass)
        if not isinstance(self.dense_mass, bool):
            raise HandlerError(
                f"dense_mass of {name}",
                seen=self.dense_mass,
                expected="True or False",
                suggestion="leave it out for a diagonal mass matrix",
            )

    @property
    def compiled_settings(self) -> tuple[Any, ...]:
        """The settings that a compiled program depends on."""
        adaptation = self.adapt_step_size, self.adapt_mass_matrix, self.target_accept_prob, self.regularize_mass_matrix
        program = self.find_heuristic_step_size, self.forward_mode_differentiation
        return *adaptation, *program, self.num_steps, self.trajectory_length

    def init(self, position: Array, density: DensityAndGradient) -> State:
        return State(position, *density(position))

    def step(
        self, rng_key: Array, state: State, density: DensityAndGradient, tuning: Tuning, is_warmup: Array
    ) -> tuple[State, Info]:
        momentum_key, accept_key = jax.random.split(rng_key)
        step_size, metric = tuning
        start = Point(state.position, sample_momentum(momentum_key, metric), state.log_density, state.gradient)
        energy = kinetic_energy(metric, start.momentum) - start.log_density
        if self.num_steps is not None:
            count = jnp.asarray(self.num_steps)
        else:
            count = jnp.maximum(1, jnp.ceil((self.trajectory_length or 0.0) / step_size)).astype(int)
        end = lax.fori_loop(0, count, lambda _, point: leapfrog(density, metric, step_size, point), start)
        error = kinetic_energy(metric, end.momentum) - end.log_density - energy
        error = jnp.where(jnp.isnan(error), jnp.inf, error)
        accept_prob = jnp.exp(jnp.minimum(-error, 0.0))
        accepted = jax.random.uniform(accept_key, dtype=error.dtype) < accept_prob
        moved = State(end.position, end.log_density, end.gradient)
        chosen = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), moved, state)
        depth = jnp.zeros((), jnp.int32)
        energy = energy + jnp.where(accepted, error, 0.0)
        return chosen, Info(accept_prob, count, error > MAX_ENERGY_ERROR, depth, energy)
