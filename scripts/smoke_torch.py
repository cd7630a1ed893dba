"""A first model in an environment that holds nothing but the wheel and its dependencies."""

import importlib.util

import torch

import twofold_torch as tf
import twofold_torch.distributions as dist
from twofold_torch.infer import MCMC, NUTS

assert importlib.util.find_spec("jax") is None, "the torch flavour must install without jax"


def model(y: torch.Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 10.0))
    with tf.plate("data", len(y)):
        tf.sample("y", dist.Normal(mu, 1.0), obs=y)


tf.set_rng_seed(0)
mcmc = MCMC(NUTS(model), num_warmup=200, num_samples=200, progress_bar=False)
mcmc.run(torch.tensor([1.0, 2.0, 3.0]))
mean = float(mcmc.get_samples()["mu"].mean())
assert abs(mean - 2.0) < 0.5, mean  # closed form: 2 * 300 / 301, sd 0.58, about 100 effective draws: 5 sigma is 0.3
print(f"twofold-torch {tf.__version__}: posterior mean {mean:.2f}")
