"""AutoContinuous: one law over the flat unconstrained vector of all latents."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from twofold_jax.distributions import Delta, Distribution
from twofold_jax.errors import InferenceError
from twofold_jax.infer.autoguide.base import AutoGuide, log_volume, over_draws, piece, transform_of
from twofold_jax.infer.potential import Potential
from twofold_jax.primitives import sample

__all__ = ["AutoContinuous"]


class AutoContinuous(AutoGuide):
    """Base of the guides with one law over the flat unconstrained vector.

    A subclass defines `_make_posterior` and `get_posterior`.  The guide draws the vector at the auxiliary site
    ``_{prefix}_latent``; each latent site is then a known function of it.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the latents start.
    """

    @abstractmethod
    def _make_posterior(self, init_loc: Callable[[Array], Array]) -> Distribution:
        """Make the param statements, and the law of the vector."""

    @abstractmethod
    def get_posterior(self, params: Mapping[str, Any]) -> Distribution:
        """The law of the flat unconstrained vector."""

    def _check(self, potential: Potential) -> None:
        for site in potential.sites:
            for frame in site.frames:
                if frame.full_size not in (None, frame.size):
                    raise InferenceError(
                        f"{type(self).__name__} has one vector for all latents, and site {site.name!r} stands in the "
                        f"subsampled plate {frame.name!r}",
                        seen=f"{frame.size} of {frame.full_size} rows at a time",
                        expected="latents of the same size in every step",
                        suggestion="use AutoNormal or AutoDelta, which keep parameters for all rows",
                    )

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        start = self._prepare(args, kwargs)
        infer = {"is_auxiliary": True}
        latent = sample(f"_{self.prefix}_latent", self._make_posterior(start), infer=infer)
        values = {}
        for site in self.potential.sites:
            transform, unconstrained = transform_of(site), piece(site, latent)
            value, intermediates = transform.call_with_intermediates(unconstrained)
            density = -log_volume(transform, unconstrained, value, intermediates)
            values[site.name] = sample(site.name, Delta(value, density, event_dim=len(site.shape)))
        return values

    def unpack_latent(self, latent: Array) -> dict[str, Array]:
        """Values of the sites, in constrained space, of flat vectors with any leading dims."""
        return self._unpacking()(latent)

    def _unpacking(self) -> Callable[[Array], dict[str, Array]]:
        sites = self.potential.sites

        def unpack(flat: Array) -> dict[str, Array]:
            return {site.name: transform_of(site)(piece(site, flat)) for site in sites}

        return lambda latent: over_draws(unpack, latent, 1)

    def sample_posterior(
        self,
        rng_key: Array,
        params: Mapping[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        unpack = self._unpacking()
        return unpack(self.get_posterior(params).sample(rng_key, sample_shape))

    def median(self, params: Mapping[str, Any], *args: Any, **kwargs: Any) -> dict[str, Array]:
        return self.quantiles(params, 0.5)

    def quantiles(self, params: Mapping[str, Any], quantiles: ArrayLike, *args: Any, **kwargs: Any) -> dict[str, Array]:
        unpack = self._unpacking()
        return unpack(self._quantile(params, jnp.asarray(quantiles)))

    @abstractmethod
    def _quantile(self, params: Mapping[str, Any], levels: Array) -> Array:
        """Quantiles of the vector's coordinates, of shape ``levels`` + (size,)."""
