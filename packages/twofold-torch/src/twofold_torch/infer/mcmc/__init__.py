"""Markov chain Monte Carlo: kernels, adaptation, chains."""

from .kernels import HMC, NUTS
from .mcmc import MCMC
from .util import initialize_model

__all__ = ["HMC", "MCMC", "NUTS", "initialize_model"]
