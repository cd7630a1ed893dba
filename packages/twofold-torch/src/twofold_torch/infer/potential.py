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

from ..distributions import biject_to
from ..errors import InferenceError, ShapeError, UnknownSiteError
from ..messages import Message, is_law
from ..ops.graphs import BatchedDensity, batched_density
from ..ops.trees import leaves, map_tree
from ..runtime import Messenger
from ..traces import Trace
from ..validation import validation_enabled

__all__ = ["LatentSite", "Potential", "make_potential"]


@dataclass(frozen=True)
class LatentSite:
    """One latent site of a model, and its place in the flat vector."""

    name: str
    shape: tuple[int, ...]
    """Of a value: plate and event dims."""
    unconstrained_shape: tuple[int, ...]
    offset: int
    """First entry in the flat vector."""
    size: int
    """Number of entries in the flat vector."""
    transform: Transform | None
    """Bijection onto the support; None if the support depends on other latents, so that it is made at each run."""
    plates: tuple[str, ...]
    """Names of the plates around the site, the outermost first."""


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
        density = _Density(self, position)
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
        placed = _Placed(self, position)
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
            )
        return self.gather(lambda msg: values[msg["name"]], *args, **kwargs)

    def gather(self, value_of: Callable[[Message], Any], *args: Any, **kwargs: Any) -> Tensor:
        """Run the model with each latent at ``value_of(message)``; the flat unconstrained position of these values."""
        gathered = _Gathered(self, value_of)
        self._run(gathered, args, kwargs)
        pieces = [gathered.pieces[site.name] for site in self.sites]
        return torch.cat(pieces).to(self.dtype) if pieces else torch.zeros(0, dtype=self.dtype)

    def site_log_densities(self, position: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Log density of every sample site at a position, summed within the site, without the Jacobian."""
        density = _Density(self, position)
        self._run(density, args, kwargs)
        density.total()
        return {name: site["log_prob_sum"] for name, site in density.trace.nodes.items() if site["type"] == "sample"}

    def batched(self, num_positions: int) -> BatchedDensity:
        """`log_density` and its gradient for ``num_positions`` positions at once, as one flat graph.

        The graph holds what the model did at this call: its data are inputs that keep their present values.
        """
        data = [leaf for leaf in leaves((self.args, self.kwargs)) if _is_data(leaf)]

        def density(position: Tensor, inputs: list[Tensor]) -> Tensor:
            queue = iter(inputs)
            args, kwargs = map_tree(lambda leaf: next(queue) if _is_data(leaf) else leaf, (self.args, self.kwargs))
            return self.log_density(position, *args, **kwargs)

        example = torch.zeros(num_positions, self.size, dtype=self.dtype)
        return batched_density(density, example, data)

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
    survey = _Survey()
    with torch.no_grad(), survey:
        model(*args, **kwargs)
    supports = _changing_supports(model, args, kwargs, survey)
    sites, offset = [], 0
    for draft in survey.found:
        if draft["name"] in supports:
            draft["transform"] = None
        size = prod(draft["unconstrained_shape"])
        sites.append(LatentSite(offset=offset, size=size, **draft))
        offset += size
    return Potential(model, args, kwargs, tuple(sites), offset, survey.subsamples, torch.get_default_dtype())


def _changing_supports(model: Callable[..., Any], args: Any, kwargs: Any, survey: _Survey) -> set[str]:
    """Sites whose support is another one when the other latents have other values."""
    if len(survey.found) < 2:
        return set()
    other = _Survey(shift=0.5, subsamples=survey.subsamples)
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


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, Tensor)


def is_subsample(msg: Message) -> bool:
    """Whether the message is that of a plate's batch."""
    return type(msg["fn"]).__name__ == "_Subsample"


def _is_latent(msg: Message) -> bool:
    return msg["type"] == "sample" and not msg["is_observed"] and msg["value"] is None and not is_subsample(msg)


class _Survey(Messenger):
    """Notes each latent site, and gives it some value of its support."""

    def __init__(self, shift: float = 0.0, subsamples: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self._shift = shift
        self.found: list[dict[str, Any]] = []
        self.subsamples: dict[str, Tensor] = dict(subsamples or {})

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and is_subsample(msg) and msg["name"] in self.subsamples:
            msg["value"] = self.subsamples[str(msg["name"])]
        if not _is_latent(msg):
            return
        law = msg["fn"]
        _check_continuous(msg)
        shape = tuple(law.batch_shape + law.event_shape)
        transform = biject_to(law.support)
        unconstrained_shape = tuple(transform.inverse_shape(torch.Size(shape)))
        self.found.append(
            {
                "name": msg["name"],
                "shape": shape,
                "unconstrained_shape": unconstrained_shape,
                "transform": transform,
                "plates": tuple(frame.name for frame in msg["cond_indep_stack"]),
            }
        )
        msg["value"] = transform(torch.full(unconstrained_shape, self._shift))

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and is_subsample(msg):
            self.subsamples[str(msg["name"])] = msg["value"]


def _check_continuous(msg: Message) -> None:
    law = msg["fn"]
    if not is_law(law):
        raise InferenceError(
            f"latent site {msg['name']!r} is drawn by a function that has no density",
            seen=f"{law!r}",
            suggestion="use a distribution, or compute the value outside of sample",
        )
    if law.support.is_discrete:
        raise InferenceError(
            f"latent site {msg['name']!r} is discrete, and this algorithm moves in continuous space",
            seen=f"law {type(law).__name__} with support {law.support}",
            suggestion="sum the site out by hand (a mixture law), give it obs=, or block it",
        )


class _Placed(Messenger):
    """Gives each latent the value that its slice of the flat vector stands for."""

    def __init__(self, potential: Potential, position: Tensor) -> None:
        super().__init__()
        if tuple(position.shape) != (potential.size,):
            raise ShapeError(
                "a position must be one flat vector", seen=tuple(position.shape), expected=(potential.size,)
            )
        self._sites = {site.name: site for site in potential.sites}
        self._subsamples = potential.subsamples
        slices = torch.split(position, [site.size for site in potential.sites]) if potential.sites else ()
        self._slices = dict(zip(self._sites, slices, strict=True))
        self.latents: dict[str, Tensor] = {}
        self.deterministics: dict[str, Tensor] = {}

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and is_subsample(msg):
            msg["value"] = self._subsamples.get(str(msg["name"]), msg["value"])
        elif _is_latent(msg):
            site = self._sites.get(str(msg["name"]))
            if site is None:
                raise InferenceError(
                    f"latent site {msg['name']!r} was not there when the model was first run",
                    seen=f"sites {', '.join(self._sites) or 'none'} then",
                    suggestion="make the set of latent sites the same in every run",
                )
            transform = biject_to(msg["fn"].support) if site.transform is None else site.transform
            self._place(msg, site, transform, self._slices[site.name].reshape(site.unconstrained_shape))

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Tensor) -> None:
        msg["value"] = self.latents[site.name] = transform(unconstrained_value)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "deterministic":
            self.deterministics[str(msg["name"])] = torch.as_tensor(msg["value"])


class _Density(_Placed):
    """Records the run, and sums its log density and the Jacobians."""

    def __init__(self, potential: Potential, position: Tensor) -> None:
        super().__init__(potential, position)
        self.trace = Trace()
        self._position = position
        self._jacobians: list[Tensor] = []

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Tensor) -> None:
        super()._place(msg, site, transform, unconstrained_value)
        jacobian = transform.log_abs_det_jacobian(unconstrained_value, msg["value"])
        self._jacobians.append(jacobian.sum() if jacobian.dim() else jacobian)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and not is_subsample(msg):
            self.trace.record(str(msg["name"]), msg)

    def total(self) -> Tensor:
        total = self.trace.log_prob_sum()
        for jacobian in self._jacobians:
            total = total + jacobian
        return torch.as_tensor(total, dtype=self._position.dtype)


class _Gathered(Messenger):
    """Puts each latent at a chosen value, and notes the unconstrained one."""

    def __init__(self, potential: Potential, value_of: Callable[[Message], Any]) -> None:
        super().__init__()
        self._subsamples, self._value_of = potential.subsamples, value_of
        self.pieces: dict[str, Tensor] = {}

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and is_subsample(msg):
            msg["value"] = self._subsamples.get(str(msg["name"]), msg["value"])
        elif _is_latent(msg):
            law = msg["fn"]
            value = torch.as_tensor(self._value_of(msg), dtype=torch.get_default_dtype())
            msg["value"] = value = value.expand(law.batch_shape + law.event_shape)
            self.pieces[str(msg["name"])] = biject_to(law.support).inv(value).reshape(-1)
