"""AutoNormal: independent normal laws in unconstrained space, one for each latent site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import IndependentTransform, Transform, identity_transform

from ...distributions import Delta, Normal, constraints
from ...errors import HandlerError
from ...plates import plate
from ...primitives import param, sample
from ..initialization import InitStrategy, init_to_feasible
from ..placing import LatentSite
from .base import AutoGuide, CreatePlates

__all__ = ["AutoNormal", "check_init_scale", "normal_quantile"]


class AutoNormal(AutoGuide):
    """Independent normal laws in unconstrained space: the mean-field approximation.

    A site with constrained support has a second statement ``<site>_unconstrained``.  Latents in subsampled plates are
    allowed: the parameters have all rows.  They are called ``AutoNormal.locs.<site>`` and ``AutoNormal.scales.<site>``.

    Args:
        model: function of statements.
        init_loc_fn: where the locations start.
        init_scale: first standard deviation in unconstrained space.
        create_plates: see `AutoGuide`.
        prefix: see `AutoGuide`.

    Raises:
        HandlerError: ``init_scale`` is not positive.

    Source: Kucukelbir et al. (2017), JMLR 18 (automatic differentiation variational inference).

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> tf.clear_param_store()
        >>> def model():
        ...     tf.sample("rate", dist.Gamma(2.0, 1.0))
        >>> guide = AutoNormal(model)
        >>> guide.setup()
        >>> guide.median()
        {'rate': tensor(1.)}
        >>> [round(x, 3) for x in guide.quantiles([0.05, 0.95])["rate"].tolist()]
        [0.848, 1.179]
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitStrategy = init_to_feasible,
        init_scale: float = 0.1,
        create_plates: CreatePlates | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn, create_plates=create_plates, prefix=prefix)
        self.init_scale = check_init_scale(type(self).__name__, init_scale)

    def _params(self, site: LatentSite) -> tuple[Tensor, Tensor, int]:
        """Location, scale, and how many of their rightmost dims belong to one event."""
        event_dim = len(site.unconstrained_shape) - len(site.shape) + site.event_dim

        def start() -> Tensor:
            return self._rows_of_all(site, self._start[site.name], event_dim)

        loc = param(f"{self.prefix}.locs.{site.name}", start, event_dim=event_dim)
        scale = param(
            f"{self.prefix}.scales.{site.name}",
            lambda: torch.full_like(start(), self.init_scale),
            constraints.positive,
            event_dim=event_dim,
        )
        return loc, scale, event_dim

    def _draw(self, plates: Mapping[str, plate], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor]:
        drawn = {}
        for site in self.latent_sites:
            with self._inside(site, plates):
                loc, scale, event_dim = self._params(site)
                law = Normal(loc, scale).to_event(event_dim)
                if _is_identity(site.transform):
                    drawn[site.name] = sample(site.name, law)
                else:
                    drawn[site.name] = sample(f"{site.name}_unconstrained", law, infer={"is_auxiliary": True})
        placed = self._transformed(drawn, plates, args, kwargs)
        for site in self.latent_sites:
            if not _is_identity(site.transform):
                with self._inside(site, plates):
                    drawn[site.name] = sample(site.name, Delta(*placed[site.name], site.event_dim))
        return drawn

    def _unconstrained_median(self) -> dict[str, Tensor]:
        return {site.name: self._params(site)[0] for site in self.latent_sites}

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
        rows = []
        with torch.no_grad():
            params = {site.name: self._params(site) for site in self.latent_sites}
            for probability in quantiles:
                z = normal_quantile(probability)
                rows.append(self._constrained({name: loc + z * scale for name, (loc, scale, _) in params.items()}))
        return {site.name: torch.stack([row[site.name] for row in rows]) for site in self.latent_sites}


def _is_identity(transform: Transform | None) -> bool:
    while isinstance(transform, IndependentTransform):
        transform = transform.base_transform
    return transform == identity_transform


def normal_quantile(probability: float) -> Tensor:
    """The quantile of the standard normal law; refuse what is no probability."""
    value = torch.as_tensor(probability, dtype=torch.get_default_dtype())
    if not 0.0 < float(value) < 1.0:
        raise HandlerError("a quantile of a guide", seen=probability, expected="a probability in (0, 1)")
    return torch.special.ndtri(value)


def check_init_scale(name: str, init_scale: float) -> float:
    """Refuse a scale that is not positive."""
    if not init_scale > 0.0:
        raise HandlerError(f"init_scale of {name}", seen=init_scale, expected="a positive number")
    return init_scale
