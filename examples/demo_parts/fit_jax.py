"""Fits of the demo in the JAX flavour: posterior draws as NumPy arrays of shape (chains, draws, ...)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from twofold_jax.infer import MCMC, NUTS, SVI, Predictive, Trace_ELBO
from twofold_jax.infer.autoguide import AutoMultivariateNormal
from twofold_jax.optim import Adam

jax.config.update("jax_enable_x64", True)


def fit_nuts(model: Callable[..., Any], data: tuple[Any, ...], draws: int) -> dict[str, np.ndarray]:
    """Four chains of NUTS, as long in warm-up as in sampling."""
    mcmc = MCMC(NUTS(model), num_warmup=draws, num_samples=draws, num_chains=4)
    mcmc.run(jax.random.key(20), *data)
    return {name: np.asarray(value) for name, value in mcmc.get_samples(group_by_chain=True).items()}


def fit_svi(model: Callable[..., Any], data: tuple[Any, ...], steps: int, draws: int) -> dict[str, np.ndarray]:
    """Draws of a multivariate normal approximation, fitted by gradient ascent on the ELBO."""
    guide = AutoMultivariateNormal(model)
    svi = SVI(model, guide, Adam(0.01), Trace_ELBO(num_particles=4))
    result = svi.run(jax.random.key(21), steps, *data, progress_bar=True)
    predictive = Predictive(model, guide=guide, params=result.params, num_samples=draws)
    samples = predictive(jax.random.key(22), *data)
    return {name: np.asarray(value)[None] for name, value in samples.items()}
