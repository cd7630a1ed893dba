"""The runs of a model that make it a density of one flat vector: survey its latents, place them, score them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from ..distributions import biject_to
from ..errors import InferenceError, ShapeError, SupportError, TwofoldError
from ..messages import CondIndepStackFrame, Message, is_law, is_subsample
from ..runtime import Messenger
from ..traces import Trace
from ..validation import is_validation_enabled

__all__ = ["Density", "Gathered", "LatentSite", "Placed", "Survey", "is_latent", "site_shape"]


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
    event_dim: int = 0
    """How many rightmost dims of a value are one event."""
    frames: tuple[CondIndepStackFrame, ...] = ()
    """The plates around the site, the outermost first."""


def is_latent(msg: Message) -> bool:
    """Whether a statement makes a random variable to be inferred: not observed, not given, and no plate's batch."""
    return msg["type"] == "sample" and not msg["is_observed"] and msg["value"] is None and not is_subsample(msg)


def site_shape(msg: Message) -> tuple[int, ...]:
    """Shape of the value that the statement makes: plate and event dims."""
    return tuple(msg["fn"].batch_shape + msg["fn"].event_shape)


class _FixedBatches(Messenger):
    """Gives each subsampled plate the batch that it is to have."""

    def __init__(self, subsamples: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._subsamples = subsamples

    def _fix_batch(self, msg: Message) -> None:
        if is_subsample(msg) and msg["value"] is None:
            msg["value"] = self._subsamples.get(str(msg["name"]))


class Survey(_FixedBatches):
    """Notes each latent site, and gives it the value of its support that a constant in unconstrained space stands for.

    Args:
        shift: the constant.
        subsamples: batches of plates by name; other plates draw theirs.
    """

    def __init__(self, shift: float = 0.0, subsamples: Mapping[str, Tensor] | None = None) -> None:
        super().__init__(dict(subsamples or {}))
        self._shift = shift
        self.found: list[dict[str, Any]] = []
        self.params: list[str] = []
        self.names: dict[str, None] = {}
        self.subsamples: dict[str, Tensor] = {}
        """The batch of each subsampled plate whose rows the model draws itself."""
        self._drawing: set[str] = set()

    def process_message(self, msg: Message) -> None:
        name = str(msg["name"])
        if msg["name"] is not None:
            self.names[name] = None
        if msg["type"] == "param":
            self.params.append(name)
        if is_subsample(msg) and msg["value"] is None and msg["fn"].subsample_size < msg["fn"].size:
            self._drawing.add(name)
        self._fix_batch(msg)
        if not is_latent(msg):
            return
        _check_continuous(msg)
        shape, transform = site_shape(msg), biject_to(msg["fn"].support)
        unconstrained_shape = tuple(transform.inverse_shape(torch.Size(shape)))
        frames = msg["cond_indep_stack"][::-1]
        self.found.append(
            {
                "name": name,
                "shape": shape,
                "unconstrained_shape": unconstrained_shape,
                "transform": transform,
                "plates": tuple(frame.name for frame in frames),
                "event_dim": len(msg["fn"].event_shape),
                "frames": tuple(frames),
            }
        )
        msg["value"] = transform(torch.full(unconstrained_shape, self._shift))

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> bool | None:
        if isinstance(exc_value, TwofoldError):
            exc_value.add_place(next(reversed(self.names), None))
        return super().__exit__(exc_type, exc_value, traceback)

    def postprocess_message(self, msg: Message) -> None:
        if is_subsample(msg) and str(msg["name"]) in self._drawing:
            self.subsamples[str(msg["name"])] = msg["value"]


def _check_continuous(msg: Message) -> None:
    law = msg["fn"]
    if not is_law(law):
        raise InferenceError(
            f"latent site {msg['name']!r} is drawn by a function that has no density",
            seen=f"{law!r}",
            suggestion="use a distribution, or compute the value outside of sample",
            expected="a law with a density",
        )
    if law.support.is_discrete:
        raise InferenceError(
            f"latent site {msg['name']!r} is discrete, and this algorithm moves in continuous space",
            seen=f"law {type(law).__name__} with support {law.support}",
            suggestion="sum the site out by hand (a mixture law such as MixtureSameFamily), give it obs=, or use SVI "
            "with TraceEnum_ELBO and a guide that hides it (handlers.block)",
            expected="continuous latent sites",
        )


class Placed(_FixedBatches):
    """Gives each latent the value that its slice of the flat vector stands for.

    Args:
        sites: the latent sites, in the order of the vector.
        size: its length.
        subsamples: batches of plates by name.
        position: the vector.
    """

    def __init__(
        self, sites: Sequence[LatentSite], size: int, subsamples: Mapping[str, Tensor], position: Tensor
    ) -> None:
        super().__init__(subsamples)
        if tuple(position.shape) != (size,):
            raise ShapeError("a position must be one flat vector", seen=tuple(position.shape), expected=(size,))
        self._sites = {site.name: site for site in sites}
        slices = torch.split(position, [site.size for site in sites]) if sites else ()
        self._slices = dict(zip(self._sites, slices, strict=True))
        self.latents: dict[str, Tensor] = {}
        self.deterministics: dict[str, Tensor] = {}

    def process_message(self, msg: Message) -> None:
        self._fix_batch(msg)
        if is_latent(msg):
            site = self._sites.get(str(msg["name"]))
            if site is None:
                raise InferenceError(
                    f"latent site {msg['name']!r} was not there when the model was first run",
                    seen=f"sites {', '.join(self._sites) or 'none'} then",
                    suggestion="make the set of latent sites the same in every run",
                    expected="the sites of the first run",
                )
            transform = biject_to(msg["fn"].support) if site.transform is None else site.transform
            self._place(msg, site, transform, self._slices[site.name].reshape(site.unconstrained_shape))

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Tensor) -> None:
        msg["value"] = self.latents[site.name] = transform(unconstrained_value)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "deterministic":
            self.deterministics[str(msg["name"])] = torch.as_tensor(msg["value"])


