"""JAX: a first look at whole fits, NUTS and SVI, beside NumPyro.  Nothing is demanded yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions
import numpyro.infer
import numpyro.infer.autoguide
import numpyro.optim

import twofold_jax
import twofold_jax.distributions
import twofold_jax.infer
import twofold_jax.infer.autoguide
import twofold_jax.optim

from .measure import Result, Settings, cpu_seconds
from .models import Language, eight_schools, load, radon

__all__ = ["run"]

OURS = Language(twofold_jax, twofold_jax.distributions)
THEIRS = Language(numpyro, numpyro.distributions)
MODELS: dict[str, Callable[[Language], Callable[..., None]]] = {"eight_schools": eight_schools, "radon": radon}
CHAINS = 4


def run(settings: Settings) -> Iterator[Result]:
    for name, write in MODELS.items():
        if settings.is_quick and name == "radon":
            continue
        yield from _nuts(name, write(OURS), write(THEIRS), load(name, jnp.array), settings)
    if not settings.is_quick:
        yield from _svi(load("eight_schools", jnp.array), 2000)


def _nuts(name: str, ours: Any, theirs: Any, data: tuple[Any, ...], settings: Settings) -> Iterator[Result]:
    draws = 100 if settings.is_quick else 300
    title, chains = f"{name.replace('_', ' ')}, NUTS", _chains(ours, theirs, draws)
    for which, seed in (("first run", 0), ("second run", 1))[: 1 if settings.is_quick else 2]:
        seconds = {key: _seconds_of_run(mcmc, seed, data) for key, mcmc in chains.items()}
        full_title = f"{title} {CHAINS} x ({draws} + {draws}), {which}"
        yield Result("jax-fits", full_title, "s", seconds["ours"], seconds["peer"], "NumPyro")
    if settings.is_quick:
        return
    figures = {key: _leapfrog(mcmc, data) for key, mcmc in _chains(ours, theirs, draws).items()}
    yield Result(
        "jax-fits", f"{title}, a leapfrog of a repeated run", "us", figures["ours"], figures["peer"], "NumPyro"
    )


def _chains(ours: Any, theirs: Any, draws: int) -> dict[str, Any]:
    settings = {"num_warmup": draws, "num_samples": draws, "num_chains": CHAINS, "progress_bar": False}
    return {
        "ours": twofold_jax.infer.MCMC(twofold_jax.infer.NUTS(ours), **settings),
        "peer": numpyro.infer.MCMC(numpyro.infer.NUTS(theirs), chain_method="vectorized", **settings),
    }


def _seconds_of_run(mcmc: Any, seed: int, data: tuple[Any, ...]) -> float:
    return cpu_seconds(lambda: _run(mcmc, seed, data))


def _run(mcmc: Any, seed: int, data: tuple[Any, ...]) -> None:
    mcmc.run(jax.random.key(seed), *data, extra_fields=("num_steps",))
    jax.block_until_ready(mcmc.get_samples())


def _leapfrog(mcmc: Any, data: tuple[Any, ...]) -> float:
    """CPU microseconds of a leapfrog while sampling, in a second run after one warm-up; compiling again would count."""
    mcmc.warmup(jax.random.key(2), *data)
    _run(mcmc, 3, data)
    seconds = _seconds_of_run(mcmc, 4, data)
    return 1e6 * seconds / int(mcmc.get_extra_fields()["num_steps"].sum())


def _svi(data: tuple[Any, ...], steps: int) -> Iterator[Result]:
    ours, theirs = eight_schools(OURS), eight_schools(THEIRS)
    our_guide = twofold_jax.infer.autoguide.AutoNormal(ours)
    peer_guide = numpyro.infer.autoguide.AutoNormal(theirs)
    fits = {
        "ours": twofold_jax.infer.SVI(ours, our_guide, twofold_jax.optim.Adam(0.01), twofold_jax.infer.Trace_ELBO()),
        "peer": numpyro.infer.SVI(theirs, peer_guide, numpyro.optim.Adam(0.01), numpyro.infer.Trace_ELBO()),
    }

    def fit(svi: Any, seed: int) -> float:
        def run() -> None:
            jax.block_until_ready(svi.run(jax.random.key(seed), steps, *data, progress_bar=False).losses)

        return cpu_seconds(run)

    for which, seed in (("first run", 0), ("second run", 1)):
        seconds = {key: fit(svi, seed) for key, svi in fits.items()}
        title = f"eight schools, SVI with AutoNormal, {steps} steps, {which}"
        yield Result("jax-fits", title, "s", seconds["ours"], seconds["peer"], "NumPyro")
