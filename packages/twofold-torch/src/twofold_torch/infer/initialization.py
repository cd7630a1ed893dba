"""Where a latent starts: strategies that give a site its first value.

A strategy takes a site (its message, with the law ``fn``) and returns a value in the support, or None to leave the
choice to `init_to_uniform`.  Each is used bare, ``init_strategy=init_to_median``, or with settings,
``init_strategy=init_to_median(num_samples=5)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..distributions import biject_to

__all__ = [
    "InitStrategy",
    "init_to_feasible",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
]

InitStrategy = Callable[[Any], Any]


def init_to_uniform(site: Any = None, radius: float = 2.0) -> Any:
    """Uniform on ``(-radius, radius)`` in each coordinate of unconstrained space.

    Example:
        >>> init_to_uniform(radius=0.1)  # doctest: +ELLIPSIS
        functools.partial(<function init_to_uniform ...>, radius=0.1)
    """
    if site is None:
        return partial(init_to_uniform, radius=radius)
    transform = biject_to(site["fn"].support)
    shape = transform.inverse_shape(site["fn"].shape())
    return transform(radius * (2.0 * torch.rand(shape) - 1.0))


def init_to_median(site: Any = None, num_samples: int = 15) -> Any:
    """Median of draws from the prior, each coordinate alone; a law without a sampler starts by `init_to_uniform`."""
    if site is None:
        return partial(init_to_median, num_samples=num_samples)
    draws = _prior_draws(site, num_samples)
    return None if draws is None else _within(site, draws.quantile(0.5, dim=0))


def init_to_mean(site: Any = None) -> Any:
    """Mean of the prior where it is known in closed form and finite, else as `init_to_median`."""
    if site is None:
        return init_to_mean
    try:
        mean = torch.as_tensor(site["fn"].mean).expand(site["fn"].shape())
    except NotImplementedError:
        return init_to_median(site)
    fallback = init_to_median(site)
    return _within(site, mean if fallback is None else torch.where(mean.isfinite(), mean, fallback))


def init_to_sample(site: Any = None) -> Any:
    """A draw from the prior."""
    if site is None:
        return init_to_sample
    draws = _prior_draws(site, 1)
    return None if draws is None else draws[0]


def init_to_value(site: Any = None, values: Mapping[str, Any] | None = None) -> Any:
    """Given values by site name; sites not named start by `init_to_uniform`.

    Example:
        >>> strategy = init_to_value(values={"mu": 0.5})
    """
    if site is None:
        return partial(init_to_value, values=values or {})
    return (values or {}).get(site["name"])


def values_of(strategy: InitStrategy) -> Mapping[str, Any]:
    """The values by site name that an initialisation strategy was given."""
    return getattr(strategy, "keywords", {}).get("values") or {}


def init_to_feasible(site: Any = None) -> Any:
    """The value that unconstrained zeros stand for."""
    if site is None:
        return init_to_feasible
    transform = biject_to(site["fn"].support)
    return transform(torch.zeros(transform.inverse_shape(site["fn"].shape())))


def _prior_draws(site: Any, count: int) -> Tensor | None:
    try:
        return site["fn"].sample((count,)).detach()
    except NotImplementedError:
        return None


def _within(site: Any, value: Tensor) -> Tensor:
    """A median of coordinates need not lie in the support (a simplex): there and back again projects it."""
    transform = biject_to(site["fn"].support)
    return transform(transform.inv(value))
