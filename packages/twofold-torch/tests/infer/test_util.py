"""Log densities at given values."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.errors import ShapeError, UnknownSiteError
from twofold_torch.infer import compute_log_probs, log_density, log_likelihood
from twofold_torch.infer.util import zero_grads

Y = tensor([1.0, -0.5])


def model(y: Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(tf.param("loc", 0.0), 1.0))
    with handlers.scale(scale=2.0), tf.plate("rows", 2):
        tf.sample("y", dist.Normal(mu, 1.0), obs=y)


def test_log_density_is_the_joint_density_without_jacobian_and_comes_with_the_trace() -> None:
    density, trace = log_density(model, (Y,), {}, {"mu": 0.5, "loc": 0.25})
    expected = stats.norm.logpdf(0.5, 0.25) + 2 * stats.norm.logpdf(Y.numpy(), 0.5).sum()
    assert float(density) == pytest.approx(expected, rel=1e-6)
    assert float(trace.nodes["mu"]["value"]) == 0.5


def test_log_density_is_differentiable_in_the_values() -> None:
    tf.param("loc", 0.0)
    slope = torch.func.grad(lambda mu: log_density(model, (Y,), {}, {"mu": mu})[0])(tensor(0.5))
    assert float(slope) == pytest.approx(-0.5 + 2 * (0.5 - 1.0), rel=1e-5)


def test_log_density_names_what_the_model_does_not_have() -> None:
    with pytest.raises(UnknownSiteError, match="'nu'"):
        log_density(model, (Y,), {}, {"nu": 0.0})


def test_compute_log_probs_gives_each_site() -> None:
    sums, _ = compute_log_probs(model, (Y,), {}, {"mu": 0.5})
    assert set(sums) == {"mu", "y"}
    each, _ = compute_log_probs(model, (Y,), {}, {"mu": 0.5}, sum_log_prob=False)
    assert each["y"].shape == (2,)
    torch.testing.assert_close(each["y"].sum(), sums["y"])


def test_log_likelihood_is_that_of_each_row_at_each_draw_without_scale() -> None:
    mu = tensor([0.0, 1.0, 2.0])
    result = log_likelihood(model, {"mu": mu}, Y)
    assert set(result) == {"y"}
    torch.testing.assert_close(result["y"], dist.Normal(mu.unsqueeze(-1), 1.0).log_prob(Y))
    grouped = log_likelihood(model, {"mu": mu.reshape(3, 1)}, Y, batch_ndims=2)
    assert grouped["y"].shape == (3, 1, 2)


def test_log_likelihood_of_a_model_that_branches_runs_in_a_loop() -> None:
    def branching(y: Tensor) -> None:
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Normal(1.0 if mu > 0 else -1.0, 1.0), obs=y)

    result = log_likelihood(branching, {"mu": tensor([1.0, -1.0])}, tensor(0.5))
    torch.testing.assert_close(result["y"], dist.Normal(tensor([1.0, -1.0]), 1.0).log_prob(tensor(0.5)))


def test_log_likelihood_needs_as_many_draws_of_each_site() -> None:
    with pytest.raises(ShapeError, match="numbers of draws"):
        log_likelihood(model, {"mu": torch.zeros(3), "loc": torch.zeros(2)}, Y)


def test_zero_grads_forgets_gradients() -> None:
    leaf = tf.param("x", 1.0)
    (leaf**2).backward()
    zero_grads([leaf])
    assert leaf.grad is None
    (leaf**2).backward()
    zero_grads(None)
    assert leaf.grad is None
