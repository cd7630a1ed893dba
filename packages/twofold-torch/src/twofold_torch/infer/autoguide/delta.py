"""AutoDelta: a point, for maximum a posteriori estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ...distributions import Delta
from ...plates import plate
from ...primitives import param, sample
from ..initialization import InitStrategy, init_to_median
from .base import AutoGuide, CreatePlates

__all__ = ["AutoDelta"]


class AutoDelta(AutoGuide):
    """All probability at one point of the constrained space: SVI with it finds a maximum of the posterior density.

    The parameters are ``AutoDelta.<site>``, in the support of the site.

    Args:
        model: function of statements.
        init_loc_fn: where the point starts.
        create_plates: see `AutoGuide`.
        prefix: see `AutoGuide`.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> tf.clear_param_store()
        >>> def model():
        ...     tf.sample("rate", dist.Gamma(2.0, 1.0))
        >>> guide = AutoDelta(model, init_loc_fn=lambda site: 3.0)
        >>> guide()
        {'rate': tensor(3., grad_fn=<...>)}
        >>> list(tf.get_param_store())
        ['AutoDelta.rate']
    """

    def __init__(
        self,
        model: Callable[..., Any],
        init_loc_fn: InitStrategy = init_to_median,
        *,
        create_plates: CreatePlates | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn, create_plates=create_plates, prefix=prefix)

    def _draw(self, plates: Mapping[str, plate], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor]:
        if self._changes_supports:
            placed = self._transformed(self._unconstrained_median(), plates, args, kwargs)
        drawn = {}
        for site in self.latent_sites:
            with self._inside(site, plates):
                value = placed[site.name][0] if self._changes_supports else self._param(site.name)
                drawn[site.name] = sample(site.name, Delta(value, event_dim=site.event_dim))
        return drawn

    @property
    def _changes_supports(self) -> bool:
        return any(site.transform is None for site in self.latent_sites)

    def _param(self, name: str) -> Tensor:
        """The value of a site; where supports depend on other latents, the unconstrained one."""
        site = next(site for site in self.latent_sites if site.name == name)
        start = self._start[name]
        if self._changes_supports:
            return param(f"{self.prefix}.{name}", start)
        assert site.transform is not None
        value = self._rows_of_all(site, site.transform(start), site.event_dim)
        return param(f"{self.prefix}.{name}", value, self._supports[name], event_dim=site.event_dim)

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The point."""
        self._ensure_setup(args, kwargs)
        if self._changes_supports:
            return super().median()
        return {site.name: self._param(site.name).detach().clone() for site in self.latent_sites}

    def _unconstrained_median(self) -> dict[str, Tensor]:
        return {site.name: self._param(site.name) for site in self.latent_sites}
