"""Eight schools: effects of coaching in eight schools, shrunk towards their common mean (Rubin 1981), in JAX."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.infer import MCMC, NUTS

DATA = Path(__file__).parent / "data" / "eight_schools.data.json"


def load() -> tuple[jax.Array, jax.Array]:
    """Standard errors and estimated effects of the eight schools."""
    table = json.loads(DATA.read_text())
    return jnp.array(table["sigma"], float), jnp.array(table["y"], float)


def model(sigma: jax.Array, y: jax.Array | None = None) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 5.0))
    tau = tf.sample("tau", dist.HalfCauchy(5.0))
    with tf.plate("school", len(sigma)):
        standardised = tf.sample("theta_trans", dist.Normal(0.0, 1.0))
        theta = tf.deterministic("theta", mu + tau * standardised)
        tf.sample("y", dist.Normal(theta, sigma), obs=y)


if __name__ == "__main__":
    mcmc = MCMC(NUTS(model), num_warmup=1000, num_samples=1000, num_chains=4)
    mcmc.run(jax.random.key(0), *load())
    mcmc.print_summary(exclude_deterministic=False)
