"""Algorithms of inference: Markov chains, variational inference, predictions, and what they are built on."""

from twofold_jax.infer.initialization import (
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)
from twofold_jax.infer.mcmc import HMC, MCMC, NUTS
from twofold_jax.infer.potential import LatentSite, Potential, make_potential

__all__ = [
    "HMC",
    "MCMC",
    "NUTS",
    "LatentSite",
    "Potential",
    "init_to_feasible",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
    "make_potential",
]
