"""Mistakes under inference: each is refused or told by name, before any time is spent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import twofold_jax as tf
from twofold_jax import distributions as dist
from twofold_jax import plate, sample
from twofold_jax.errors import (
    HandlerError,
    InferenceError,
    InferenceWarning,
    NonFiniteError,
    PlateError,
    RandomKeyError,
    ShapeError,
    SiteError,
    SiteTypeError,
    SupportError,
    TwofoldWarning,
    UnknownSiteError,
)
from twofold_jax.infer import MCMC, NUTS, SVI, Predictive, Trace_ELBO, init_to_value, log_likelihood

Program = Callable[..., Any]
Refuses = Callable[..., AbstractContextManager[None]]
N = dist.Normal
NAN = float("nan")
KEY = jax.random.key(0)
THREE = np.zeros(3)


def model(y: Any = 1.0) -> None:
    theta = sample("theta", N(0.0, 1.0))
    sample("y", N(theta, 1.0), obs=y)


def positive() -> None:
    sample("s", dist.HalfNormal(1.0))


def chains(fn: Program, *data: Any, key: Any = KEY, init_params: Any = None, **more: Any) -> Program:
    """Two draws by NUTS; ``kernel_*`` are settings of the kernel."""
    kernel = {name.removeprefix("kernel_"): value for name, value in more.items() if name.startswith("kernel_")}
    rest = {name: value for name, value in more.items() if not name.startswith("kernel_")}
    settings: dict[str, Any] = {"num_samples": 2, "num_warmup": 1, "progress_bar": False, **rest}
    return lambda: MCMC(NUTS(fn, **kernel), **settings).run(key, *data, init_params=init_params)


def starting(**values: Any) -> Any:
    return init_to_value(values=values)


def column(y: Any) -> None:
    mu = sample("mu", N(0.0, 1.0))
    with plate("rows", 5):
        sample("y", N(mu, 1.0), obs=y)


def discrete() -> None:
    z = sample("z", dist.Bernoulli(0.5))
    sample("y", N(z, 1.0), obs=1.0)


def scored(fn: Program) -> Program:
    """A model with ``theta`` and the factor ``f`` made of it."""

    def with_factor() -> None:
        tf.factor("f", fn(sample("theta", N(0.0, 1.0))))

    return with_factor


def branching() -> None:
    theta = sample("theta", N(0.0, 1.0))
    if theta > 0:
        sample("y", N(theta, 1.0), obs=0.0)


def mapped() -> None:
    theta = sample("theta", N(0.0, 1.0))
    jax.vmap(lambda y: sample("y", N(theta, 1.0), obs=y))(jnp.zeros(3))


def scanned() -> None:
    theta = sample("theta", N(0.0, 1.0))
    jax.lax.scan(lambda carry, y: (carry, sample("y", N(theta, 1.0), obs=y)), 0.0, jnp.zeros(3))


BRANCHES = "after the statement 'theta'"
STARTS = "kernel_init_strategy"
MCMC_MISTAKES = {
    "a discrete latent": (chains(discrete), InferenceError, "'z'", "Bernoulli"),
    "no latent at all": (chains(lambda: sample("y", N(0.0, 1.0), obs=0.0)), InferenceError, "'y'"),
    "NaN in the data": (chains(model, np.array([1.0, NAN])), SupportError, "'y'", "nan at [1]"),
    "data outside of the support": (
        chains(lambda: sample("y", dist.LogNormal(sample("mu", N(0.0, 1.0)), 1.0), obs=THREE)),
        SupportError,
        "'y'",
        "greater than 0",
    ),
    "a column of data": (chains(column, np.zeros((5, 1))), ShapeError, "'y'", "'rows'", "(5, 1)"),
    "a density that is NaN": (chains(scored(lambda z: jnp.log(-jnp.abs(z)))), NonFiniteError, "'f'", "nan"),
    "a scale that is negative": (
        chains(lambda: sample("y", N(0.0, -jnp.exp(sample("z", N(0.0, 1.0)))), obs=0.0)),
        NonFiniteError,
        "'y'",
        "nan",
    ),
    "a misspelt start": (chains(model, **{STARTS: starting(thetta=0.0)}), UnknownSiteError, "'theta'?"),
    "a start of another shape": (chains(model, **{STARTS: starting(theta=THREE)}), ShapeError, "'theta'", "(3,)"),
    "a start outside of the support": (chains(positive, **{STARTS: starting(s=-1.0)}), SupportError, "'s'", "-1.0"),
    "a start that is NaN": (chains(model, **{STARTS: starting(theta=NAN)}), SupportError, "'theta'", "nan"),
    "a strategy in words": (chains(model, **{STARTS: "uniform"}), HandlerError, "init_strategy", "'uniform'"),
    "misspelt init_params": (chains(model, init_params={"thetta": 0.0}), UnknownSiteError, "theta"),
    "a model for a kernel": (lambda: MCMC(model, num_samples=2), HandlerError, "kernel", "NUTS(model)"),
    "no model": (lambda: NUTS(), HandlerError, "neither"),
    "words for a model": (lambda: NUTS("abc"), HandlerError, "'abc'"),
    "no warm-up said": (lambda: MCMC(NUTS(model), num_samples=2), HandlerError, "num_warmup", "None"),
    "no chains": (chains(model, num_chains=0), HandlerError, "num_chains", "0"),
    "an unknown way to run chains": (chains(model, chain_method="paralel"), HandlerError, "'paralel'", "'vectorized'"),
    "a number for a key": (chains(model, key=0), RandomKeyError, "0 of type int", "jax.random.key(0)"),
    "data for a key": (chains(model, key=THREE), RandomKeyError, "float64"),
    "draws before running": (
        lambda: MCMC(NUTS(model), num_warmup=1, num_samples=2).get_samples(),
        InferenceError,
        "run(rng_key",
    ),
    "a table before running": (
        lambda: MCMC(NUTS(model), num_warmup=1, num_samples=2).print_summary(),
        InferenceError,
        "run(rng_key",
    ),
    "a Python if on a latent": (chains(branching), InferenceError, BRANCHES, "jnp.where"),
    "a number made of a latent": (chains(scored(float)), InferenceError, BRANCHES),
    "NumPy on a latent": (chains(scored(np.sin)), InferenceError, BRANCHES),
    "a site under vmap": (chains(mapped), SiteError, "'y'", "plate instead of vmap"),
    "a site in a scan": (chains(scanned), SiteError, "'y'"),
}


def guide() -> None:
    sample("theta", N(tf.param("loc", 0.0), 1.0))


def nested(outer: str, inner: str, rows: int, columns: int) -> Program:
    sizes = {"rows": rows, "columns": columns}

    def fn() -> None:
        with plate(outer, sizes[outer]), plate(inner, sizes[inner]):
            sample("x", N(0.0, 1.0))

    return fn


def fit(fn: Program, guide: Program, *data: Any) -> Program:
    return lambda: SVI(fn, guide, optax.adam(0.1), Trace_ELBO()).init(KEY, *data)


def both(*names: str) -> Program:
    return lambda: [sample(name, N(0.0, 1.0)) for name in names]


def with_loc(value: Any) -> Program:
    return lambda: sample("theta", N(tf.param("loc", value), 1.0))


SVI_MISTAKES = {
    "a guide that misses a site": (fit(model, both()), InferenceError, "'theta'", "(none)"),
    "a guide that misspells a site": (fit(model, both("thetta")), InferenceError, "'theta'", "'thetta'"),
    "a guide that draws the data": (fit(model, both("theta", "y")), InferenceError, "'y'"),
    "plates inside out": (
        fit(nested("rows", "columns", 2, 3), nested("columns", "rows", 2, 3)),
        ShapeError,
        "'x'",
        "'rows'",
        "'columns'",
    ),
    "plates of one size inside out": (
        fit(nested("rows", "columns", 3, 3), nested("columns", "rows", 3, 3)),
        PlateError,
        "dim -1",
        "dim -2",
    ),
    "a guide for data of another size": (
        fit(nested("rows", "columns", 4, 1), nested("rows", "columns", 5, 1)),
        PlateError,
        "'rows'",
        "0 to 4",
        "0 to 3",
    ),
    "an optimiser in words": (lambda: SVI(model, guide, "adam", Trace_ELBO()), SiteTypeError, "'adam'"),
    "an optimiser without brackets": (lambda: SVI(model, guide, optax.adam, Trace_ELBO()), SiteTypeError, "adam"),
    "a loss without brackets": (lambda: SVI(model, guide, optax.adam(0.1), Trace_ELBO), HandlerError, "Trace_ELBO()"),
    "a number for a loss": (lambda: SVI(model, guide, optax.adam(0.1), 3), HandlerError, "loss", "3"),
    "no steps": (lambda: SVI(model, guide, optax.adam(0.1)).run(KEY, -3), HandlerError, "num_steps", "-3"),
    "a key in the place of the steps": (
        lambda: SVI(model, guide, optax.adam(0.1)).run(10, KEY),
        HandlerError,
        "num_steps",
    ),
    "a number for a key": (lambda: SVI(model, guide, optax.adam(0.1)).run(3, 10), RandomKeyError, "3 of type int"),
    "NaN in the data": (fit(lambda: model(np.array([NAN])), guide), SupportError, "'y'", "nan"),
    "a param that is NaN": (fit(model, with_loc(NAN)), NonFiniteError, "'loc'", "nan"),
    "a param of integers": (fit(model, with_loc(0)), SiteTypeError, "'loc'", "int32"),
    "a Python if on a latent": (fit(branching, guide), InferenceError, BRANCHES),
}

PREDICTIVE_MISTAKES = {
    "misspelt return_sites": (
        lambda: Predictive(model, num_samples=3, return_sites=["thetta"])(KEY),
        UnknownSiteError,
        "'thetta'",
        "'theta'",
    ),
    "misspelt samples": (lambda: Predictive(model, {"thetta": THREE})(KEY), UnknownSiteError, "did you mean 'theta'?"),
    "misspelt samples of a likelihood": (
        lambda: log_likelihood(model, {"thetta": THREE}),
        UnknownSiteError,
        "'theta'?",
    ),
    "no number of draws": (lambda: Predictive(model), HandlerError, "neither num_samples"),
    "samples of different lengths": (
        lambda: Predictive(model, {"theta": THREE, "y": np.zeros(4)}),
        ShapeError,
        "'theta': (3,)",
        "'y': (4,)",
    ),
    "a number for a key": (lambda: Predictive(model, {"theta": THREE})(0), RandomKeyError, "0 of type int"),
    "a Python if on a latent": (lambda: Predictive(branching, {"theta": THREE})(KEY), InferenceError, BRANCHES),
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


TOLD = {
    "a param under MCMC": (chains(with_loc(0.0)), InferenceWarning, "'loc'"),
    "a start for a strange site": (chains(model, **{STARTS: starting(zzz=0.0)}), TwofoldWarning, "'zzz'"),
    "more chains than devices": (
        chains(model, num_chains=3, chain_method="parallel"),
        InferenceWarning,
        r"3 chains .* device\(s\).*set_host_device_count\(3\)",
    ),
    "a guide with a site too many": (fit(model, both("theta", "extra")), InferenceWarning, "'extra'"),
    "samples of a strange site": (lambda: Predictive(model, {"zzz": THREE})(KEY), TwofoldWarning, "'zzz'"),
}


@pytest.mark.parametrize("case", TOLD.values(), ids=TOLD)
def test_what_may_be_meant_is_told(case: tuple[Any, ...]) -> None:
    program, category, word = case
    with pytest.warns(category, match=word):
        program()


def test_an_exploding_fit_names_step_and_sites() -> None:
    with pytest.raises(NonFiniteError, match=r"at step \d(.|\n)*'theta'") as caught:
        SVI(model, guide, optax.sgd(1e30)).run(KEY, 20, progress_bar=False)
    for label in ("seen:", "expected:", "try:"):
        assert label in str(caught.value)
