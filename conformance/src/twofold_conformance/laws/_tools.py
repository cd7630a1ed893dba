"""What several files of checks need: plates with fixed batches, interrupted runs, constant arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from twofold_conformance.api import SiteView
from twofold_conformance.oracles import densities
from twofold_conformance.runner import Kit


class Interrupted(Exception):  # noqa: N818 - what a model of the checks raises on purpose
    """Raised by a model, and caught by the check."""


def with_batches(k: Kit, model: Callable[..., Any], batches: Mapping[str, Sequence[int]]) -> Callable[..., Any]:
    """``model`` with the subsamples of its plates fixed: by substitute, or in the stateful flavour by condition."""
    data = {name: k.xp.array(list(batch)) for name, batch in batches.items()}
    wrapped: Callable[..., Any] = k.handler("condition" if k.stateful else "substitute", model, data=data)
    return wrapped


def seeded(k: Kit, model: Callable[..., Any], seed: int = 0) -> Callable[..., Any]:
    """``model`` inside a seed handler."""
    wrapped: Callable[..., Any] = k.handler("seed", model, rng_seed=seed)
    return wrapped


def dims(site: SiteView) -> dict[str, int | None]:
    """The dim of each plate around ``site``."""
    return {plate.name: plate.dim for plate in site.plates}


def sizes(site: SiteView) -> dict[str, int]:
    """The length of each plate around ``site``."""
    return {plate.name: plate.size for plate in site.plates}


def expect_clean(k: Kit) -> None:
    """A plate allocates dim -1, a normal at 1.5 has its plain density, and there is no mask: nothing is left behind."""

    def probe() -> None:
        with k.ppl.plate("probe_plate", 3):
            k.ppl.sample("probe", k.dist.Normal(0.0, 1.0), obs=k.xp.array([1.5, 1.5, 1.5]))

    site = k.run(probe).sites["probe"]
    k.expect.equal(dims(site), {"probe_plate": -1}, "plates around a site of the next run")
    k.expect.close(site.log_prob, densities.normal([1.5] * 3), "log density of a site of the next run")


def interrupt(k: Kit, program: Callable[[], Any], *, seed: int | None = 0) -> None:
    """Run ``program``, which ends in ``Interrupted``."""
    with contextlib.suppress(Interrupted):
        k.call(program, seed=seed)


def ones(k: Kit, *shape: int) -> Any:
    """An array of ones."""
    return k.xp.array(np.ones(shape).tolist())


def full(k: Kit, value: float, *shape: int) -> Any:
    """An array of ``value``."""
    return k.xp.array(np.full(shape, value).tolist())


def small_model(k: Kit) -> Callable[[], Any]:
    """A param, a latent site that it moves, and an observed one."""

    def model() -> Any:
        loc = k.ppl.param("loc", k.xp.array(1.0))
        height = k.ppl.sample("height", k.dist.Normal(loc, 2.0))
        k.ppl.sample("weight", k.dist.Normal(height, 1.0), obs=k.xp.array(0.5))
        return height

    return model
