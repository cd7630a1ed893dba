"""AutoNormal: independent normal laws in unconstrained space, site by site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from twofold_jax.distributions import Distribution, Normal, TransformedDistribution, constraints
from twofold_jax.errors import HandlerError
from twofold_jax.infer.autoguide.base import (
    AutoGuide,
    full_length,
    full_unconstrained_shape,
    piece,
    statement,
    transform_of,
    unconstrained_event_dim,
    within,
)
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform
from twofold_jax.infer.placing import LatentSite
from twofold_jax.primitives import sample

__all__ = ["AutoNormal"]


class AutoNormal(AutoGuide):
    """A normal law for each coordinate of unconstrained space (mean field), mapped onto the supports.

    Its parameters are ``{site}_{prefix}_loc`` and ``{site}_{prefix}_scale``.  Sites inside subsampled plates have
    parameters of the whole length, of which each step uses the rows of its mini-batch.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the locations start.
        init_scale: positive, where the scales start.
        create_plates: see `AutoGuide`.

    Raises:
        HandlerError: ``init_scale`` is not positive.

    Source: Kucukelbir et al. (2017), Automatic Differentiation Variational Inference, JMLR 18, section 2.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.handlers import seed
        >>> guide = AutoNormal(lambda: tf.sample("scale", dist.HalfNormal(1.0)))
        >>> bool(seed(guide, rng_seed=0)()["scale"] > 0)
        True
    """

    scale_constraint = constraints.softplus_positive

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        prefix: str = "auto",
        init_loc_fn: InitStrategy = init_to_uniform,
        init_scale: float = 0.1,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        if not init_scale > 0:
            raise HandlerError("init_scale of AutoNormal", seen=init_scale, expected="a positive number")
        super().__init__(model, prefix=prefix, init_loc_fn=init_loc_fn, create_plates=create_plates)
        self.init_scale = init_scale

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        start, values = self._prepare(args, kwargs), {}
        plates = self._open_plates(args, kwargs)
        for site in self.potential.sites:
            event_dim = unconstrained_event_dim(site)

            def init_loc(rng_key: Array, site: LatentSite = site, event_dim: int = event_dim) -> Array:
                return full_length(site, piece(site, start(rng_key)), event_dim)

            init_scale = np.full(full_unconstrained_shape(site), self.init_scale, self.potential.dtype)
            with within(site.frames, plates):
                loc = statement(self._name(site, "loc"), init_loc, event_dim=event_dim)
                scale = statement(
                    self._name(site, "scale"), init_scale, constraint=self.scale_constraint, event_dim=event_dim
                )
                values[site.name] = sample(site.name, _law(site, loc, scale))
        return values

    def _name(self, site: LatentSite, parameter: str) -> str:
        return f"{site.name}_{self.prefix}_{parameter}"

    def _normal(self, site: LatentSite, params: Mapping[str, Any]) -> Normal:
        return Normal(*(self._param(self._name(site, parameter), params) for parameter in ("loc", "scale")))

    def get_posterior(self, params: Mapping[str, Any]) -> dict[str, Distribution]:
        """The law of each site, in constrained space."""
        return {
            site.name: _law(site, *(self._param(self._name(site, p), params) for p in ("loc", "scale")))
            for site in self.potential.sites
        }

    def sample_posterior(
        self,
        rng_key: Array,
        params: Mapping[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        laws = self.get_posterior(params)
        keys = jax.random.split(rng_key, len(laws))
        return {name: law.sample(key, sample_shape) for (name, law), key in zip(laws.items(), keys, strict=True)}

    def median(self, params: Mapping[str, Any], *args: Any, **kwargs: Any) -> dict[str, Array]:
        return {site.name: transform_of(site)(self._normal(site, params).mean) for site in self.potential.sites}

    def quantiles(self, params: Mapping[str, Any], quantiles: ArrayLike, *args: Any, **kwargs: Any) -> dict[str, Array]:
        levels, found = jnp.asarray(quantiles), {}
        for site in self.potential.sites:
            normal = self._normal(site, params)
            spread = levels.reshape(levels.shape + (1,) * len(normal.batch_shape))
            found[site.name] = transform_of(site)(normal.icdf(spread))
        return found


def _law(site: LatentSite, loc: Any, scale: Any) -> Distribution:
    transform = transform_of(site)
    base = Normal(loc, scale).to_event(unconstrained_event_dim(site))
    return base if site.support is constraints.real else TransformedDistribution(base, transform)
