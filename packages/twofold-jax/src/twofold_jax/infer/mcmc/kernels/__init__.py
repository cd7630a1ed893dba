"""Kernels: one Markov transition a file."""

from twofold_jax.infer.mcmc.kernels.base import Info, Kernel, State, Tuning
from twofold_jax.infer.mcmc.kernels.hmc import HMC
from twofold_jax.infer.mcmc.kernels.nuts import NUTS

__all__ = ["HMC", "NUTS", "Info", "Kernel", "State", "Tuning"]
