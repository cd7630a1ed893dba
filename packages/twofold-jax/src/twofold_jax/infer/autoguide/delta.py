"""AutoDelta: a point, for maximum a posteriori estimates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from twofold_jax.distributions import Delta
from twofold_jax.infer.autoguide.base import AutoGuide, full_length, piece, statement, transform_of, within
from twofold_jax.infer.placing import LatentSite
from twofold_jax.primitives import sample

__all__ = ["AutoDelta"]


class AutoDelta(AutoGuide):
    """One point for each latent site; with ``Trace_ELBO`` it becomes the maximum of the joint density (MAP).

    Its parameters are ``{site}_{prefix}_loc``, in constrained space.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the latents start.
        create_plates: see `AutoGuide`.

    Example:
        >>> import jax, optax, twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.infer import SVI
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> result = SVI(model, AutoDelta(model), optax.sgd(0.2)).run(jax.random.key(0), 100, 2.0, progress_bar=False)
        >>> round(float(result.params["mu_auto_loc"]), 3)
        1.0
    """

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        start, values = self._prepare(args, kwargs), {}
        plates = self._open_plates(args, kwargs)
        for site in self.potential.sites:

            def init(rng_key: Array, site: LatentSite = site) -> Array:
                value: Array = transform_of(site)(piece(site, start(rng_key)))
                return full_length(site, value, site.event_dim)

            with within(site.frames, plates):
                loc = statement(self._name(site), init, constraint=site.support, event_dim=site.event_dim)
                values[site.name] = sample(site.name, Delta(loc, event_dim=site.event_dim))
        return values

    def _name(self, site: LatentSite) -> str:
        return f"{site.name}_{self.prefix}_loc"

    def sample_posterior(
        self,
        rng_key: Array,
        params: Mapping[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        points = self.median(params)
        return {name: jnp.broadcast_to(point, (*sample_shape, *point.shape)) for name, point in points.items()}

    def median(self, params: Mapping[str, Any], *args: Any, **kwargs: Any) -> dict[str, Array]:
        return {site.name: jnp.asarray(self._param(self._name(site), params)) for site in self.potential.sites}
