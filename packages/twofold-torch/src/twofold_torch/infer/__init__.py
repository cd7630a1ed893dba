"""Algorithms of inference."""

from .enum import config_enumerate
from .initialization import (
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)
from .mcmc import HMC, MCMC, NUTS
from .potential import LatentSite, Potential, make_potential

__all__ = [
    "HMC",
    "MCMC",
    "NUTS",
    "LatentSite",
    "Potential",
    "config_enumerate",
    "init_to_feasible",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
    "make_potential",
]
