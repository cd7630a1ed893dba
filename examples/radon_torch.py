"""Radon in Minnesota: 919 houses in 85 counties, an intercept for each county (Gelman and Hill 2006), in torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

import twofold_torch as tf
import twofold_torch.distributions as dist
from twofold_torch.infer import MCMC, NUTS

DATA = Path(__file__).parent / "data" / "radon_mn.data.json"


def load() -> tuple[Any, ...]:
    """Number of counties; for each house its county from 0, log uranium, floor of the measurement, and log radon."""
    table = json.loads(DATA.read_text())
    dtype = torch.get_default_dtype()
    county = torch.tensor(table["county_idx"]) - 1
    columns = (torch.tensor(table[name], dtype=dtype) for name in ("log_uppm", "floor_measure", "log_radon"))
    return table["J"], county, *columns


def model(
    num_counties: int,
    county: torch.Tensor,
    log_uranium: torch.Tensor,
    floor: torch.Tensor,
    log_radon: torch.Tensor | None = None,
) -> None:
    mu_alpha = tf.sample("mu_alpha", dist.Normal(0.0, 10.0))
    sigma_alpha = tf.sample("sigma_alpha", dist.HalfNormal(1.0))
    sigma_y = tf.sample("sigma_y", dist.HalfNormal(1.0))
    beta = tf.sample("beta", dist.Normal(0.0, 10.0).expand([2]).to_event(1))
    with tf.plate("county", num_counties):
        standardised = tf.sample("alpha_trans", dist.Normal(0.0, 1.0))
        alpha = tf.deterministic("alpha", mu_alpha + sigma_alpha * standardised)
    with tf.plate("house", len(county)):
        mean = alpha[county] + log_uranium * beta[0] + floor * beta[1]
        tf.sample("log_radon", dist.Normal(mean, sigma_y), obs=log_radon)


if __name__ == "__main__":
    tf.set_rng_seed(0)
    mcmc = MCMC(NUTS(model), num_warmup=1000, num_samples=1000, num_chains=4)
    mcmc.run(*load())
    mcmc.print_summary()
