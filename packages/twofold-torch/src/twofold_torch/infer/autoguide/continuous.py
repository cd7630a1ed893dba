"""AutoContinuous: one law of the whole flat unconstrained vector."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from ...distributions import Delta
from ...errors import InferenceError
from ...plates import plate
from ...primitives import sample
from ..initialization import InitStrategy, init_to_median
from ..potential import Potential
from .base import AutoGuide
from .normal import check_init_scale, normal_quantile

__all__ = ["AutoContinuous"]


class AutoContinuous(AutoGuide):
    """Base of the guides that draw all latents together, in one flat unconstrained vector.

    The vector is the site ``_<prefix>_latent``; each latent of the model is a function of it.

    Args:
        model: function of statements.
        init_loc_fn: where the location starts.
        init_scale: first standard deviation in unconstrained space.
        prefix: see `AutoGuide`.

    Raises:
        HandlerError: ``init_scale`` is not positive.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        init_loc_fn: InitStrategy = init_to_median,
        init_scale: float = 0.1,
        *,
        prefix: str | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn, prefix=prefix)
        self.init_scale = check_init_scale(type(self).__name__, init_scale)

    @property
    def latent_dim(self) -> int:
        """Length of the flat vector."""
        return self._prototype.size

    @abc.abstractmethod
    def get_posterior(self, *args: Any, **kwargs: Any) -> Any:
        """The law of the flat unconstrained vector, at the present parameters."""

    @abc.abstractmethod
    def get_transform(self, *args: Any, **kwargs: Any) -> Transform:
        """The map that makes independent standard normal numbers a draw of `get_posterior`."""

    @abc.abstractmethod
    def _loc_and_scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each coordinate."""

    def sample_latent(self, *args: Any, **kwargs: Any) -> Tensor:
        """A draw of the flat unconstrained vector: the statement ``_<prefix>_latent``."""
        self._ensure_setup(args, kwargs)
        value: Tensor = sample(f"_{self.prefix}_latent", self.get_posterior(), infer={"is_auxiliary": True})
        return value

    def _check_sites(self, potential: Potential) -> None:
        for site in potential.sites:
            for frame in site.frames:
                if frame.full_size != frame.size and frame.size > 0:
                    raise InferenceError(
                        f"{type(self).__name__} draws all latents together, but site {site.name!r} lies in the "
                        f"subsampled plate {frame.name!r}",
                        seen=f"{frame.size} of {frame.full_size} rows",
                        suggestion="use AutoNormal, or leave subsample_size out",
                    )

    def _draw(self, plates: Mapping[str, plate], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor]:
        placed = self._transformed(self._split(self.sample_latent()), plates, args, kwargs)
        drawn = {}
        for site in self.latent_sites:
            value, log_density = placed[site.name]
            with self._inside(site, plates):
                drawn[site.name] = sample(site.name, Delta(value, log_density, site.event_dim))
        return drawn

    def _split(self, position: Tensor) -> dict[str, Tensor]:
        pieces = position.split([site.size for site in self.latent_sites])
        return {
            site.name: piece.reshape(site.unconstrained_shape)
            for site, piece in zip(self.latent_sites, pieces, strict=True)
        }

    def _flat_start(self) -> Tensor:
        return torch.cat([piece.reshape(-1) for piece in self._start.values()])

    def _unconstrained_median(self) -> dict[str, Tensor]:
        return self._split(self._loc_and_scale()[0])

    def quantiles(self, quantiles: Sequence[float], *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Marginal quantiles of each latent site, taken coordinate by coordinate in unconstrained space.

        Args:
            quantiles: probabilities in (0, 1).
            *args: data of the model; needed only if the guide was never called.
            **kwargs: likewise.

        Returns:
            For each site a tensor whose first dim are the quantiles.
        """
        self._ensure_setup(args, kwargs)
        with torch.no_grad():
            loc, scale = self._loc_and_scale()
            rows = [self._constrained(self._split(loc + normal_quantile(q) * scale)) for q in quantiles]
        return {site.name: torch.stack([row[site.name] for row in rows]) for site in self.latent_sites}
