"""Eight schools: effects of coaching in eight schools, shrunk towards their common mean (Rubin 1981), in torch."""

from __future__ import annotations

import json
from pathlib import Path

import torch

import twofold_torch as tf
import twofold_torch.distributions as dist
from twofold_torch.infer import MCMC, NUTS

DATA = Path(__file__).parent / "data" / "eight_schools.data.json"


def load() -> tuple[torch.Tensor, torch.Tensor]:
    """Standard errors and estimated effects of the eight schools."""
    table = json.loads(DATA.read_text())
    dtype = torch.get_default_dtype()
    return torch.tensor(table["sigma"], dtype=dtype), torch.tensor(table["y"], dtype=dtype)


def model(sigma: torch.Tensor, y: torch.Tensor | None = None) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 5.0))
    tau = tf.sample("tau", dist.HalfCauchy(5.0))
    with tf.plate("school", len(sigma)):
        standardised = tf.sample("theta_trans", dist.Normal(0.0, 1.0))
        theta = tf.deterministic("theta", mu + tau * standardised)
        tf.sample("y", dist.Normal(theta, sigma), obs=y)


if __name__ == "__main__":
    tf.set_rng_seed(0)
    mcmc = MCMC(NUTS(model), num_warmup=1000, num_samples=1000, num_chains=4)
    mcmc.run(*load())
    mcmc.print_summary(exclude_deterministic=False)
