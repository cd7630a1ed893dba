"""Markov chain Monte Carlo: kernels, adaptation, chains."""

from twofold_jax.infer.mcmc.kernels import HMC, NUTS
from twofold_jax.infer.mcmc.mcmc import MCMC

__all__ = ["HMC", "MCMC", "NUTS"]
