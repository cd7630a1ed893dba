"""A model as a potential energy of a dict, for samplers of others."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch.errors import InferenceError
from twofold_torch.infer import MCMC, NUTS, init_to_value
from twofold_torch.infer.mcmc import initialize_model

Y = tensor([1.0, 2.0])


def model(y: Tensor) -> None:
    tau = tf.sample("tau", dist.HalfNormal(1.0))
    with tf.plate("rows", 2):
        tf.sample("theta", dist.Normal(0.0, tau))
        tf.sample("y", dist.Normal(0.0, tau), obs=y)


def test_potential_is_minus_the_log_density_with_the_jacobian() -> None:
    _, potential_fn, transforms, trace = initialize_model(model, (Y,))
    energy = potential_fn({"tau": tensor(0.5), "theta": tensor([0.1, -0.2])})
    tau = float(tensor(0.5).exp())
    expected = stats.halfnorm.logpdf(tau) + 0.5
    expected += stats.norm.logpdf([0.1, -0.2], 0, tau).sum() + stats.norm.logpdf(Y.numpy(), 0, tau).sum()
    assert float(energy) == pytest.approx(-expected, rel=1e-5)
    assert float(transforms["tau"](tensor(tau))) == pytest.approx(0.5, rel=1e-5)
    assert "y" in trace


@pytest.mark.parametrize("chains", [1, 3])
def test_initial_values_have_the_chains_as_first_dim_if_there_are_several(chains: int) -> None:
    initial, *_ = initialize_model(model, (Y,), num_chains=chains)
    lead = () if chains == 1 else (3,)
    assert {name: tuple(value.shape) for name, value in initial.items()} == {"tau": lead, "theta": (*lead, 2)}


def test_strategy_and_given_values_decide_the_start() -> None:
    strategy = init_to_value(values={"tau": 1.0, "theta": tensor([3.0, 4.0])})
    initial, *_ = initialize_model(model, (Y,), init_strategy=strategy)
    torch.testing.assert_close(initial["tau"], tensor(0.0))
    torch.testing.assert_close(initial["theta"], tensor([3.0, 4.0]))
    given, *_ = initialize_model(model, (Y,), initial_params={"tau": tensor(2.0), "theta": torch.zeros(2)})
    torch.testing.assert_close(given["tau"], tensor(2.0))


def test_what_it_gives_is_what_mcmc_takes() -> None:
    initial, potential_fn, transforms, _ = initialize_model(model, (Y,))
    kernel = NUTS(potential_fn=potential_fn)
    mcmc = MCMC(kernel, 10, 50, initial_params=initial, transforms=transforms, progress_bar=False)
    mcmc.run()
    assert bool((mcmc.get_samples()["tau"] > 0).all())


def test_transforms_of_a_callers_own_are_refused() -> None:
    with pytest.raises(InferenceError, match="makes the transforms"):
        initialize_model(model, (Y,), transforms={"tau": dist.transforms.ExpTransform()})
