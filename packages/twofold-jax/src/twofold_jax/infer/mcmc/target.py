"""What a chain moves in: a model's potential, or a function of a user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from twofold_jax.errors import InferenceError, NonFiniteError, ShapeError, UnknownSiteError
from twofold_jax.infer.initialization import InitStrategy
from twofold_jax.infer.potential import Potential
from twofold_jax.ops.tracing import TracedFunction, trace_function
from twofold_jax.validation import validation_enabled

__all__ = ["FunctionTarget", "ModelTarget", "Target"]


class Target(Protocol):
    """A log density of a flat vector, and what its vectors mean."""

    @property
    def size(self) -> int: ...

    @property
    def data(self) -> list[Array]: ...

    def traced_log_density(self) -> TracedFunction: ...

    def traced_constrain(self) -> TracedFunction: ...

    def traced_start(self, strategy: InitStrategy) -> TracedFunction: ...

    def positions(self, init_params: Any, num_chains: int) -> Array:
        """First positions (chains, size) of given unconstrained values, the same for all chains or one for each."""

    def explain(self, position: Array) -> NonFiniteError:
        """The error that says why the density is not finite at a position."""


@dataclass(frozen=True)
class ModelTarget:
    """The potential of a model."""

    potential: Potential

    @property
    def size(self) -> int:
        return self.potential.size

    @property
    def data(self) -> list[Array]:
        return self.potential.data

    def traced_log_density(self) -> TracedFunction:
        return self.potential.traced_log_density()

    def traced_constrain(self) -> TracedFunction:
        return self.potential.traced_constrain()

    def traced_start(self, strategy: InitStrategy) -> TracedFunction:
        return self.potential.traced_start(strategy)

    def positions(self, init_params: Mapping[str, Any], num_chains: int) -> Array:
        sites = {site.name: site for site in self.potential.sites}
        if set(init_params) != set(sites):
            raise UnknownSiteError(
                "init_params must name the latent sites of the model",
                seen=", ".join(map(str, init_params)) or "no names",
                expected=", ".join(sites),
                suggestion="for some sites only use init_strategy=init_to_value(values=...)",
            )
        pieces = []
        for name, site in sites.items():
            value = jnp.asarray(init_params[name], self.potential.dtype)
            if value.shape == site.unconstrained_shape:
                value = jnp.broadcast_to(value, (num_chains, *value.shape))
            if value.shape != (num_chains, *site.unconstrained_shape):
                raise ShapeError(
                    f"init_params of site {name!r}, a value in unconstrained space",
                    seen=value.shape,
                    expected=f"{site.unconstrained_shape}, or {(num_chains, *site.unconstrained_shape)} for each chain",
                    suggestion="give one value, or one for each chain, in unconstrained space",
                )
            pieces.append(value.reshape(num_chains, site.size))
        return jnp.concatenate(pieces, axis=1)

    def explain(self, position: Array) -> NonFiniteError:
        with validation_enabled(False):  # the values are numbers now; what they lead to is to be told, not refused
            densities = {k: float(v) for k, v in self.potential.site_log_densities(position).items()}
            gradient = np.asarray(jax.grad(self.potential.log_density)(position))
            values = self.potential.constrain(position)
        lines = [
            f"log density of site {name!r} is {value}" for name, value in densities.items() if not np.isfinite(value)
        ]
        for site in self.potential.sites:
            slope = gradient[site.offset : site.offset + site.size]
            if not np.isfinite(slope).all():
                lines.append(f"gradient at site {site.name!r} is {slope} at value {np.asarray(values[site.name])}")
        return NonFiniteError(
            "no chain can start: the log density or its gradient is not finite",
            seen="; ".join(lines) or f"a log density of {sum(densities.values())}",
            expected="finite values at one of 100 starting points",
            suggestion="look for NaN in the data and for values outside a support; give starting values that are "
            "possible: NUTS(model, init_strategy=init_to_value(values={...})) or init_to_median",
        )


class FunctionTarget:
    """A user's potential energy of one pytree of unconstrained arrays."""

    data: list[Array] = []

    def __init__(self, potential_fn: Callable[..., Any], init_params: Any, num_chains: int) -> None:
        if init_params is None:
            raise InferenceError(
                "a kernel with potential_fn does not know where to start",
                seen="init_params=None",
                suggestion="run(rng_key, init_params=...) with the pytree that potential_fn takes"
                + ("; its arrays have the chains as first dim" if num_chains > 1 else ""),
            )
        one = init_params if num_chains == 1 else jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], init_params)
        self._flat, self._unravel = ravel_pytree(jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(float)), one))
        self._potential_fn = potential_fn
        self.size = self._flat.size

    def traced_log_density(self) -> TracedFunction:
        return trace_function(lambda position, data: -self._potential_fn(self._unravel(position)), self._flat, [])

    def traced_constrain(self) -> TracedFunction:
        return trace_function(lambda position, data: self._unravel(position), self._flat, [])

    def traced_start(self, strategy: InitStrategy) -> TracedFunction:
        raise InferenceError("a kernel with potential_fn starts from init_params")

    def positions(self, init_params: Any, num_chains: int) -> Array:
        if num_chains == 1:
            return self._flat[None]
        return jax.vmap(lambda params: ravel_pytree(params)[0].astype(self._flat.dtype))(init_params)

    def explain(self, position: Array) -> NonFiniteError:
        energy, gradient = jax.value_and_grad(lambda x: self._potential_fn(self._unravel(x)))(position)
        return NonFiniteError(
            "no chain can start: potential_fn or its gradient is not finite at init_params",
            seen=f"energy {energy}, gradient {gradient}",
            suggestion="start elsewhere",
        )
