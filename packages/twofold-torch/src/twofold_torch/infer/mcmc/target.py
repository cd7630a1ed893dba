"""What a chain moves in: a model's potential, or a function of a user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.func import vmap

from ...errors import InferenceError, NonFiniteError, ShapeError, UnknownSiteError
from ...ops.graphs import BatchedDensity, batched_density
from ..initialization import InitStrategy, init_to_uniform
from ..potential import Potential

__all__ = ["FunctionTarget", "ModelTarget", "Target"]


class Target(Protocol):
    """A log density of a flat vector, and what its vectors mean."""

    @property
    def size(self) -> int: ...

    def batched(self, num_positions: int) -> BatchedDensity: ...

    def draw_start(self, strategy: InitStrategy) -> Tensor:
        """A first position by an initialisation strategy."""

    def positions(self, init_params: Any, num_chains: int) -> Tensor:
        """First positions (chains, size) of given unconstrained values, the same for all chains or one for each."""

    def constrain(self, positions: Tensor) -> dict[str, Tensor]:
        """What the flat positions (chains, draws, size) mean, deterministic sites included."""

    def explain(self, position: Tensor) -> NonFiniteError:
        """The error that says why the density is not finite at a position."""


@dataclass(frozen=True)
class ModelTarget:
    """The potential of a model."""

    potential: Potential

    @property
    def size(self) -> int:
        return self.potential.size

    def batched(self, num_positions: int) -> BatchedDensity:
        return self.potential.batched(num_positions)

    def draw_start(self, strategy: InitStrategy) -> Tensor:
        def value_of(site: Any) -> Any:
            value = strategy(site)
            return init_to_uniform(site) if value is None else value

        with torch.no_grad():
            return self.potential.gather(value_of)

    def positions(self, init_params: Mapping[str, Any], num_chains: int) -> Tensor:
        sites = {site.name: site for site in self.potential.sites}
        if set(init_params) != set(sites):
            raise UnknownSiteError(
                "initial_params must name the latent sites of the model",
                seen=", ".join(map(str, init_params)) or "no names",
                expected=", ".join(sites),
                suggestion="for some sites only use init_strategy=init_to_value(values=...)",
            )
        pieces = []
        for name, site in sites.items():
            value = torch.as_tensor(init_params[name], dtype=self.potential.dtype).detach()
            if tuple(value.shape) == site.unconstrained_shape:
                value = value.expand(num_chains, *value.shape)
            if tuple(value.shape) != (num_chains, *site.unconstrained_shape):
                raise ShapeError(
                    f"initial_params of site {name!r}, a value in unconstrained space",
                    seen=tuple(value.shape),
                    expected=f"{site.unconstrained_shape}, or {(num_chains, *site.unconstrained_shape)} for each chain",
                    suggestion="give one value, or one for each chain, in unconstrained space",
                )
            pieces.append(value.reshape(num_chains, site.size))
        return torch.cat(pieces, dim=1)

    def constrain(self, positions: Tensor) -> dict[str, Tensor]:
        flat = positions.reshape(-1, positions.shape[-1])
        with torch.no_grad():
            values = _for_each(lambda position: self.potential.constrain(position, deterministics=True), flat)
        return {name: value.reshape(*positions.shape[:-1], *value.shape[1:]) for name, value in values.items()}

    def explain(self, position: Tensor) -> NonFiniteError:
        densities = {name: float(value) for name, value in self.potential.site_log_densities(position).items()}
        leaf = position.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(self.potential.log_density(leaf), leaf, materialize_grads=True)
        values = self.potential.constrain(position)
        finite = torch.isfinite
        lines = [f"log density of site {k!r} is {v}" for k, v in densities.items() if not finite(torch.tensor(v))]
        for site in self.potential.sites:
            slope = gradient[site.offset : site.offset + site.size]
            if not bool(finite(slope).all()):
                lines.append(
                    f"gradient at site {site.name!r} is {slope.tolist()} at value {values[site.name].tolist()}"
                )
        return NonFiniteError(
            "no chain can start: the log density or its gradient is not finite",
            seen="; ".join(lines) or f"a log density of {sum(densities.values())}",
            expected="finite values at one of 100 starting points",
            suggestion="look for NaN in the data and for values outside a support; give starting values that are "
            "possible: NUTS(model, init_strategy=init_to_value(values={...})) or init_to_median",
        )


def _for_each(fn: Callable[[Tensor], dict[str, Tensor]], positions: Tensor) -> dict[str, Tensor]:
    """``fn`` at every row: vectorised, or one by one if the model cannot be."""
    try:
        return vmap(fn, chunk_size=1000)(positions)
    except (RuntimeError, ValueError, TypeError, NotImplementedError):
        rows = [fn(position) for position in positions]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


class FunctionTarget:
    """A user's potential energy of a dict of unconstrained tensors, or of one tensor."""

    def __init__(
        self,
        potential_fn: Callable[..., Any],
        init_params: Any,
        num_chains: int,
        transforms: Mapping[str, Any] | None = None,
    ) -> None:
        if init_params is None:
            raise InferenceError(
                "a kernel with potential_fn does not know where to start",
                seen="initial_params=None",
                suggestion="MCMC(..., initial_params=...) with the tensors that potential_fn takes"
                + ("; they have the chains as first dim" if num_chains > 1 else ""),
            )
        self._is_dict = isinstance(init_params, Mapping)
        named = dict(init_params) if self._is_dict else {"x": init_params}
        one = {k: torch.as_tensor(v) if num_chains == 1 else torch.as_tensor(v)[0] for k, v in named.items()}
        self._shapes = {name: value.shape for name, value in one.items()}
        self._potential_fn, self._transforms = potential_fn, dict(transforms or {})
        self.size = sum(value.numel() for value in one.values())
        self._example = torch.cat([value.reshape(-1) for value in one.values()]).to(torch.get_default_dtype())

    def _unravel(self, position: Tensor) -> Any:
        pieces = position.split([shape.numel() for shape in self._shapes.values()], dim=-1)
        lead = position.shape[:-1]
        named = {k: piece.reshape(lead + shape) for (k, shape), piece in zip(self._shapes.items(), pieces, strict=True)}
        return named if self._is_dict else named["x"]

    def batched(self, num_positions: int) -> BatchedDensity:
        example = self._example.expand(num_positions, -1).clone()
        return batched_density(lambda position, data: -self._potential_fn(self._unravel(position)), example, [])

    def draw_start(self, strategy: InitStrategy) -> Tensor:
        return self._example

    def positions(self, init_params: Any, num_chains: int) -> Tensor:
        if num_chains == 1:
            return self._example[None]
        named = init_params if self._is_dict else {"x": init_params}
        return torch.cat([torch.as_tensor(named[k]).reshape(num_chains, -1) for k in self._shapes], dim=1).detach()

    def constrain(self, positions: Tensor) -> dict[str, Tensor]:
        named = self._unravel(positions) if self._is_dict else {"x": self._unravel(positions)}
        return {k: self._transforms[k].inv(v) if k in self._transforms else v for k, v in named.items()}

    def explain(self, position: Tensor) -> NonFiniteError:
        leaf = position.clone().requires_grad_()
        energy = self._potential_fn(self._unravel(leaf))
        (gradient,) = torch.autograd.grad(energy, leaf, materialize_grads=True)
        return NonFiniteError(
            "no chain can start: potential_fn or its gradient is not finite at initial_params",
            seen=f"energy {float(energy)}, gradient {gradient.tolist()}",
            suggestion="start elsewhere",
        )
