"""Trace_ELBO: values and gradients against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.infer import Trace_ELBO


def mean_gradient(model: Callable[..., Any], guide: Callable[..., Any], name: str, draws: int) -> tuple[float, float]:
    """Mean and standard error of the loss's gradient over ``draws`` batches of 100 particles."""
    elbo = Trace_ELBO(num_particles=100, vectorize_particles=True)
    gradients = []
    for _ in range(draws):
        elbo.loss_and_grads(model, guide)
        leaf = tf.param(name).unconstrained()
        gradients.append(float(leaf.grad))
        leaf.grad = None
    values = tensor(gradients)
    return float(values.mean()), float(values.std()) / draws**0.5


def test_pathwise_gradient_is_unbiased() -> None:
    """KL of Normal(a, 1) from Normal(0, 2): slope a / 4.  Five standard errors: one false alarm in a million."""

    def model() -> None:
        tf.sample("x", dist.Normal(0.0, 2.0))

    def guide() -> None:
        tf.sample("x", dist.Normal(tf.param("a", 1.0), 1.0))

    mean, error = mean_gradient(model, guide, "a", 20)
    assert abs(mean - 0.25) < 5 * error


def test_score_function_gradient_is_unbiased() -> None:
    """KL of Bernoulli(s(l)) from Bernoulli(0.3) has slope q (1 - q) (l - logit 0.3)."""

    def model() -> None:
        tf.sample("z", dist.Bernoulli(0.3))

    def guide() -> None:
        tf.sample("z", dist.Bernoulli(logits=tf.param("l", 0.5)))

    q = float(tensor(0.5).sigmoid())
    exact = q * (1 - q) * (0.5 - float(torch.logit(tensor(0.3))))
    mean, error = mean_gradient(model, guide, "l", 20)
    assert abs(mean - exact) < 5 * error


def test_score_function_in_a_plate_counts_each_row_for_itself() -> None:
    """Rao-Blackwellised over rows: the noise of the sum grows with the number of rows, not with its square."""

    def model() -> None:
        with tf.plate("rows", 50):
            z = tf.sample("z", dist.Bernoulli(0.3))
            tf.sample("y", dist.Normal(z, 1.0), obs=torch.ones(50))

    def guide() -> None:
        logit = tf.param("l", 0.0)
        with tf.plate("rows", 50):
            tf.sample("z", dist.Bernoulli(logits=logit))

    def exact(logit: torch.Tensor) -> torch.Tensor:
        q = logit.sigmoid()
        values = tensor([0.0, 1.0])
        prior = torch.log(tensor([0.7, 0.3])) + dist.Normal(values, 1.0).log_prob(tensor(1.0))
        weights = torch.stack([1 - q, q])
        return -50 * (weights * (prior - weights.log())).sum()

    slope = float(torch.func.grad(exact)(tensor(0.0)))
    mean, error = mean_gradient(model, guide, "l", 20)
    assert abs(mean - slope) < 5 * error
    assert error < 0.5  # terms of other rows would make it about 4


def test_vectorised_particles_average_what_single_ones_do() -> None:
    """Two estimates of one loss, each of 4000 draws; five standard errors."""

    def model() -> None:
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Normal(x, 1.0), obs=tensor(1.0))

    def guide() -> None:
        tf.sample("x", dist.Normal(0.3, 0.8))

    exact = -float(dist.Normal(0.0, 1.0).log_prob(tensor(0.3)) + dist.Normal(0.3, 1.0).log_prob(tensor(1.0)))
    exact += 0.8**2 - float(dist.Normal(0.0, 0.8).entropy())
    elbo = Trace_ELBO(num_particles=4000, vectorize_particles=True)
    assert abs(elbo.loss(model, guide) - exact) < 5 * 1.5 / 4000**0.5
    single = Trace_ELBO(num_particles=400)
    assert abs(single.loss(model, guide) - exact) < 5 * 1.5 / 400**0.5


def test_subsampled_loss_averages_to_the_full_one() -> None:
    data = torch.arange(4.0)

    def model(rows: list[int] | None) -> None:
        chosen = {} if rows is None else {"subsample": tensor(rows)}
        with tf.plate("rows", 4, **chosen) as index:  # type: ignore[arg-type]
            tf.sample("y", dist.Normal(0.0, 1.0), obs=data[index])

    full = Trace_ELBO().loss(model, lambda rows: None, None)
    pairs = [[i, j] for i in range(4) for j in range(i)]
    mean = sum(Trace_ELBO().loss(model, lambda rows: None, pair) for pair in pairs) / len(pairs)
    assert mean == pytest.approx(full, rel=1e-6)


def test_scale_and_mask_apply_to_loss_and_gradient() -> None:
    def guide() -> None:
        loc = tf.param("loc", torch.zeros(2))
        with handlers.scale(scale=3.0), handlers.mask(mask=tensor([True, False])), tf.plate("rows", 2):
            tf.sample("x", dist.Normal(loc, 1.0))

    def model() -> None:
        with handlers.scale(scale=3.0), handlers.mask(mask=tensor([True, False])), tf.plate("rows", 2):
            tf.sample("x", dist.Normal(1.0, 1.0))

    loss = Trace_ELBO(num_particles=2000, vectorize_particles=True).loss_and_grads(model, guide)
    gradient = tf.param("loc").grad
    assert loss == pytest.approx(1.5, abs=5 * 3.0 / 2000**0.5)  # 3 KL(N(0,1), N(1,1))
    assert gradient is not None
    assert float(gradient[0]) == pytest.approx(-3.0, abs=5 * 3.0 / 2000**0.5)
    assert float(gradient[1]) == 0.0
