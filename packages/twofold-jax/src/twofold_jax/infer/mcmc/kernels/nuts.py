"""NUTS: Hamiltonian trajectories that stop when they turn back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from twofold_jax.errors import HandlerError
from twofold_jax.infer.mcmc.dynamics import DensityAndGradient, Point, sample_momentum
from twofold_jax.infer.mcmc.kernels.base import Info, State, Tuning
from twofold_jax.infer.mcmc.kernels.hmc import HMC
from twofold_jax.infer.mcmc.trajectory import sample_trajectory

__all__ = ["NUTS"]


@dataclass(frozen=True, eq=False)
class NUTS(HMC):
    """The no-U-turn sampler with multinomial choice of the state and the generalised criterion.

    Args:
        model: function of statements; or give ``potential_fn``.
        max_tree_depth: most doublings of a trajectory, or a pair for warm-up and sampling.  Default 10: at most 1023
            leapfrog steps.

    The other settings are those of `HMC`; ``num_steps`` and ``trajectory_length`` have no effect.

    Raises:
        HandlerError: settings that cannot be used.

    Source: Hoffman and Gelman (2014), JMLR 15; Betancourt (2017), arXiv:1701.02434.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.infer import MCMC
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> mcmc = MCMC(NUTS(model), num_warmup=100, num_samples=100, progress_bar=False)
        >>> mcmc.run(jax.random.key(0), 1.0)
        >>> mcmc.get_samples()["mu"].shape
        (100,)
    """

    max_tree_depth: int | tuple[int, int] = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(isinstance(depth, int) and depth >= 1 for depth in self._depths):
            raise HandlerError(
                "max_tree_depth of NUTS",
                seen=self.max_tree_depth,
                expected="a positive int, or two of them",
                suggestion="leave it out for 10",
            )

    @property
    def _depths(self) -> tuple[int, int]:
        depth = self.max_tree_depth
        return (depth[0], depth[1]) if isinstance(depth, tuple) else (depth, depth)

    @property
    def sampling_tree_depth(self) -> int:
        """Most doublings of a trajectory after the warm-up."""
        return self._depths[1]

    @property
    def compiled_settings(self) -> tuple[Any, ...]:
        return *super().compiled_settings, self._depths

    def step(
        self, rng_key: Array, state: State, density: DensityAndGradient, tuning: Tuning, is_warmup: Array
    ) -> tuple[State, Info]:
        momentum_key, tree_key = jax.random.split(rng_key)
        step_size, metric = tuning
        start = Point(state.position, sample_momentum(momentum_key, metric), state.log_density, state.gradient)
        depth = jnp.where(is_warmup, *self._depths)
        tree = sample_trajectory(tree_key, density, metric, step_size, start, depth, max(self._depths))
        chosen = tree.choice.point
        accept_prob = tree.sum_accept / tree.num_leaves
        info = Info(accept_prob, tree.num_leaves, tree.is_diverging, tree.depth, tree.choice.energy)
        return State(chosen.position, chosen.log_density, chosen.gradient), info
