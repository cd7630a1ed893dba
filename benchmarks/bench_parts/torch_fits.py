"""torch: a first look at whole fits, NUTS and SVI, beside Pyro.  Nothing is demanded yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyro
import pyro.distributions
import pyro.infer
import pyro.infer.autoguide
import pyro.optim
import torch

import twofold_torch
import twofold_torch.distributions
import twofold_torch.infer
import twofold_torch.infer.autoguide
import twofold_torch.optim

from .measure import Result, Settings, compare, cpu_seconds
from .models import Language, eight_schools, load, radon

__all__ = ["run"]

OURS = Language(twofold_torch, twofold_torch.distributions)
THEIRS = Language(pyro, pyro.distributions)
MODELS: dict[str, Callable[[Language], Callable[..., None]]] = {"eight_schools": eight_schools, "radon": radon}
CHAINS = 4
PEER_DRAWS = {"eight_schools": 40, "radon": 15}
"""Warm-up, and draws, of the peer's one chain: a leapfrog of it takes some 2 ms."""


def run(settings: Settings) -> Iterator[Result]:
    for name, write in MODELS.items():
        if settings.is_quick and name == "radon":
            continue
        yield from _nuts(name, write(OURS), write(THEIRS), load(name, torch.tensor), 100 if settings.is_quick else 200)
    data = load("eight_schools", torch.tensor)
    yield _svi(eight_schools(OURS), eight_schools(THEIRS), data, settings)


def _nuts(name: str, ours: Any, theirs: Any, data: tuple[Any, ...], draws: int) -> Iterator[Result]:
    title = f"{name.replace('_', ' ')}, NUTS"
    twofold_torch.set_rng_seed(0)
    kernel = twofold_torch.infer.NUTS(ours)
    mcmc = twofold_torch.infer.MCMC(kernel, draws, draws, num_chains=CHAINS, progress_bar=False)
    warmup, sampling = cpu_seconds(lambda: mcmc.warmup(*data)), cpu_seconds(lambda: mcmc.run(*data))
    full_title = f"{title} {CHAINS} x ({draws} + {draws})"
    yield Result("torch-fits", full_title, "s", warmup + sampling, None, "Pyro")
    our_figure = 1e6 * sampling / int(mcmc.get_extra_fields()["num_steps"].sum())
    yield Result("torch-fits", f"{title}, a leapfrog", "us", our_figure, _peer_leapfrog(name, theirs, data), "Pyro")


def _peer_leapfrog(name: str, model: Any, data: tuple[Any, ...]) -> float:
    """CPU microseconds for each run of the model; every leapfrog runs it once."""
    runs = 0

    def counted(*args: Any) -> None:
        nonlocal runs
        runs += 1
        model(*args)

    pyro.set_rng_seed(0)
    draws = PEER_DRAWS[name]
    kernel = pyro.infer.NUTS(counted, max_tree_depth=5)
    mcmc = pyro.infer.MCMC(kernel, num_samples=draws, warmup_steps=draws, disable_progbar=True)
    return 1e6 * cpu_seconds(lambda: mcmc.run(*data)) / runs


def _svi(ours: Any, theirs: Any, data: tuple[Any, ...], settings: Settings) -> Result:
    twofold_torch.clear_param_store()
    pyro.clear_param_store()
    our_guide = twofold_torch.infer.autoguide.AutoNormal(ours)
    our_optim = twofold_torch.optim.Adam({"lr": 0.01})
    our_svi = twofold_torch.infer.SVI(ours, our_guide, our_optim, twofold_torch.infer.Trace_ELBO())
    peer_guide = pyro.infer.autoguide.AutoNormal(theirs)
    peer_optim = pyro.optim.Adam({"lr": 0.01})
    peer_svi = pyro.infer.SVI(theirs, peer_guide, peer_optim, pyro.infer.Trace_ELBO())
    return compare(
        "torch-fits",
        "eight schools, SVI with AutoNormal, a step",
        lambda: our_svi.step(*data),
        lambda: peer_svi.step(*data),
        peer_name="Pyro",
        settings=settings,
        unit="us",
    )
