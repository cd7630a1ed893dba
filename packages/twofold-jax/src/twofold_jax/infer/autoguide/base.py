"""What a guide made from a model is: the model's latent sites, where they start, and how draws are asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from twofold_jax.distributions.transforms import Transform
from twofold_jax.errors import HandlerError, InferenceError, UnknownSiteError
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform
from twofold_jax.infer.placing import LatentSite
from twofold_jax.infer.potential import Potential, make_potential
from twofold_jax.plates import plate
from twofold_jax.primitives import param
from twofold_jax.runtime import isolated

__all__ = ["AutoGuide"]


class AutoGuide(ABC):
    """Base of the guides that are made from a model.

    The first call, or `setup`, runs the model once to find its latent sites; the guide then has a site for each.
    Parameters are named ``{site}_{prefix}_...`` or ``{prefix}_...`` and live where all params of a guide live: in the
    state of ``SVI``.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the latents start, as in ``infer.initialization``.
        create_plates: function of the model's arguments that makes the plates of the guide, one or a list, in place of
            those that the guide would make.

    Raises:
        HandlerError: the model is no function, or the prefix no string.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        prefix: str = "auto",
        init_loc_fn: InitStrategy = init_to_uniform,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        if not callable(model) or not isinstance(prefix, str):
            raise HandlerError(
                f"{type(self).__name__} needs a model and a string as prefix", seen=f"{model!r}, prefix={prefix!r}"
            )
        self.model, self.prefix, self.init_loc_fn, self.create_plates = model, prefix, init_loc_fn, create_plates
        self._potential: Potential | None = None

    def setup(self, *args: Any, **kwargs: Any) -> None:
        """Find the latent sites of the model, run on these arguments.

        Raises:
            InferenceError: a latent site is discrete or has a support that depends on other latents, or there is none.
        """
        with isolated():
            potential = make_potential(self.model, *args, **kwargs)
        if not potential.sites:
            raise InferenceError(
                f"{type(self).__name__} found no latent site in the model",
                suggestion="add a sample statement without obs; a model of params alone is fitted with "
                "guide=lambda *args, **kwargs: None",
            )
        for site in potential.sites:
            if site.transform is None:
                raise InferenceError(
                    f"{type(self).__name__} cannot guide site {site.name!r}, whose support depends on other latents",
                    seen=f"support {site.support}",
                    expected="a support that is the same in every run",
                    suggestion="scale a law of fixed support, as in u = sample('u', Uniform(0, 1)); x = upper * u",
                )
        self._potential = potential
        self._check(potential)

    def _check(self, potential: Potential) -> None:  # noqa: B027, most guides serve any model
        """Refuse a model that this guide cannot serve."""

    @property
    def potential(self) -> Potential:
        """The model as it was found by `setup`.

        Raises:
            InferenceError: the guide has not seen its model run.
        """
        if self._potential is None:
            raise InferenceError(
                f"this {type(self).__name__} has not seen its model run yet",
                suggestion="call SVI.init or SVI.run first, or setup(*args, **kwargs) with the model's data",
            )
        return self._potential

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """Make the guide's statements; the values of all latent sites, by name."""

    @abstractmethod
    def sample_posterior(
        self,
        rng_key: Array,
        params: Mapping[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        """Draws of all latent sites.

        Args:
            rng_key: random key.
            params: fitted parameters, as ``SVIRunResult.params``.
            *args: data of the model; no guide of this package needs them.
            sample_shape: shape of independent draws.
            **kwargs: likewise.

        Returns:
            For each site an array of shape ``sample_shape`` + site shape, with the whole length of subsampled plates.
        """

    @abstractmethod
    def median(self, params: Mapping[str, Any], *args: Any, **kwargs: Any) -> dict[str, Array]:
        """Median of each coordinate's marginal posterior, in constrained space."""

    def quantiles(self, params: Mapping[str, Any], quantiles: ArrayLike, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """Quantiles of each coordinate's marginal posterior.

        They are exact for sites whose transform acts on each coordinate alone.

        Args:
            params: fitted parameters.
            quantiles: a number in (0, 1), or several in one dim.
            *args: data of the model; not needed.
            **kwargs: likewise.

        Returns:
            For each site an array of shape ``shape of quantiles`` + site shape.

        Raises:
            InferenceError: the guide is a point.
        """
        raise InferenceError(f"{type(self).__name__} is a point and has no quantiles", suggestion="use AutoNormal")

    # Parts for the guides

    def _prepare(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[Array], Array]:
        """See the model if that has not been done; a function that draws the first flat position, once a run."""
        if self._potential is None:
            self.setup(*args, **kwargs)
        found: list[Array] = []

        def start(rng_key: Array) -> Array:
            if not found:
                with isolated():
                    found.append(self.potential.start(rng_key, self.init_loc_fn, *args, **kwargs))
            return found[0]

        return start

    def _open_plates(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, plate]:
        """The plates of the guide by name, those of the model unless ``create_plates`` makes them."""
        made: Any = () if self.create_plates is None else self.create_plates(*args, **kwargs)
        plates = {p.name: p for p in ([made] if isinstance(made, plate) else made)}
        for site in self.potential.sites:
            for frame in site.frames:
                if frame.name not in plates:
                    full_size = frame.size if frame.full_size is None else frame.full_size
                    plates[frame.name] = plate(frame.name, full_size, frame.size, dim=frame.dim)
        return plates

    def _param(self, name: str, params: Mapping[str, Any]) -> Any:
        if name not in params:
            raise UnknownSiteError(
                f"params lack {name!r} of {type(self).__name__}",
                seen=", ".join(params) or "no params",
                suggestion="pass the params of the fit: SVI.run(...).params or svi.get_params(state)",
            )
        return params[name]


def within(frames: Iterable[Any], plates: Mapping[str, plate]) -> ExitStack:
    """A context inside of the plates of a site."""
    stack = ExitStack()
    for frame in frames:
        stack.enter_context(plates[frame.name])
    return stack


def full_length(site: LatentSite, value: Array, event_dim: int) -> Array:
    """A value of a mini-batch repeated to the whole length of its subsampled plates."""
    for axis, size in enumerate(_full_shape(site, value.shape, event_dim)):
        if size != value.shape[axis]:
            value = jnp.take(value, np.arange(size) % value.shape[axis], axis=axis)
    return value


def full_unconstrained_shape(site: LatentSite) -> tuple[int, ...]:
    """Shape of a site's unconstrained value with the whole length of its subsampled plates."""
    return _full_shape(site, site.unconstrained_shape, unconstrained_event_dim(site))


def _full_shape(site: LatentSite, shape: tuple[int, ...], event_dim: int) -> tuple[int, ...]:
    sizes = list(shape)
    for frame in site.frames:
        axis = len(sizes) - event_dim + frame.dim
        if axis >= 0 and frame.full_size is not None:
            sizes[axis] = frame.full_size
    return tuple(sizes)


def unconstrained_event_dim(site: LatentSite) -> int:
    """Number of rightmost dims of an unconstrained value that are no batch dims."""
    return len(site.unconstrained_shape) - (len(site.shape) - site.event_dim)


def piece(site: LatentSite, position: Array) -> Array:
    """The part of a flat position that belongs to a site, in the shape of its unconstrained value."""
    return position[site.offset : site.offset + site.size].reshape(site.unconstrained_shape)


def transform_of(site: LatentSite) -> Transform:
    """The bijection onto the site's support, which is fixed."""
    transform = site.transform
    assert transform is not None, f"setup refuses site {site.name!r}"
    return transform


def statement(name: str, init: Any, **settings: Any) -> Array:
    """A param statement, as an array."""
    value: Array = param(name, init, **settings)
    return value


def log_volume(transform: Transform, unconstrained_value: Array, value: Array, intermediates: Any) -> Array:
    """Log absolute determinant of a transform, summed over everything."""
    return jnp.sum(transform.log_abs_det_jacobian(unconstrained_value, value, intermediates))


def over_draws(fn: Callable[[Array], dict[str, Array]], draws: Array, ndim: int) -> dict[str, Array]:
    """``fn`` over all leading dims of ``draws`` but the last ``ndim``."""
    for _ in range(draws.ndim - ndim):
        fn = jax.vmap(fn)
    return fn(draws)
