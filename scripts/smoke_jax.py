"""A first model in an environment that holds nothing but the wheel and its dependencies."""

import importlib.util

import jax.numpy as jnp
from jax import random

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.infer import MCMC, NUTS

assert importlib.util.find_spec("torch") is None, "the JAX flavour must install without torch"


def model(y: jnp.ndarray) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 10.0))
    with tf.plate("data", len(y)):
        tf.sample("y", dist.Normal(mu, 1.0), obs=y)


mcmc = MCMC(NUTS(model), num_warmup=200, num_samples=200, progress_bar=False)
mcmc.run(random.key(0), jnp.array([1.0, 2.0, 3.0]))
mean = float(mcmc.get_samples()["mu"].mean())
assert abs(mean - 2.0) < 0.5, mean  # closed form: 2 * 300 / 301, sd 0.58, about 100 effective draws: 5 sigma is 0.3
print(f"twofold-jax {tf.__version__}: posterior mean {mean:.2f}")
