"""Algorithms of inference: Markov chains, variational inference, predictions, and what they are built on."""

from twofold_jax.infer import autoguide, reparam, util
from twofold_jax.infer.elbo import ELBO, Trace_ELBO
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
from twofold_jax.infer.predictive import Predictive
from twofold_jax.infer.svi import SVI, SVIRunResult, SVIState
from twofold_jax.infer.util import compute_log_probs, log_density, log_likelihood

__all__ = [
    "ELBO",
    "HMC",
    "MCMC",
    "NUTS",
    "SVI",
    "LatentSite",
    "Potential",
    "Predictive",
    "SVIRunResult",
    "SVIState",
    "Trace_ELBO",
    "autoguide",
    "compute_log_probs",
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
