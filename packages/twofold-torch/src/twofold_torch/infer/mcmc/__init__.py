"""Markov chain Monte Carlo: kernels, adaptation, chains."""

from .kernels import HMC, NUTS
from .mcmc import MCMC

__all__ = ["HMC", "MCMC", "NUTS"]
