"""Predictive: shapes, names and what is drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch.errors import HandlerError, ShapeError, UnknownSiteError
from twofold_torch.infer import MCMC, NUTS, Predictive


def model(y: Tensor | None = None) -> Tensor:
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    tf.deterministic("twice", 2 * mu)
    with tf.plate("rows", 3):
        z = tf.sample("z", dist.Normal(mu, 1.0))
        tf.sample("y", dist.Normal(z, 0.1).expand([3]), obs=y)
    tf.factor("f", tensor(0.0))
    return z.sum()


def shapes(draws: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in draws.items()}


@pytest.mark.parametrize("parallel", [False, True])
def test_prior_draws_have_the_draws_as_first_dim_and_nothing_added(parallel: bool) -> None:
    draws = Predictive(model, num_samples=5, parallel=parallel)()
    assert shapes(draws) == {"mu": (5,), "twice": (5,), "z": (5, 3), "y": (5, 3)}
    torch.testing.assert_close(draws["twice"], 2 * draws["mu"])


def test_draws_differ_from_each_other() -> None:
    draws = Predictive(model, num_samples=50)()
    assert len(draws["mu"].unique()) == 50
    assert len(draws["y"].unique()) == 150


def test_posterior_predictive_uses_the_given_draws() -> None:
    mu = torch.arange(4.0) * 100
    draws = Predictive(model, {"mu": mu})()
    assert shapes(draws) == {"twice": (4,), "z": (4, 3), "y": (4, 3)}
    assert torch.equal(draws["twice"], 2 * mu)
    assert bool(((draws["z"] - mu.unsqueeze(-1)).abs() < 10).all())


def test_deterministic_sites_are_computed_anew_even_if_draws_of_them_are_given() -> None:
    draws = Predictive(model, {"mu": torch.ones(4), "twice": torch.zeros(4)}, return_sites=["twice"])()
    assert torch.equal(draws["twice"], torch.full((4,), 2.0))


def test_draws_grouped_by_chain_keep_their_two_dims() -> None:
    draws = Predictive(model, {"mu": torch.zeros(2, 4)}, batch_ndims=2)()
    assert draws["y"].shape == (2, 4, 3)


def test_observations_stay_what_they_are() -> None:
    y = tensor([1.0, 2.0, 3.0])
    assert torch.equal(Predictive(model, num_samples=2)(y)["y"], y.expand(2, 3))


def test_return_sites_chooses_and_return_is_the_result() -> None:
    draws = Predictive(model, num_samples=4, return_sites=("z", "_RETURN"))()
    assert list(draws) == ["z", "_RETURN"]
    torch.testing.assert_close(draws["_RETURN"], draws["z"].sum(-1))


def test_return_sites_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownSiteError, match="'zz'"):
        Predictive(model, num_samples=2, return_sites=["zz"])()


def test_a_model_that_branches_on_values_runs_in_a_loop() -> None:
    def branching() -> None:
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Delta(tensor(1.0 if x > 0 else -1.0)))

    draws = Predictive(branching, num_samples=30)()
    assert torch.equal(draws["y"], draws["x"].sign())


def test_discrete_sites_are_drawn() -> None:
    def counts() -> None:
        rate = tf.sample("rate", dist.Gamma(2.0, 1.0))
        tf.sample("n", dist.Poisson(rate))
        tf.sample("k", dist.Binomial(10, 0.3))
        tf.sample("c", dist.Categorical(torch.ones(3) / 3))

    draws = Predictive(counts, num_samples=200)()
    assert len(draws["n"].unique()) > 2
    assert len(draws["k"].unique()) > 2
    assert set(draws["c"].tolist()) == {0, 1, 2}


def test_a_guide_gives_the_latents() -> None:
    def guide(y: Any = None) -> None:
        mu = tf.sample("mu", dist.Normal(tf.param("loc", 50.0), 0.1))
        with tf.plate("rows", 3):
            tf.sample("z", dist.Normal(mu, 0.1))

    draws = Predictive(model, guide=guide, num_samples=6)()
    assert shapes(draws) == {"mu": (6,), "twice": (6,), "z": (6, 3), "y": (6, 3)}
    assert bool((draws["y"] > 45).all())
    torch.testing.assert_close(draws["twice"], 2 * draws["mu"])
    assert not any(value.requires_grad for value in draws.values())


def test_draws_follow_the_seed() -> None:
    draws = []
    for _ in range(2):
        tf.set_rng_seed(1)
        draws.append(Predictive(model, num_samples=3)()["y"])
    assert torch.equal(*draws)


def test_draws_of_mcmc_can_be_used_as_they_are() -> None:
    mcmc = MCMC(NUTS(model), num_samples=5, warmup_steps=5, progress_bar=False)
    mcmc.run(torch.zeros(3))
    assert Predictive(model, mcmc.get_samples())()["y"].shape == (5, 3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "how many draws"),
        ({"num_samples": 0}, "how many draws"),
        ({"posterior_samples": {"mu": torch.zeros(3)}, "num_samples": 4}, "num_samples"),
        ({"num_samples": 2, "return_sites": "z"}, "list of names"),
        ({"posterior_samples": {"mu": torch.zeros(3)}, "batch_ndims": 3}, "batch_ndims"),
        ({"posterior_samples": {"mu": torch.zeros(3)}, "guide": lambda: None}, "posterior_samples or a guide"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(HandlerError, match=words):
        Predictive(model, **settings)


def test_draws_that_differ_in_number_are_named() -> None:
    with pytest.raises(ShapeError, match=r"mu: \(3,\), z: \(4,\)"):
        Predictive(model, {"mu": torch.zeros(3), "z": torch.zeros(4, 3)})


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(HandlerError, match="needs a model"):
        Predictive(None, num_samples=2)  # type: ignore[arg-type]
