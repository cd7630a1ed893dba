"""collapse: discrete sites are summed out exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm

import twofold_torch as tf
from twofold_torch import Trace, handlers
from twofold_torch import distributions as dist
from twofold_torch.infer import MCMC, NUTS
from twofold_torch.runtime import active_handlers

DATA = np.array([-0.5, 0.3, 1.2, 0.9])
LOCS = np.array([-1.0, 1.0])
WEIGHTS = np.array([0.4, 0.6])
STEPS = np.array([[0.9, 0.1], [0.3, 0.7]])


def array(value: Any) -> Any:
    return torch.as_tensor(value)


def record(model: Callable[[], Any]) -> Trace:
    return handlers.trace(model).get_trace()


def names(sites: Trace) -> list[str]:
    return [name for name in sites if name not in ("_INPUT", "_RETURN")]


def joint(sites: Trace) -> float:
    return sites.log_prob_sum().item()


def draws_of_nuts(model: Callable[[], Any]) -> dict[str, Any]:
    torch.manual_seed(0)
    mcmc = MCMC(NUTS(model), num_samples=400, warmup_steps=200, disable_progbar=True)
    mcmc.run()
    return mcmc.get_samples()


def mixture(size: int = 4) -> None:
    """A mixture of two normal laws; each row has its own component."""
    shift = tf.sample("shift", dist.Normal(0.0, 1.0))
    with tf.plate("rows", size, subsample_size=4), handlers.collapse():
        z = tf.sample("z", dist.Categorical(array(WEIGHTS)))
        tf.deterministic("mean", array(LOCS)[z])
        tf.sample("x", dist.Normal(array(LOCS)[z] + shift, 1.0), obs=array(DATA))


def log_mixture(shift: float) -> Any:
    return logsumexp(np.log(WEIGHTS[:, None]) + norm.logpdf(DATA, LOCS[:, None] + shift, 1.0), axis=0).sum()


@pytest.mark.parametrize("size", [4, 12])
def test_the_factor_is_the_log_of_the_sum_for_each_row_of_a_plate(size: int) -> None:
    sites = record(handlers.condition(lambda: mixture(size), data={"shift": array(0.2)}))
    assert names(sites) == ["shift", "rows", "z_collapsed"]
    assert joint(sites) == pytest.approx(norm.logpdf(0.2) + size / 4 * log_mixture(0.2), rel=1e-5)


@pytest.mark.parametrize("length", [1, 3])
def test_a_chain_of_latents_has_the_density_of_the_forward_algorithm(length: int) -> None:
    def chain() -> None:
        state: Any = 0
        for t in range(length):
            state = tf.sample(f"z_{t}", dist.Categorical(array(STEPS)[state]))
            tf.sample(f"x_{t}", dist.Normal(array(LOCS)[state], 1.0), obs=array(DATA[t % 4]))

    log_alpha = np.log(STEPS[0])
    for t in range(length):
        log_alpha = logsumexp(log_alpha[:, None] + np.log(STEPS), axis=0) if t else log_alpha
        log_alpha = log_alpha + norm.logpdf(DATA[t % 4], LOCS, 1.0)
    assert joint(record(handlers.collapse(chain))) == pytest.approx(logsumexp(log_alpha), rel=1e-5)


def test_sites_that_do_not_depend_on_the_sum_pass_through() -> None:
    def model() -> None:
        tf.sample("before", dist.Normal(0.0, 1.0), obs=array(0.5))
        z = tf.sample("z", dist.Bernoulli(array(0.3)))
        tf.sample("after", dist.Normal(0.0, 2.0), obs=array(0.5))
        tf.factor("bonus", 2.0 * z)

    sites = record(handlers.collapse(model))
    assert names(sites) == ["before", "after", "z_collapsed"]
    expected = norm.logpdf(0.5) + norm.logpdf(0.5, 0.0, 2.0) + np.log(0.7 + 0.3 * np.exp(2.0))
    assert joint(sites) == pytest.approx(expected, rel=1e-5)


def test_a_model_without_discrete_latents_stays_as_it_is() -> None:
    sites = record(handlers.collapse(lambda: tf.sample("x", dist.Normal(0.0, 1.0), obs=array(0.5))))
    assert names(sites) == ["x"]


def test_masks_and_scales_around_act_on_the_sum() -> None:
    keep = np.array([True, False, True, True])
    rows = logsumexp(np.log(WEIGHTS[:, None]) + norm.logpdf(DATA, LOCS[:, None], 1.0), axis=0)
    model = handlers.scale(handlers.mask(mixture, mask=array(keep)), scale=0.5)
    sites = record(handlers.block(handlers.condition(model, data={"shift": array(0.0)}), hide=["shift"]))
    assert joint(sites) == pytest.approx(0.5 * rows[keep].sum(), rel=1e-5)


def test_masked_observations_inside_may_be_anything() -> None:
    def model() -> None:
        z = tf.sample("z", dist.Bernoulli(array(0.3)))
        with handlers.mask(mask=False):
            tf.sample("x", dist.Normal(z, 1.0), obs=array(np.nan))

    assert joint(record(handlers.collapse(model))) == pytest.approx(0.0, abs=1e-6)


def test_nuts_draws_from_the_marginal() -> None:
    # 400 draws of a chain at a fixed seed; the bound is five standard errors at an effective size of 50
    grid = np.linspace(-4.0, 4.0, 801)
    density = np.exp([norm.logpdf(shift) + log_mixture(shift) for shift in grid])
    density /= density.sum()
    mean = (grid * density).sum()
    sd = np.sqrt(((grid - mean) ** 2 * density).sum())
    assert abs(draws_of_nuts(mixture)["shift"].mean() - mean) < 5 * sd / np.sqrt(50)


def plate_inside() -> None:
    with tf.plate("rows", 2):
        tf.sample("z", dist.Bernoulli(array(0.3)))


def continuous_child() -> None:
    z = tf.sample("z", dist.Bernoulli(array(0.3)))
    tf.sample("u", dist.Normal(z, 1.0))


def scaled_inside() -> None:
    with handlers.scale(scale=2.0):
        tf.sample("z", dist.Bernoulli(array(0.3)))


def masked_inside() -> None:
    with handlers.mask(mask=array(np.array([False]))):
        tf.sample("z", dist.Bernoulli(array(0.3)))


def batch_of_its_own() -> None:
    tf.sample("z", dist.Bernoulli(array(0.3 * np.ones(3))))


def data_without_a_plate() -> None:
    z = tf.sample("z", dist.Bernoulli(array(0.3)))
    tf.sample("x", dist.Normal(z, 1.0), obs=array(np.zeros(2)))


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (plate_inside, tf.PlateError, "'z'.*'rows'"),
        (continuous_child, tf.SiteError, "'u' depends on 'z'"),
        (scaled_inside, tf.SiteError, "'z' is scaled"),
        (masked_inside, tf.SiteError, "'z' is scaled or masked"),
        (batch_of_its_own, tf.ShapeError, "'z'"),
        (data_without_a_plate, tf.ShapeError, "'x'"),
        (handlers.collapse(batch_of_its_own), tf.HandlerError, "collapse"),
    ],
)
def test_what_cannot_be_summed_is_refused(model: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        record(handlers.collapse(model))
    assert not active_handlers()


@pytest.mark.parametrize("dim", [0, 1, "left"])
def test_the_first_dim_is_negative(dim: Any) -> None:
    with pytest.raises(tf.HandlerError, match="first_available_dim"):
        handlers.collapse(mixture, first_available_dim=dim)


def test_batch_dims_without_a_plate_can_be_left_free_by_hand() -> None:
    sites = record(handlers.collapse(data_without_a_plate, first_available_dim=-2))
    rows = np.log(0.7 * norm.pdf(0.0) + 0.3 * norm.pdf(0.0, 1.0))
    assert joint(sites) == pytest.approx(2 * rows, rel=1e-5)  # as in a plate: a latent for each entry
