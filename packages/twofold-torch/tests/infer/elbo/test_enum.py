"""TraceEnum_ELBO against marginals and expectations that are written out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.distributions import constraints
from twofold_torch.errors import HandlerError, InferenceError, ShapeError
from twofold_torch.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate

DATA = tensor([0.4, -2.0, 1.0, 3.0])
LOCS, PROBS = tensor([-1.0, 2.0, 0.5]), tensor([0.2, 0.5, 0.3])


def nothing(*args: Any) -> None:
    """A guide without sites."""


def loss(model: Callable[..., Any], guide: Callable[..., Any] = nothing, *args: Any, **settings: Any) -> float:
    return TraceEnum_ELBO(**settings).loss(model, guide, *args)


def mixture_log_density(x: Tensor, probs: Tensor = PROBS) -> Tensor:
    return (probs.log() + dist.Normal(LOCS, 1.0).log_prob(x.unsqueeze(-1))).logsumexp(-1)


@config_enumerate
def mixture(data: Tensor) -> None:
    with tf.plate("rows", len(data)):
        z = tf.sample("z", dist.Categorical(PROBS))
        tf.sample("x", dist.Normal(LOCS[z], 1.0), obs=data)


def test_enumerated_site_in_a_plate_is_summed_out_row_by_row() -> None:
    assert loss(mixture, nothing, DATA) == pytest.approx(-float(mixture_log_density(DATA).sum()), rel=1e-5)


def test_global_enumerated_site_is_summed_out_over_all_rows_together() -> None:
    @config_enumerate
    def model() -> None:
        z = tf.sample("z", dist.Categorical(PROBS))
        with tf.plate("rows", len(DATA)):
            tf.sample("x", dist.Normal(LOCS[z], 1.0), obs=DATA)

    rows = dist.Normal(LOCS.unsqueeze(-1), 1.0).log_prob(DATA).sum(-1)
    assert loss(model) == pytest.approx(-float((PROBS.log() + rows).logsumexp(0)), rel=1e-5)


def test_nested_plates_with_a_site_in_each_are_summed_out() -> None:
    inner = tensor([[0.9, 0.1], [0.5, 0.5], [0.3, 0.7]])
    data = torch.arange(6.0).reshape(2, 3) / 3

    @config_enumerate
    def model() -> None:
        with tf.plate("outer", 3, dim=-1):
            w = tf.sample("w", dist.Categorical(PROBS))
            with tf.plate("inner", 2, dim=-2):
                z = tf.sample("z", dist.Bernoulli(inner[w, 1]))
                tf.sample("x", dist.Normal(z, 1.0), obs=data)

    each = torch.stack([dist.Normal(float(z), 1.0).log_prob(data) for z in (0, 1)], -1)  # inner, outer, z
    marginal = (each.unsqueeze(-2) + inner.log()).logsumexp(-1)  # inner, outer, w
    assert loss(model) == pytest.approx(-float((marginal.sum(0) + PROBS.log()).logsumexp(-1).sum()), rel=1e-5)


def test_hidden_markov_model_agrees_with_the_forward_algorithm() -> None:
    transition = tensor([[0.8, 0.2], [0.3, 0.7]])
    data = torch.randn(7)

    @config_enumerate
    def model() -> None:
        state: Any = 0
        for t in handlers.markov(range(len(data))):
            state = tf.sample(f"z_{t}", dist.Categorical(transition[state]))
            tf.sample(f"x_{t}", dist.Normal(2.0 * state, 1.0), obs=data[t])

    message = transition[0].log()
    emission = dist.Normal(tensor([0.0, 2.0]), 1.0)
    for t in range(len(data)):
        if t:
            message = (message.unsqueeze(-1) + transition.log()).logsumexp(0)
        message = message + emission.log_prob(data[t])
    assert loss(model) == pytest.approx(-float(message.logsumexp(0)), rel=1e-5)


def test_site_enumerated_in_the_guide_gives_the_exact_expectation() -> None:
    q = tensor([0.5, 0.25, 0.25])

    @config_enumerate
    def guide(data: Tensor) -> None:
        with tf.plate("rows", len(data)):
            tf.sample("z", dist.Categorical(q))

    terms = PROBS.log() + dist.Normal(LOCS, 1.0).log_prob(DATA.unsqueeze(-1)) - q.log()
    assert loss(mixture, guide, DATA) == pytest.approx(-float((q * terms).sum()), rel=1e-5)


def test_chain_of_sites_enumerated_in_the_guide_gives_the_exact_expectation() -> None:
    first, second = tensor([0.3, 0.7]), tensor([[0.9, 0.1], [0.2, 0.8]])

    def joint(shift: float) -> Callable[[], None]:
        @config_enumerate
        def run() -> None:
            a = tf.sample("a", dist.Categorical((first + shift) / (first + shift).sum()))
            b = tf.sample("b", dist.Categorical(second[a]))
            if shift:
                tf.sample("x", dist.Normal(a + 2.0 * b, 1.0), obs=tensor(1.0))

        return run

    prior = (first + 0.5) / 2.0
    expected = 0.0
    for a, b in itertools.product((0, 1), (0, 1)):
        likelihood = dist.Normal(a + 2.0 * b, 1.0).log_prob(tensor(1.0))
        term = prior[a].log() + second[a, b].log() + likelihood - first[a].log() - second[a, b].log()
        expected += float(first[a] * second[a, b] * term)
    assert loss(joint(0.5), joint(0.0)) == pytest.approx(-expected, rel=1e-5)


def test_guide_and_model_may_each_enumerate_sites_of_their_own() -> None:
    q = tensor([0.5, 0.5])

    @config_enumerate
    def model() -> None:
        w = tf.sample("w", dist.Bernoulli(0.3))
        with tf.plate("rows", len(DATA)):
            z = tf.sample("z", dist.Categorical(PROBS))
            tf.sample("x", dist.Normal(LOCS[z] + w, 1.0), obs=DATA)

    @config_enumerate
    def guide() -> None:
        tf.sample("w", dist.Bernoulli(q[1]))

    expected = 0.0
    for w, prior in enumerate((0.7, 0.3)):
        expected += 0.5 * float(mixture_log_density(DATA - w).sum() + math.log(prior) - math.log(0.5))
    assert loss(model, guide) == pytest.approx(-expected, rel=1e-5)


def test_subsampled_plate_scales_the_log_of_the_sum() -> None:
    @config_enumerate
    def model() -> None:
        with tf.plate("rows", 8, subsample=torch.arange(4)):
            z = tf.sample("z", dist.Categorical(PROBS))
            tf.sample("x", dist.Normal(LOCS[z], 1.0), obs=DATA)

    assert loss(model) == pytest.approx(-2.0 * float(mixture_log_density(DATA).sum()), rel=1e-5)


def test_subsampled_rows_below_a_global_enumerated_site_count_as_often_as_they_stand_for() -> None:
    @config_enumerate
    def model() -> None:
        z = tf.sample("z", dist.Categorical(PROBS))
        with tf.plate("rows", 8, subsample=torch.arange(4)):
            tf.sample("x", dist.Normal(LOCS[z], 1.0), obs=DATA)

    rows = 2.0 * dist.Normal(LOCS.unsqueeze(-1), 1.0).log_prob(DATA).sum(-1)
    assert loss(model) == pytest.approx(-float((PROBS.log() + rows).logsumexp(0)), rel=1e-5)


def test_masked_rows_add_nothing_to_the_log_of_the_sum() -> None:
    inside = tensor([True, False, True, False])

    def model() -> None:
        with handlers.mask(mask=inside):
            mixture(DATA)

    assert loss(model) == pytest.approx(-float(mixture_log_density(DATA)[inside].sum()), rel=1e-5)


def test_without_enumerated_sites_it_is_trace_elbo() -> None:
    def model() -> None:
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Normal(x, 1.0), obs=tensor(2.0))

    def guide() -> None:
        tf.sample("x", dist.Normal(1.0, 0.5))

    losses = []
    for elbo in (Trace_ELBO(), TraceEnum_ELBO(max_plate_nesting=0)):
        tf.set_rng_seed(3)
        losses.append(elbo.loss(model, guide))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("vectorised", [False, True])
def test_continuous_latent_of_the_guide_beside_a_summed_one(vectorised: bool) -> None:
    @config_enumerate
    def model() -> None:
        shift = tf.sample("shift", dist.Normal(0.0, 1.0))
        mixture(DATA + shift)

    def guide() -> None:
        tf.sample("shift", dist.Delta(tf.param("at", tensor(0.5))))

    expected = -float(mixture_log_density(DATA + 0.5).sum() + dist.Normal(0.0, 1.0).log_prob(tensor(0.5)))
    assert loss(model, guide, num_particles=3, vectorize_particles=vectorised) == pytest.approx(expected, rel=1e-5)


def test_gradient_of_the_log_marginal_reaches_the_parameters() -> None:
    def model() -> None:
        probs = tf.param("probs", PROBS, constraint=constraints.simplex)
        with tf.plate("rows", len(DATA)):
            z = tf.sample("z", dist.Categorical(probs), infer={"enumerate": "parallel"})
            tf.sample("x", dist.Normal(LOCS[z], 1.0), obs=DATA)

    TraceEnum_ELBO().loss_and_grads(model, nothing)
    leaf = tf.param("probs").unconstrained()
    copy = leaf.detach().clone().requires_grad_()
    probs = dist.transform_to(constraints.simplex)(copy)
    (-mixture_log_density(DATA, probs).sum()).backward()
    torch.testing.assert_close(leaf.grad, copy.grad)


def test_gradient_of_an_enumerated_guide_is_exact() -> None:
    def guide(data: Tensor) -> None:
        logits = tf.param("logits", torch.zeros(3))
        with tf.plate("rows", len(data)):
            tf.sample("z", dist.Categorical(logits=logits), infer={"enumerate": "parallel"})

    TraceEnum_ELBO().loss_and_grads(mixture, guide, DATA)
    logits = torch.zeros(3, requires_grad=True)
    q = logits.softmax(-1)
    terms = PROBS.log() + dist.Normal(LOCS, 1.0).log_prob(DATA.unsqueeze(-1)) - logits.log_softmax(-1)
    (-(q * terms).sum()).backward()
    torch.testing.assert_close(tf.param("logits").grad, logits.grad)


def test_score_function_gradient_of_a_sampled_guide_site_is_unbiased() -> None:
    """Mean of 4000 draws against the exact gradient; 5 standard errors: fails by chance once in a million runs."""

    def guide(enumerate_: bool) -> Callable[[], None]:
        def run() -> None:
            logit = tf.param("logit", tensor(0.3))
            tf.sample("w", dist.Bernoulli(logits=logit), infer={"enumerate": "parallel"} if enumerate_ else {})

        return run

    def model() -> None:
        w = tf.sample("w", dist.Bernoulli(0.5))
        with tf.plate("rows", len(DATA)):
            z = tf.sample("z", dist.Categorical(PROBS), infer={"enumerate": "parallel"})
            tf.sample("x", dist.Normal(LOCS[z] + w, 1.0), obs=DATA)

    def gradient(elbo: Any, run: Callable[[], None]) -> float:
        elbo.loss_and_grads(model, run)
        leaf = tf.param("logit")
        value = float(leaf.grad)
        leaf.grad = None
        return value

    exact = gradient(TraceEnum_ELBO(), guide(True))
    elbo = TraceEnum_ELBO(num_particles=200, vectorize_particles=True)
    sampled = guide(False)
    draws = tensor([gradient(elbo, sampled) for _ in range(20)])
    assert abs(float(draws.mean()) - exact) < 5 * float(draws.std()) / 20**0.5


def test_marginals_are_the_posterior_probabilities_of_each_row() -> None:
    marginals = TraceEnum_ELBO().compute_marginals(mixture, nothing, DATA)
    expected = (PROBS.log() + dist.Normal(LOCS, 1.0).log_prob(DATA.unsqueeze(-1))).softmax(-1)
    assert isinstance(marginals["z"], dist.Categorical)
    torch.testing.assert_close(marginals["z"].probs, expected)


def test_marginals_of_a_chain_are_smoothed() -> None:
    @config_enumerate
    def model() -> None:
        a = tf.sample("a", dist.Bernoulli(0.5))
        b = tf.sample("b", dist.Bernoulli(0.9 * a + 0.05))
        tf.sample("x", dist.Bernoulli(0.8 * b + 0.1), obs=tensor(1.0))

    joint = {}
    for a, b in itertools.product((0, 1), (0, 1)):
        p_b = 0.9 * a + 0.05
        joint[a, b] = 0.5 * (p_b if b else 1 - p_b) * (0.8 * b + 0.1)
    total = sum(joint.values())
    marginals = TraceEnum_ELBO().compute_marginals(model, nothing)
    assert float(marginals["a"].probs) == pytest.approx((joint[1, 0] + joint[1, 1]) / total, rel=1e-5)
    assert float(marginals["b"].probs) == pytest.approx((joint[0, 1] + joint[1, 1]) / total, rel=1e-5)


def test_batch_dim_without_a_plate_is_named() -> None:
    @config_enumerate
    def model() -> None:
        z = tf.sample("z", dist.Bernoulli(0.5))
        tf.sample("x", dist.Normal(z.unsqueeze(-1), torch.ones(3)), obs=torch.zeros(3))

    with pytest.raises(ShapeError, match="belongs to no plate") as caught:
        loss(model, nothing, max_plate_nesting=1)
    assert any("'x'" in note for note in caught.value.__notes__)


def test_enumerated_sites_in_plates_side_by_side_that_meet_are_refused() -> None:
    @config_enumerate
    def model() -> None:
        rows, columns = tf.plate("rows", 3, dim=-1), tf.plate("columns", 2, dim=-2)
        with rows:
            a = tf.sample("a", dist.Bernoulli(0.5))
        with columns:
            b = tf.sample("b", dist.Bernoulli(0.5))
        with rows, columns:
            tf.sample("x", dist.Normal(a + b, 1.0), obs=torch.zeros(2, 3))

    with pytest.raises(InferenceError, match="different plates meet"):
        loss(model)


def test_sites_scaled_differently_that_are_summed_together_are_refused() -> None:
    def model() -> None:
        a = tf.sample("a", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
        with handlers.scale(scale=2.0):
            tf.sample("b", dist.Bernoulli(0.5 * a + 0.2), infer={"enumerate": "parallel"})

    with pytest.raises(InferenceError, match="scaled differently"):
        loss(model)


@pytest.mark.parametrize("nesting", [-1, 0.5])
def test_max_plate_nesting_that_is_no_count_is_refused(nesting: float) -> None:
    with pytest.raises(HandlerError, match="max_plate_nesting"):
        TraceEnum_ELBO(max_plate_nesting=nesting)


def test_sequential_enumeration_is_refused_by_name() -> None:
    def both() -> None:
        tf.sample("z", dist.Bernoulli(0.5), infer={"enumerate": "sequential"})

    with pytest.raises(InferenceError, match=r"'z'.*does not do"):
        loss(both, both)
