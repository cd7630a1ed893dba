"""A model as a pure log density of one flat unconstrained vector: the centre of inference.

The model is run once through the handlers.  What remains is a table of its latent sites and a function that any
sampler or optimiser can use:

    log_density(position) = sum over sites of log p(value)  +  sum over latents of log |d value / d position|

where each latent's value is made from its slice of ``position`` by the bijection onto its support.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from ..errors import UnknownSiteError
from ..handlers.recording import trace
from ..messages import Message
from ..ops.graphs import BatchedDensity, batched_density
from ..runtime import Messenger
from ..validation import validation_enabled
from .arguments import ModelArguments
from .placing import Density, Gathered, LatentSite, Placed, Survey

__all__ = ["LatentSite", "Potential", "make_potential"]


@dataclass(frozen=True, eq=False)
class Potential:
    """A model run once, as a function of a flat vector; made by `make_potential`.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> def model(y):
        ...     scale = tf.sample("scale", dist.HalfNormal(1.0))
        ...     with tf.plate("data", len(y)):
        ...         tf.sample("y", dist.Normal(0.0, scale), obs=y)
        >>> potential = make_potential(model, torch.ones(3))
        >>> potential.size, [site.name for site in potential.sites]
        (1, ['scale'])
        >>> gradient, value = torch.func.grad_and_value(potential.log_density)(torch.zeros(1))
        >>> round(float(value), 3), float(gradient)
        (-4.983, 0.0)
        >>> float(potential.constrain(torch.zeros(1))["scale"])
        1.0
    """

    model: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sites: tuple[LatentSite, ...]
    size: int
    """Length of the flat vector."""
    subsamples: Mapping[str, Tensor]
    """Batch of each subsampled plate, by name: the same at every call."""
    dtype: torch.dtype
    """Of positions and densities: torch's default when the potential was made."""
    names: tuple[str, ...] = ()
    """All sites of the model, in the order of their statements."""
    params: tuple[str, ...] = ()
    """Params of the model, which are held at their values in the store."""

    def log_density(self, position: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Joint log density with the Jacobian, at a flat unconstrained position.

        Args:
            position: of shape (size,).
            *args: data of the model, shaped as those of `make_potential`; by default those.
            **kwargs: likewise.

        Returns:
            A scalar; pure and differentiable, fit for ``torch.func`` and ``make_fx``.

        Raises:
            ShapeError: ``position`` has another shape.
        """
        density = Density(self.sites, self.size, self.subsamples, position)
        self._run(density, args, kwargs)
        return density.total()

    def __call__(self, position: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The potential energy: minus `log_density`."""
        return -self.log_density(position, *args, **kwargs)

    def constrain(self, position: Tensor, *args: Any, deterministics: bool = False, **kwargs: Any) -> dict[str, Tensor]:
        """Values of the latent sites, each in its support, at a flat unconstrained position.

        Args:
            position: of shape (size,).
            *args: data of the model; by default those of `make_potential`.
            deterministics: whether deterministic sites are returned too.
            **kwargs: as ``args``.
        """
        placed = Placed(self.sites, self.size, self.subsamples, position)
        self._run(placed, args, kwargs)
        return {**placed.latents, **placed.deterministics} if deterministics else placed.latents

    def unconstrain(self, values: Mapping[str, Any], *args: Any, **kwargs: Any) -> Tensor:
        """The flat unconstrained position of given values of all latent sites: the inverse of `constrain`.

        Raises:
            UnknownSiteError: a latent site is missing in ``values``.
        """
        missing = [site.name for site in self.sites if site.name not in values]
        if missing:
            raise UnknownSiteError(
                f"values of latent sites are missing: {', '.join(missing)}",
                seen=f"values of {', '.join(values) or 'none'}",
                expected="a value for each latent site",
                suggestion="give every latent site a value, in constrained space",
            )
        return self.gather(lambda msg: values[msg["name"]], *args, **kwargs)

    def gather(self, value_of: Callable[[Message], Any], *args: Any, **kwargs: Any) -> Tensor:
        """Run the model with each latent at ``value_of(message)``; the flat unconstrained position of these values."""
        gathered = Gathered(value_of, self.subsamples)
        self._run(gathered, args, kwargs)
        pieces = [gathered.pieces[site.name] for site in self.sites]
        return torch.cat(pieces).to(self.dtype) if pieces else torch.zeros(0, dtype=self.dtype)

    def site_log_densities(self, position: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Log density of every sample site at a position, summed within the site, without the Jacobian."""
        density = Density(self.sites, self.size, self.subsamples, position)
        self._run(density, args, kwargs)
        density.total()
        return {name: site["log_prob_sum"] for name, site in density.trace.nodes.items() if site["type"] == "sample"}

    def batched(self, num_positions: int) -> BatchedDensity:
        """`log_density` and its gradient for ``num_positions`` positions at once, as one flat graph.

        The graph holds what the model did at this call: its data are inputs that keep their present values.
        """
        arguments = ModelArguments(self.args, self.kwargs)

        def density(position: Tensor, inputs: list[Tensor]) -> Tensor:
            args, kwargs = arguments.filled(inputs)
            return self.log_density(position, *args, **kwargs)

        example = torch.zeros(num_positions, self.size, dtype=self.dtype)
        return batched_density(density, example, arguments.tensors)

    def _run(self, handler: Messenger, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if not args and not kwargs:
            args, kwargs = self.args, dict(self.kwargs)
        with validation_enabled(False), handler:  # the data were checked when the potential was made
            self.model(*args, **kwargs)


def make_potential(model: Callable[..., Any], *args: Any, **kwargs: Any) -> Potential:
    """Run ``model`` once and make it a log density of one flat unconstrained vector.

    Args:
        model: function of statements.
        *args: its data; tensors among them are inputs of the density and may later be exchanged for others of the
            same shapes.
        **kwargs: likewise.

    Raises:
        InferenceError: a latent site is discrete, or is no law.
        TwofoldError: whatever is wrong with the model itself.
    """
    survey = Survey()
    with torch.no_grad(), trace(), survey:  # the trace notices two sites of one name
        model(*args, **kwargs)
    supports = _changing_supports(model, args, kwargs, survey)
    sites, offset = [], 0
    for draft in survey.found:
        if draft["name"] in supports:
            draft["transform"] = None
        size = prod(draft["unconstrained_shape"])
        sites.append(LatentSite(offset=offset, size=size, **draft))
        offset += size
    return Potential(
        model,
        args,
        kwargs,
        tuple(sites),
        offset,
        survey.subsamples,
        torch.get_default_dtype(),
        tuple(survey.names),
        tuple(survey.params),
    )


def _changing_supports(model: Callable[..., Any], args: Any, kwargs: Any, survey: Survey) -> set[str]:
    """Sites whose support is another one when the other latents have other values."""
    if len(survey.found) < 2:
        return set()
    other = Survey(shift=0.5, subsamples=survey.subsamples)
    with torch.no_grad(), validation_enabled(False), other:
        model(*args, **kwargs)
    point = {draft["name"]: draft for draft in other.found}
    return {
        draft["name"]
        for draft in survey.found
        if draft["name"] not in point or not _same_map(draft, point[draft["name"]]["transform"])
    }


def _same_map(draft: dict[str, Any], other: Transform) -> bool:
    probe = torch.linspace(-1.0, 1.0, prod(draft["unconstrained_shape"])).reshape(draft["unconstrained_shape"])
    try:
        return torch.equal(draft["transform"](probe), other(probe))
    except RuntimeError:
        return False
