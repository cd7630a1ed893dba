"""JAX: microseconds that one site costs while a log density, or its value and gradient, is traced to a jaxpr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions
import numpyro.infer.util

import twofold_jax
import twofold_jax.distributions
import twofold_jax.infer.util

from .measure import Result, Settings, compare
from .models import NUM_SITES, Language, small_models

__all__ = ["run"]

DEMANDED = 0.5


def run(settings: Settings) -> Iterator[Result]:
    zero = jnp.zeros(())
    ours = small_models(Language(twofold_jax, twofold_jax.distributions), zero)
    theirs = small_models(Language(numpyro, numpyro.distributions), zero)
    for is_validated in (True, False):
        twofold_jax.enable_validation(is_validated)
        numpyro.enable_validation(is_validated)
        for name, model in ours.items():
            if name == "arrays" or (settings.is_quick and name == "chain"):
                continue  # in a jaxpr as good as numbers
            values = _values(model)
            our_modes = _modes(twofold_jax.infer.util.log_density, model, values)
            peer_modes = _modes(numpyro.infer.util.log_density, theirs[name], values)
            for mode in our_modes:
                yield compare(
                    "jax-tracing",
                    f"{name}, {mode}, {'checked' if is_validated else 'unchecked'}",
                    our_modes[mode],
                    peer_modes[mode],
                    peer_name="NumPyro",
                    settings=settings,
                    per=NUM_SITES,
                    demanded=DEMANDED,
                )
    twofold_jax.enable_validation(True)
    numpyro.enable_validation(False)


def _values(model: Callable[[], Any]) -> dict[str, jax.Array]:
    """One draw of every site."""
    handlers = twofold_jax.handlers
    sites = handlers.trace(handlers.seed(model, jax.random.key(0))).get_trace()
    return {name: site["value"] for name, site in sites.items() if site["type"] == "sample"}


def _modes(log_density: Any, model: Callable[[], Any], values: dict[str, jax.Array]) -> dict[str, Callable[[], Any]]:
    def density(values: dict[str, jax.Array]) -> jax.Array:
        return log_density(model, (), {}, values)[0]

    # a new function at every call: JAX remembers the jaxpr of a function that it has seen
    return {
        "log density": lambda: jax.make_jaxpr(lambda values: density(values))(values),
        "value and gradient": lambda: jax.make_jaxpr(jax.value_and_grad(lambda values: density(values)))(values),
    }
