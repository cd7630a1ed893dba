"""What all estimators of the ELBO share."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch.errors import HandlerError, InferenceWarning
from twofold_torch.infer import Trace_ELBO
from twofold_torch.infer.autoguide import AutoNormal


def model(data: torch.Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    tf.sample("y", dist.Normal(mu, 1.0).expand([3]).to_event(1), obs=data)


def guide(data: torch.Tensor) -> None:
    tf.sample("mu", dist.Normal(tf.param("loc", 0.5), 1.0))


DATA = tensor([1.0, 2.0, 3.0])


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_number_of_particles_that_is_no_count_is_refused(count: Any) -> None:
    with pytest.raises(HandlerError, match="num_particles"):
        Trace_ELBO(num_particles=count)


def test_differentiable_loss_has_the_value_of_the_loss_and_the_gradient_of_loss_and_grads() -> None:
    elbo = Trace_ELBO()
    values, gradients = [], []
    for call in (elbo.differentiable_loss, elbo.loss_and_grads):
        tf.set_rng_seed(1)
        value = call(model, guide, DATA)
        if isinstance(value, torch.Tensor):
            value.backward()
        leaf = tf.param("loc")
        values.append(float(torch.as_tensor(value).detach()))
        gradients.append(float(leaf.grad))
        leaf.grad = None
    tf.set_rng_seed(1)
    assert values == [pytest.approx(elbo.loss(model, guide, DATA))] * 2
    assert gradients[0] == pytest.approx(gradients[1])


def test_a_fresh_guide_may_be_vectorised_from_the_first_step() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trace_ELBO(num_particles=3, vectorize_particles=True).loss(model, AutoNormal(model), DATA)
    assert all(leaf.requires_grad for _, leaf in tf.get_param_store().named_parameters())


def test_a_cleared_store_is_filled_again_outside_of_vmap() -> None:
    elbo = Trace_ELBO(num_particles=3, vectorize_particles=True)
    elbo.loss(model, guide, DATA)
    tf.clear_param_store()
    elbo.loss(model, guide, DATA)
    assert float(tf.param("loc").detach()) == 0.5


def test_a_model_that_branches_on_values_runs_its_particles_one_by_one_and_says_so() -> None:
    def branching(data: torch.Tensor) -> None:
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Normal(1.0 if mu > 0 else -1.0, 1.0), obs=data[0])

    elbo = Trace_ELBO(num_particles=3, vectorize_particles=True)
    with pytest.warns(InferenceWarning, match="one by one"):
        elbo.loss(branching, guide, DATA)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        elbo.loss(branching, guide, DATA)


def test_values_are_checked_once_even_if_particles_are_vectorised() -> None:
    def bad(data: torch.Tensor) -> None:
        tf.sample("mu", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Poisson(3.0), obs=tensor(-1.0))

    with pytest.raises(ValueError, match="'y'"):
        Trace_ELBO(num_particles=3, vectorize_particles=True).loss(bad, guide, DATA)


def test_module_form_trains_with_a_torch_optimiser() -> None:
    loss_fn = Trace_ELBO(num_particles=5, vectorize_particles=True)(model, guide)
    loss_fn(DATA)
    assert [name for name, _ in loss_fn.named_parameters()] == ["loc"]
    optimizer = torch.optim.Adam(loss_fn.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss_fn(DATA).backward()
        optimizer.step()
    assert float(tf.param("loc").detach()) == pytest.approx(1.5, abs=0.2)


def test_module_form_has_the_parameters_of_networks_once() -> None:
    net = torch.nn.Linear(1, 1)

    def with_net(data: torch.Tensor) -> None:
        tf.module("net", net)
        tf.sample("mu", dist.Normal(net(data[:1]).squeeze(), 1.0))

    loss_fn = Trace_ELBO()(model, with_net)
    loss_fn(DATA)
    assert {id(p) for p in loss_fn.parameters()} == {id(p) for p in net.parameters()}


def test_one_estimator_serves_several_models() -> None:
    elbo = Trace_ELBO(num_particles=2, vectorize_particles=True)

    def other(data: torch.Tensor) -> None:
        tf.sample("w", dist.Normal(tf.param("w_loc", 0.0), 1.0))

    elbo.loss(model, guide, DATA)
    elbo.loss(other, other, DATA)
    assert elbo.loss(model, guide, DATA) != 0.0