class Density(Placed):
    """Records the run, and sums its log density and the Jacobians."""

    def __init__(
        self, sites: Sequence[LatentSite], size: int, subsamples: Mapping[str, Tensor], position: Tensor
    ) -> None:
        super().__init__(sites, size, subsamples, position)
        self.trace = Trace()
        self._dtype = position.dtype
        self._jacobians: list[Tensor] = []

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Tensor) -> None:
        super()._place(msg, site, transform, unconstrained_value)
        jacobian = transform.log_abs_det_jacobian(unconstrained_value, msg["value"])
        self._jacobians.append(jacobian.sum() if jacobian.dim() else jacobian)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and not is_subsample(msg):
            self.trace.record(str(msg["name"]), msg)

    def total(self) -> Tensor:
        """The log density of the run with the Jacobians, a scalar."""
        total = self.trace.log_prob_sum()
        for jacobian in self._jacobians:
            total = total + jacobian
        return torch.as_tensor(total, dtype=self._dtype)


class Gathered(_FixedBatches):
    """Puts each latent at a chosen value, and notes the unconstrained one.

    Args:
        value_of: function of the message that gives a value of the support.
        subsamples: batches of plates by name.
    """

    def __init__(self, value_of: Callable[[Message], Any], subsamples: Mapping[str, Tensor]) -> None:
        super().__init__(subsamples)
        self._value_of, self._checks = value_of, is_validation_enabled()
        self.pieces: dict[str, Tensor] = {}

    def process_message(self, msg: Message) -> None:
        self._fix_batch(msg)
        if is_latent(msg):
            msg["value"] = value = _fitting(msg, self._value_of(msg), self._checks)
            self.pieces[str(msg["name"])] = biject_to(msg["fn"].support).inv(value).reshape(-1)


def _fitting(msg: Message, value: Any, checks: bool) -> Tensor:
    """``value`` in the shape of the site; refuse another shape or, with ``checks``, one outside the support."""
    name, shape, support = msg["name"], site_shape(msg), msg["fn"].support
    given = torch.as_tensor(value, dtype=torch.get_default_dtype())
    try:
        fitting = given.expand(shape)
    except RuntimeError:
        raise ShapeError(
            f"the value given for site {name!r} does not have its shape",
            seen=tuple(given.shape),
            expected=shape,
            suggestion="give a value of the shape of the site, plates included",
        ) from None
    if checks and not bool(support.check(fitting).all()):
        raise SupportError(
            f"the value given for site {name!r} lies outside its support",
            seen=str(fitting.detach()),
            expected=f"a value in {support}",
            suggestion="give a value in constrained space",
        )
    return fitting
