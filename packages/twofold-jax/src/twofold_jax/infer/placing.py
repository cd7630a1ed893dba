"""The runs of a model that make it a density of one flat vector: survey its latents, place them, score them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from twofold_jax.distributions import Delta
from twofold_jax.distributions.constraints import Constraint
from twofold_jax.distributions.transforms import Transform, biject_to
from twofold_jax.distributions.transforms.base import IdentityTransform, sum_rightmost
from twofold_jax.distributions.wrappers import MaskedDistribution
from twofold_jax.errors import InferenceError, ShapeError, SupportError
from twofold_jax.messages import CondIndepStackFrame, Message, site_log_density
from twofold_jax.ops.arrays import is_concrete, shape_of
from twofold_jax.runtime import Messenger

__all__ = ["LatentSite", "is_latent", "refuse_discrete", "site_shape"]


@dataclass(frozen=True)
class LatentSite:
    """One latent site of a model, and its place in the flat vector."""

    name: str
    shape: tuple[int, ...]
    """Of a value: sample, plate and event dims."""
    unconstrained_shape: tuple[int, ...]
    offset: int
    """First entry in the flat vector."""
    size: int
    """Number of entries in the flat vector."""
    support: Constraint
    """Set of its values, at the first run."""
    event_dim: int
    """Number of rightmost dims of a value that are one event."""
    frames: tuple[CondIndepStackFrame, ...]
    """Plates around the site, the outermost first."""
    is_imputed: bool = False
    """Whether the site stands for the missing entries of an observation with ``obs_mask``."""

    @property
    def plates(self) -> tuple[str, ...]:
        """Names of the plates around the site, the outermost first."""
        return tuple(frame.name for frame in self.frames)

    @property
    def transform(self) -> Transform | None:
        """Bijection onto the support; None if the support depends on other latents, so that it is made at each run."""
        return biject_to(self.support) if self.support.is_concrete else None


def is_latent(msg: Message) -> bool:
    """Whether a statement makes a random variable to be inferred: not observed, not given, and not a known number."""
    if msg["type"] != "sample" or msg["is_observed"] or msg["value"] is not None:
        return False
    law = msg["fn"]
    while hasattr(law, "base_dist"):
        law = law.base_dist
    return not isinstance(law, Delta)


def site_shape(msg: Message) -> tuple[int, ...]:
    """Shape of the value that the statement makes: sample, plate and event dims."""
    shape: tuple[int, ...] = msg["fn"].shape(msg["kwargs"].get("sample_shape", ()))
    return shape


def refuse_discrete(msg: Message) -> None:
    """Raise `InferenceError` at a latent site that cannot be moved continuously."""
    law = msg["fn"]
    if law.is_discrete:
        raise InferenceError(
            f"latent site {msg['name']!r} is discrete, and this algorithm moves in continuous space",
            seen=f"law {type(law).__name__} with support {law.support}",
            suggestion="sum the site out by hand (a mixture law such as MixtureSameFamily), give it obs=, or use SVI "
            "with a guide for it",
            expected="continuous latent sites",
        )


def is_imputed(name: str, names: Collection[str]) -> bool:
    """Whether a latent site is the one that ``obs_mask`` makes for the missing entries of an observation."""
    return name.endswith("_unobserved") and f"{name.removesuffix('_unobserved')}_observed" in names


def is_drawing_plate(msg: Message) -> bool:
    """Whether a plate's own statement still has to draw its mini-batch."""
    return msg["type"] == "plate" and msg["value"] is None


class Subsamples(Messenger):
    """Keeps the mini-batch of each subsampled plate the same in every run; new plates get one.

    The indices are known numbers, so that a model may index NumPy data by them while it is traced.
    """

    reads_key = False

    def __init__(self, subsamples: dict[str, Array]) -> None:
        super().__init__()
        self._subsamples = subsamples

    def process_message(self, msg: Message) -> None:
        if is_drawing_plate(msg):
            name, (size, subsample_size) = str(msg["name"]), msg["args"]
            if name not in self._subsamples:
                rng = np.random.default_rng(len(self._subsamples))
                with jax.ensure_compile_time_eval():
                    self._subsamples[name] = jnp.asarray(rng.choice(size, subsample_size, replace=False))
            msg["value"] = self._subsamples[name]


class Survey(Messenger):
    """Notes each latent site, and gives it the value of its support that unconstrained zeros stand for."""

    reads_key = False

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.params: list[str] = []
        self._names: dict[str, None] = {}

    def process_message(self, msg: Message) -> None:
        if msg["name"] is not None:
            self._names[str(msg["name"])] = None
        if msg["type"] == "param" and msg["value"] is None and not msg.get("is_repeat"):
            self.params.append(str(msg["name"]))
        if not is_latent(msg):
            return
        refuse_discrete(msg)
        shape = site_shape(msg)
        transform = biject_to(msg["fn"].support)
        unconstrained_shape = transform.inverse_shape(shape)
        name = str(msg["name"])
        self.found.append(
            {
                "name": name,
                "shape": shape,
                "unconstrained_shape": unconstrained_shape,
                "support": msg["fn"].support,
                "event_dim": msg["fn"].event_dim,
                "frames": tuple(reversed(msg["cond_indep_stack"])),
                "is_imputed": isinstance(msg["fn"], MaskedDistribution) and is_imputed(name, self._names),
            }
        )
        msg["value"] = transform(jnp.zeros(unconstrained_shape))

    @property
    def names(self) -> tuple[str, ...]:
        """All sites of the run, in order."""
        return tuple(self._names)


