"""What a reparameterisation is, and how wrapped laws are taken apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...distributions import ExpandedDistribution, Independent, MaskedDistribution
from ...distributions.base import Distribution
from ...errors import SiteError

__all__ = ["Reparam", "refuse_observed", "unwrap"]


class Reparam:
    """Base of reparameterisations: a call replaces one sample site by others.

    A subclass defines ``__call__(name, fn, obs)``: it may make sample statements of its own, and returns a law and a
    value; ``(None, value)`` makes the site deterministic.
    """

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[Distribution | None, Any]:
        """Replace the site ``name`` with law ``fn``; ``obs`` is its value, None where it has to be drawn."""
        raise TypeError(f"{type(self).__name__} does not define __call__")


def refuse_observed(strategy: str, name: str, obs: Any) -> None:
    """Raise `SiteError` if the site has a value, observed or set by a handler: its density would lose the Jacobian."""
    if obs is not None:
        raise SiteError(
            f"{strategy} cannot treat site {name!r}, whose value is given",
            seen="an observation, or a value set by a handler further in",
            expected="a latent site",
            suggestion=f"leave {name!r} out of the config; give values to its auxiliary site instead",
        )


def unwrap(fn: Distribution) -> tuple[Distribution, Callable[[Distribution], Distribution]]:
    """The law inside of ``to_event``, ``expand`` and ``mask``, its batch as large as it is outside, and the way back.

    Returns:
        The inner law, and a function that marks the same event dims and applies the same masks to another law of its
        batch and event shape.
    """
    if isinstance(fn, Independent):
        inner, rewrap = unwrap(fn.base_dist)
        ndims = fn.reinterpreted_batch_ndims
        return inner, lambda law: rewrap(law).to_event(ndims)
    if isinstance(fn, ExpandedDistribution):
        inner, rewrap = unwrap(fn.base_dist)
        ndim = len(fn.base_dist.event_shape) - len(inner.event_shape)
        batch = (*fn.batch_shape, *fn.event_shape[:ndim])
        return inner.expand(batch), rewrap
    if isinstance(fn, MaskedDistribution):
        inner, rewrap = unwrap(fn.base_dist)
        mask = fn._mask if fn._everywhere is None else fn._everywhere
        ndim = len(fn.base_dist.event_shape) - len(inner.event_shape)
        batch = (*fn.batch_shape, *fn.event_shape[:ndim])
        return inner.expand(batch), lambda law: rewrap(law).mask(mask)
    return fn, lambda law: law
