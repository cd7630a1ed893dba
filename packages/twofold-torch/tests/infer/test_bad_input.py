"""Mistakes under inference: each is refused or told by name, before any time is spent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch

import twofold_torch as tf
from twofold_torch import (
    HandlerError,
    InferenceError,
    InferenceWarning,
    NonFiniteError,
    PlateError,
    ShapeError,
    SupportError,
    TwofoldWarning,
    UnknownSiteError,
    plate,
    sample,
)
from twofold_torch import distributions as dist
from twofold_torch.infer import MCMC, NUTS, SVI, Predictive, Trace_ELBO, init_to_value
from twofold_torch.optim import SGD, Adam

Program = Callable[..., Any]
Refuses = Callable[..., AbstractContextManager[None]]
N = dist.Normal
NAN = float("nan")
THREE = torch.zeros(3)


def model(y: Any = 1.0) -> None:
    theta = sample("theta", N(0.0, 1.0))
    sample("y", N(theta, 1.0), obs=torch.as_tensor(y))


def positive() -> None:
    sample("s", dist.HalfNormal(1.0))


def chains(fn: Program, *data: Any, **more: Any) -> Program:
    """Two draws by NUTS; ``kernel_*`` are settings of the kernel."""
    kernel = {key.removeprefix("kernel_"): value for key, value in more.items() if key.startswith("kernel_")}
    rest = {key: value for key, value in more.items() if not key.startswith("kernel_")}
    settings = {"num_samples": 2, "warmup_steps": 1, "progress_bar": False, **rest}
    return lambda: MCMC(NUTS(fn, **kernel), **settings).run(*data)


def starting(**values: Any) -> Any:
    return init_to_value(values={name: torch.as_tensor(value) for name, value in values.items()})


def column(y: torch.Tensor) -> None:
    mu = sample("mu", N(0.0, 1.0))
    with plate("rows", 5):
        sample("y", N(mu, 1.0), obs=y)


def discrete() -> None:
    z = sample("z", dist.Bernoulli(0.5))
    sample("y", N(z, 1.0), obs=torch.tensor(1.0))


def scored(fn: Program) -> Program:
    """A model with ``theta`` and the factor ``f`` made of it."""

    def with_factor() -> None:
        tf.factor("f", fn(sample("theta", N(0.0, 1.0))))

    return with_factor


def changing() -> None:
    if sample("z", N(0.0, 1.0)) > 0:
        sample("sometimes", N(0.0, 1.0))


MCMC_MISTAKES = {
    "a discrete latent": (chains(discrete), InferenceError, "'z'", "Bernoulli"),
    "no latent at all": (chains(lambda: sample("y", N(0.0, 1.0), obs=torch.tensor(0.0))), InferenceError, "'y'"),
    "NaN in the data": (chains(model, [1.0, NAN]), SupportError, "'y'", "nan at 1"),
    "data outside of the support": (
        chains(lambda: sample("y", dist.LogNormal(sample("mu", N(0.0, 1.0)), 1.0), obs=THREE)),
        SupportError,
        "'y'",
        "greater than 0",
    ),
    "a column of data": (chains(column, torch.zeros(5, 1)), ShapeError, "'y'", "'rows'", "(5, 1)"),
    "a density that is NaN": (chains(scored(lambda z: (-z.abs()).log())), NonFiniteError, "'f'", "nan"),
    "a scale that is negative": (
        chains(lambda: sample("y", N(0.0, -sample("z", N(0.0, 1.0)).exp()), obs=torch.tensor(0.0))),
        SupportError,
        "'scale'",
        "after the statement 'z'",
    ),
    "a misspelt start": (chains(model, kernel_init_strategy=starting(thetta=0.0)), UnknownSiteError, "'theta'?"),
    "a start of another shape": (
        chains(model, kernel_init_strategy=starting(theta=THREE)),
        ShapeError,
        "'theta'",
        "(3,)",
    ),
    "a start outside of the support": (
        chains(positive, kernel_init_strategy=starting(s=-1.0)),
        SupportError,
        "'s'",
        "-1",
    ),
    "a start that is NaN": (chains(model, kernel_init_strategy=starting(theta=NAN)), SupportError, "'theta'", "nan"),
    "a strategy in words": (chains(model, kernel_init_strategy="uniform"), HandlerError, "init_strategy", "'uniform'"),
    "misspelt initial_params": (chains(model, initial_params={"thetta": torch.tensor(0.0)}), UnknownSiteError, "theta"),
    "misspelt save_params": (chains(model, save_params=["thetta"]), UnknownSiteError, "'thetta'", "'theta'"),
    "a model for a kernel": (lambda: MCMC(model, num_samples=2), HandlerError, "kernel", "NUTS(model)"),
    "no model": (lambda: NUTS(), HandlerError, "neither"),
    "words for a model": (lambda: NUTS("abc"), HandlerError, "'abc'"),
    "no draws asked for": (lambda: MCMC(NUTS(model)), HandlerError, "num_samples", "None"),
    "no chains": (chains(model, num_chains=0), HandlerError, "num_chains", "0"),
    "an unknown way to run chains": (chains(model, chain_method="paralel"), HandlerError, "'paralel'", "'vectorized'"),
    "draws before running": (lambda: MCMC(NUTS(model), num_samples=2).get_samples(), InferenceError, "run("),
    "a table before running": (lambda: MCMC(NUTS(model), num_samples=2).print_summary(), InferenceError, "run("),
    "sites that come and go": (chains(changing, num_samples=40), InferenceError, "'sometimes'", "z"),
}


def guide() -> None:
    sample("theta", N(0.0, 1.0))


def nested(outer: str, inner: str, rows: int, columns: int) -> Program:
    sizes = {"rows": rows, "columns": columns}

    def fn() -> None:
        with plate(outer, sizes[outer]), plate(inner, sizes[inner]):
            sample("x", N(0.0, 1.0))

    return fn


def step(fn: Program, guide: Program, *data: Any) -> Program:
    return lambda: SVI(fn, guide, Adam({"lr": 0.1}), Trace_ELBO()).step(*data)


def both(*names: str) -> Program:
    return lambda: [sample(name, N(0.0, 1.0)) for name in names]


SVI_MISTAKES = {
    "a guide that misses a site": (step(model, both()), InferenceError, "'theta'", "(none)"),
    "a guide that misspells a site": (step(model, both("thetta")), InferenceError, "'theta'", "'thetta'"),
    "a guide that draws the data": (step(model, both("theta", "y")), InferenceError, "'y'"),
    "plates inside out": (
        step(nested("rows", "columns", 2, 3), nested("columns", "rows", 2, 3)),
        ShapeError,
        "'x'",
        "'rows'",
        "'columns'",
    ),
    "plates of one size inside out": (
        step(nested("rows", "columns", 3, 3), nested("columns", "rows", 3, 3)),
        PlateError,
        "dim -1",
        "dim -2",
    ),
    "a guide for data of another size": (
        step(nested("rows", "columns", 4, 1), nested("rows", "columns", 5, 1)),
        PlateError,
        "'rows'",
        "5 row numbers",
        "4",
    ),
    "an optimiser in words": (lambda: SVI(model, guide, "adam", Trace_ELBO()), HandlerError, "'adam'"),
    "a loss without brackets": (lambda: SVI(model, guide, Adam({}), Trace_ELBO), HandlerError, "Trace_ELBO()"),
    "a number for a loss": (lambda: SVI(model, guide, Adam({}), 3), HandlerError, "loss", "3"),
    "no steps": (lambda: SVI(model, guide, Adam({}), Trace_ELBO()).run(-3), HandlerError, "num_steps", "-3"),
    "a factor that is NaN": (step(scored(lambda z: (-z.abs()).log()), guide), SupportError, "factor 'f'", "nan"),
}

PREDICTIVE_MISTAKES = {
    "misspelt return_sites": (
        lambda: Predictive(model, num_samples=3, return_sites=["thetta"])(),
        UnknownSiteError,
        "'thetta'",
        "'theta'",
    ),
    "misspelt samples": (lambda: Predictive(model, {"thetta": THREE})(), UnknownSiteError, "did you mean 'theta'?"),
    "no number of draws": (lambda: Predictive(model), HandlerError, "num_samples=None"),
    "samples of different lengths": (
        lambda: Predictive(model, {"theta": THREE, "y": torch.zeros(4)}),
        ShapeError,
        "theta: (3,)",
        "y: (4,)",
    ),
    "a tensor for samples": (lambda: Predictive(model, THREE), HandlerError, "Tensor"),
}


@pytest.mark.parametrize("case", MCMC_MISTAKES.values(), ids=MCMC_MISTAKES)
def test_a_mistake_under_mcmc_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    program, error, *words = case
    with refuses(error, *words):
        program()


@pytest.mark.parametrize("case", SVI_MISTAKES.values(), ids=SVI_MISTAKES)
def test_a_mistake_under_svi_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    program, error, *words = case
    with refuses(error, *words):
        program()


@pytest.mark.parametrize("case", PREDICTIVE_MISTAKES.values(), ids=PREDICTIVE_MISTAKES)
def test_a_mistake_in_predictions_is_refused(refuses: Refuses, case: tuple[Any, ...]) -> None:
    program, error, *words = case
    with refuses(error, *words):
        program()


def with_param() -> None:
    sample("x", N(tf.param("loc", 0.0), 1.0))


TOLD = {
    "a param under MCMC": (chains(with_param), InferenceWarning, "'loc'"),
    "a start for a strange site": (chains(model, kernel_init_strategy=starting(zzz=0.0)), TwofoldWarning, "'zzz'"),
    "a guide with a site too many": (step(model, both("theta", "extra")), InferenceWarning, "'extra'"),
    "samples of a strange site": (lambda: Predictive(model, {"zzz": THREE})(), TwofoldWarning, "'zzz'"),
}


@pytest.mark.parametrize("case", TOLD.values(), ids=TOLD)
def test_what_may_be_meant_is_told(case: tuple[Any, ...]) -> None:
    program, category, word = case
    with pytest.warns(category, match=word):
        program()


def test_draws_of_deterministic_sites_are_no_strange_samples(recwarn: pytest.WarningsRecorder) -> None:
    def fn() -> None:
        tf.deterministic("twice", 2 * sample("theta", N(0.0, 1.0)))
        sample("y", N(0.0, 1.0))

    assert Predictive(fn, {"theta": THREE, "twice": THREE})()["y"].shape == (3,)
    assert not recwarn.list


def test_an_exploding_fit_names_step_and_sites(refuses: Refuses) -> None:
    tf.param("loc", 0.0)
    fit = SVI(model, lambda: sample("theta", N(tf.param("loc", 0.0), 1.0)), SGD({"lr": 1e30}), Trace_ELBO())
    with pytest.raises(NonFiniteError, match=r"at step \d(.|\n)*'theta'") as caught:
        fit.run(20)
    for label in ("seen:", "expected:", "try:"):
        assert label in str(caught.value)


def test_a_model_that_branches_on_its_latents_is_sampled_as_it_is() -> None:
    def fn() -> None:
        z = sample("z", N(0.0, 1.0))
        tf.factor("f", -z if z > 0 else 3.0 * z)

    mcmc = MCMC(NUTS(fn), num_samples=300, warmup_steps=100, progress_bar=False)
    tf.set_rng_seed(0)
    mcmc.run()
    grid = torch.linspace(-8.0, 8.0, 4001)
    weight = torch.softmax(-(grid**2) / 2 + torch.where(grid > 0, -grid, 3.0 * grid), 0)
    assert (
        abs(mcmc.get_samples()["z"].mean() - (weight * grid).sum()) < 0.25
    )  # 6 standard errors at 100 effective draws