class Placed(Messenger):
    """Gives each latent the value that its slice of the flat vector stands for."""

    reads_key = False

    def __init__(self, sites: Sequence[LatentSite], size: int, position: ArrayLike) -> None:
        super().__init__()
        position = jnp.asarray(position)
        if position.shape != (size,):
            raise ShapeError("a position must be one flat vector", seen=position.shape, expected=(size,))
        self._sites = {site.name: site for site in sites}
        sizes = [site.size for site in sites]
        slices = lax.split(position, sizes) if sizes else []
        self._slices = dict(zip(self._sites, slices, strict=True))
        self.latents: dict[str, Array] = {}
        self.deterministics: dict[str, Array] = {}

    def process_message(self, msg: Message) -> None:
        if is_latent(msg):
            site = self._sites.get(str(msg["name"]))
            if site is None:
                raise InferenceError(
                    f"latent site {msg['name']!r} was not there when the model was first run",
                    seen=f"sites {', '.join(self._sites) or 'none'} then",
                    suggestion="make the set of latent sites the same in every run",
                    expected="the sites of the first run",
                )
            transform = biject_to(msg["fn"].support)  # anew: its bounds may depend on data or on other latents
            self._place(msg, site, transform, lax.reshape(self._slices[site.name], site.unconstrained_shape))

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Array) -> None:
        msg["value"] = self.latents[site.name] = transform(unconstrained_value)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "deterministic":
            self.deterministics[str(msg["name"])] = msg["value"]


class Density(Placed):
    """Sums the log density as the model runs."""

    def __init__(self, sites: Sequence[LatentSite], size: int, position: ArrayLike) -> None:
        super().__init__(sites, size, position)
        self.total: Any = 0.0
        self.by_site: dict[str, Any] = {}

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Array) -> None:
        value, intermediates = transform.call_with_intermediates(unconstrained_value)
        msg["value"] = self.latents[site.name] = value
        if site.is_imputed:
            self.total = self.total + _imputed(msg, transform, unconstrained_value, value, intermediates)
        elif not isinstance(transform, IdentityTransform):
            jacobian = transform.log_abs_det_jacobian(unconstrained_value, value, intermediates)
            self.total = self.total + jacobian.sum()

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "sample":
            density = site_log_density(msg)
            self.by_site[str(msg["name"])] = density = density.sum() if getattr(density, "ndim", 0) else density
            self.total = self.total + density


def _imputed(msg: Message, transform: Transform, unconstrained_value: Array, value: Array, intermediates: Any) -> Array:
    """The Jacobian of a site whose masked-out entries nothing depends on, and for these a standard normal density.

    Without it they would have a flat density on all of space, and trajectories would never turn.
    """
    jacobian = transform.log_abs_det_jacobian(unconstrained_value, value, intermediates)
    extra = jacobian.ndim - len(msg["fn"].batch_shape)
    jacobian = sum_rightmost(jacobian, ndims=extra) if extra > 0 else jacobian
    normal = sum_rightmost(-0.5 * unconstrained_value**2, ndims=unconstrained_value.ndim - jacobian.ndim)
    law = msg["fn"]
    is_counted = law._mask if law._everywhere is None else law._everywhere
    return jnp.where(is_counted, jacobian, normal).sum()


class Gathered(Messenger):
    """Puts each latent at a chosen value, and notes the unconstrained one."""

    def __init__(self, value_of: Callable[[Message], Any]) -> None:
        super().__init__()
        self._value_of = value_of
        self.pieces: dict[str, Array] = {}

    def process_message(self, msg: Message) -> None:
        if is_latent(msg):
            support = msg["fn"].support
            value = _fitting(msg, self._value_of(msg))
            msg["value"] = jnp.asarray(value, jnp.result_type(float))
            self.pieces[str(msg["name"])] = jnp.ravel(biject_to(support).inv(msg["value"]))


def _fitting(msg: Message, value: Any) -> Any:
    """``value`` in the shape of the site; refuse one of another shape or, where it can be told, outside the support."""
    shape, name, support = site_shape(msg), msg["name"], msg["fn"].support
    value = value if isinstance(value, Array) else np.asarray(value, np.result_type(float))
    try:
        fitting = (np if isinstance(value, np.ndarray) else jnp).broadcast_to(value, shape)
    except ValueError:
        raise ShapeError(
            f"the value given for site {name!r} does not have its shape",
            seen=shape_of(value),
            expected=shape,
            suggestion="give a value of the shape of the site, plates included",
        ) from None
    is_known = is_concrete(fitting) and support.is_concrete
    if is_known and not np.all(np.asarray(support(np.asarray(fitting)))):
        raise SupportError(
            f"the value given for site {name!r} lies outside its support",
            seen=str(np.asarray(value)),
            expected=f"a value in {support}",
            suggestion="give a value in constrained space",
        )
    return fitting
