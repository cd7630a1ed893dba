"""NUTS: Hamiltonian trajectories that stop when they turn back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ....errors import HandlerError
from ..dynamics import DensityAndGradient, Point, sample_momentum
from ..trajectory import sample_trajectory
from .base import Info, State, Tuning
from .hmc import HMC

__all__ = ["NUTS"]


@dataclass(frozen=True, eq=False)
class NUTS(HMC):
    """The no-U-turn sampler with multinomial choice of the state and the generalised criterion.

    Args:
        model: function of statements; or give ``potential_fn``.
        max_tree_depth: most doublings of a trajectory, or a pair for warm-up and sampling.  Default 10: at most 1023
            leapfrog steps.
        use_multinomial_sampling: accepted for programs that give it; the choice is multinomial in any case.

    The other settings are those of `HMC`; ``num_steps`` and ``trajectory_length`` have no effect.

    Raises:
        HandlerError: settings that cannot be used.

    Source: Hoffman and Gelman (2014), JMLR 15; Betancourt (2017), arXiv:1701.02434.

    Example:
        >>> import torch
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> from twofold_torch.infer import MCMC
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> mcmc = MCMC(NUTS(model), num_samples=100, warmup_steps=100, progress_bar=False)
        >>> mcmc.run(torch.tensor(1.0))
        >>> mcmc.get_samples()["mu"].shape
        torch.Size([100])
    """

    max_tree_depth: int | tuple[int, int] = 10
    use_multinomial_sampling: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(isinstance(depth, int) and depth >= 1 for depth in self.tree_depths):
            raise HandlerError(
                "max_tree_depth of NUTS",
                seen=self.max_tree_depth,
                expected="a positive int, or two of them",
                suggestion="leave it out for 10",
            )

    @property
    def tree_depths(self) -> tuple[int, int]:
        """Most doublings while warming up, and while sampling."""
        depth = self.max_tree_depth
        return (depth, depth) if isinstance(depth, int) else (depth[0], depth[1])

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
        depth = self.tree_depths[0] if is_warmup else self.tree_depths[1]
        tree = sample_trajectory(density, metric, step_size, start, depth, streams)
        chosen = tree.choice
        accept_prob = tree.sum_accept / tree.num_leaves
        info = Info(accept_prob, tree.num_leaves, tree.is_diverging, tree.depth, chosen.energy)
        return State(chosen.position, chosen.log_density, chosen.gradient), info
