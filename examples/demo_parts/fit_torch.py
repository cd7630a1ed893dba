"""Fits of the demo in the torch flavour: posterior draws as NumPy arrays of shape (chains, draws, ...)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import twofold_torch as tf
from twofold_torch.infer import MCMC, NUTS, SVI, Predictive, Trace_ELBO
from twofold_torch.infer.autoguide import AutoMultivariateNormal
from twofold_torch.optim import Adam

torch.set_default_dtype(torch.float64)


def fit_nuts(model: Callable[..., Any], data: tuple[Any, ...], draws: int) -> dict[str, np.ndarray]:
    """Four chains of NUTS, as long in warm-up as in sampling."""
    tf.set_rng_seed(20)
    mcmc = MCMC(NUTS(model), num_warmup=draws, num_samples=draws, num_chains=4)
    mcmc.run(*data)
    return {name: value.numpy() for name, value in mcmc.get_samples(group_by_chain=True).items()}


def fit_svi(model: Callable[..., Any], data: tuple[Any, ...], steps: int, draws: int) -> dict[str, np.ndarray]:
    """Draws of a multivariate normal approximation, fitted by gradient ascent on the ELBO."""
    tf.clear_param_store()
    tf.set_rng_seed(21)
    guide = AutoMultivariateNormal(model)
    svi = SVI(model, guide, Adam({"lr": 0.01}), Trace_ELBO(num_particles=4, vectorize_particles=True))
    svi.run(steps, *data, progress_bar=True)
    samples = Predictive(model, guide=guide, num_samples=draws)(*data)
    return {name: value.detach().numpy()[None] for name, value in samples.items()}
