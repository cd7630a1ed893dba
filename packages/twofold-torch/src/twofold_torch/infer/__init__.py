"""Algorithms of inference."""

from . import autoguide, reparam, util
from .elbo import ELBO, Trace_ELBO, TraceEnum_ELBO
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
from .predictive import Predictive
from .svi import SVI, SVIRunResult
from .util import compute_log_probs, log_density, log_likelihood

__all__ = [
    "ELBO",
    "HMC",
    "MCMC",
    "NUTS",
    "LatentSite",
    "Potential",
    "Predictive",
    "SVI",
    "SVIRunResult",
    "TraceEnum_ELBO",
    "Trace_ELBO",
    "autoguide",
    "compute_log_probs",
    "config_enumerate",
    "init_to_feasible",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
    "log_density",
    "log_likelihood",
    "make_potential",
    "reparam",
    "util",
]
