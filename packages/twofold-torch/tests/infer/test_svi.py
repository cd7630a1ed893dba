"""SVI on the parameter store."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch.distributions import constraints
from twofold_torch.errors import HandlerError, InferenceWarning, NonFiniteError
from twofold_torch.infer import SVI, Trace_ELBO
from twofold_torch.optim import SGD, Adam

DATA = tensor([1.0, 2.0, 3.0, 2.5])


def model(data: torch.Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 2.0))
    with tf.plate("rows", len(data)):
        tf.sample("y", dist.Normal(mu, 1.0), obs=data)


def guide(data: torch.Tensor) -> None:
    loc = tf.param("loc", 0.0)
    scale = tf.param("scale", 1.0, constraint=constraints.positive)
    tf.sample("mu", dist.Normal(loc, scale))


def test_svi_finds_the_conjugate_posterior() -> None:
    """Posterior precision 1/4 + 4, mean 8.5 / 4.25 = 2; the tolerance is far above the noise of 10 particles."""
    elbo = Trace_ELBO(num_particles=10, vectorize_particles=True)
    result = SVI(model, guide, Adam({"lr": 0.02}), elbo).run(600, DATA)
    assert float(result.params["loc"]) == pytest.approx(2.0, abs=0.06)
    assert float(result.params["scale"]) == pytest.approx(4.25**-0.5, rel=0.1)


def test_loss_at_the_posterior_is_minus_the_log_evidence_without_noise() -> None:
    def posterior(data: torch.Tensor) -> None:
        tf.sample("mu", dist.Normal(2.0, 4.25**-0.5))

    covariance = torch.eye(4) + 4.0
    evidence = dist.MultivariateNormal(torch.zeros(4), covariance).log_prob(DATA)
    svi = SVI(model, posterior, Adam({"lr": 0.1}), Trace_ELBO())
    for _ in range(3):
        assert svi.evaluate_loss(DATA) == pytest.approx(-float(evidence), rel=1e-5)


def test_run_returns_detached_parameters_and_every_loss() -> None:
    result = SVI(model, guide, Adam({"lr": 0.1}), Trace_ELBO()).run(7, DATA)
    assert result.losses.shape == (7,)
    assert not any(value.requires_grad for value in result.params.values())
    before = result.params["loc"].clone()
    SVI(model, guide, Adam({"lr": 0.1}), Trace_ELBO()).run(1, DATA)
    assert torch.equal(result.params["loc"], before)


def test_steps_follow_the_seed() -> None:
    losses = []
    for _ in range(2):
        tf.clear_param_store()
        tf.set_rng_seed(5)
        losses.append(SVI(model, guide, Adam({"lr": 0.1}), Trace_ELBO()).run(5, DATA).losses)
    assert torch.equal(*losses)


def test_step_leaves_no_gradient_behind() -> None:
    SVI(model, guide, Adam({"lr": 0.1}), Trace_ELBO()).step(DATA)
    assert all(leaf.grad is None for _, leaf in tf.get_param_store().named_parameters())


def test_evaluate_loss_changes_nothing() -> None:
    svi = SVI(model, guide, Adam({"lr": 0.1}), Trace_ELBO())
    svi.step(DATA)
    before = tf.get_param_store().get_state()["params"]
    svi.evaluate_loss(DATA)
    assert all(torch.equal(before[name], leaf) for name, leaf in tf.get_param_store().named_parameters())


def test_parameters_of_the_model_are_fitted_too() -> None:
    def learned() -> None:
        tf.sample("y", dist.Normal(tf.param("at", 0.0), 1.0), obs=tensor(3.0))

    SVI(learned, lambda: None, SGD({"lr": 0.5}), Trace_ELBO()).run(30)
    assert float(tf.param("at").detach()) == pytest.approx(3.0, abs=1e-3)


def test_parameters_that_a_step_does_not_use_stay() -> None:
    tf.param("other", 1.0)
    SVI(model, guide, Adam({"lr": 0.1}), Trace_ELBO()).step(DATA)
    assert float(tf.param("other").detach()) == 1.0


@pytest.mark.parametrize("optim", [torch.optim.Adam, lambda groups: torch.optim.SGD(groups, lr=0.01)])
def test_torch_optimisers_are_accepted_as_they_are(optim: Any) -> None:
    svi = SVI(model, guide, optim, Trace_ELBO())
    svi.step(DATA)
    before = float(tf.param("loc").detach())
    svi.step(DATA)
    assert float(tf.param("loc").detach()) != before


def test_what_is_no_optimiser_is_refused() -> None:
    with pytest.raises(HandlerError, match="optimiser"):
        SVI(model, guide, 0.01, Trace_ELBO())


def test_a_function_may_be_the_loss() -> None:
    def simple(model: Any, guide: Any, data: torch.Tensor) -> torch.Tensor:
        guide(data)
        return (tf.param("loc") - 7.0) ** 2

    SVI(model, guide, SGD({"lr": 0.25}), simple).run(20, DATA)
    assert float(tf.param("loc").detach()) == pytest.approx(7.0, abs=1e-3)


def broken(data: torch.Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    tf.factor("pole", torch.log(mu * 0.0))


def test_run_names_step_and_site_of_a_loss_that_is_not_finite_and_keeps_the_parameters() -> None:
    svi = SVI(broken, guide, Adam({"lr": 0.1}), Trace_ELBO())
    with pytest.raises(NonFiniteError, match=r"at step 0") as caught:
        svi.run(10, DATA)
    assert "site 'pole' of the model" in str(caught.value)
    assert float(tf.param("loc").detach()) == 0.0


def test_step_warns_of_a_loss_that_is_not_finite_with_the_site() -> None:
    with pytest.warns(InferenceWarning, match="'pole'"):
        loss = SVI(broken, guide, Adam({"lr": 0.1}), Trace_ELBO()).step(DATA)
    assert not math.isfinite(loss)


def test_a_parameter_that_is_not_finite_is_named() -> None:
    svi = SVI(model, guide, SGD({"lr": 3e38}), Trace_ELBO())
    with pytest.raises(NonFiniteError, match="param 'loc'"):
        svi.run(10, DATA)


def test_mini_batches_of_model_and_guide_are_the_same_rows() -> None:
    seen: dict[str, torch.Tensor] = {}

    def local_model() -> None:
        with tf.plate("rows", 10, subsample_size=3) as rows:
            seen["model"] = rows
            z = tf.sample("z", dist.Normal(0.0, 1.0))
            tf.sample("y", dist.Normal(z, 1.0), obs=torch.zeros(3))

    def local_guide() -> None:
        loc = tf.param("locs", torch.zeros(10), event_dim=0)
        del loc
        with tf.plate("rows", 10, subsample_size=3) as rows:
            seen["guide"] = rows
            tf.sample("z", dist.Normal(tf.param("locs", event_dim=0), 1.0))

    SVI(local_model, local_guide, Adam({"lr": 0.1}), Trace_ELBO()).step()
    assert torch.equal(seen["model"], seen["guide"])
    assert len(seen["model"]) == 3
