"""Kullback-Leibler divergences: the registry of closed forms, and how they carry over to wrapped laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax.numpy as jnp
from jax import Array

from ..ops.arrays import broadcast_shapes
from .base import Distribution
from .delta import Delta
from .transforms.base import sum_rightmost
from .wrappers import ExpandedDistribution, Independent, MaskedDistribution

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Array]
F = TypeVar("F", bound=Divergence)

_closed_forms: dict[tuple[type, type], Divergence] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[F], F]:
    """Decorate a function of ``p`` and ``q`` as the closed form for two classes and their subclasses.

    Example:
        >>> from twofold_jax.distributions import Gumbel
        >>> @register_kl(Gumbel, Gumbel)
        ... def _kl_same(p, q):
        ...     return jnp.zeros(()) if p is q else jnp.nan
        >>> law = Gumbel(0.0, 1.0)
        >>> float(kl_divergence(law, law))
        0.0
        >>> del _closed_forms[Gumbel, Gumbel]
    """

    def register(fn: F) -> F:
        _closed_forms[type_p, type_q] = fn
        return fn

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Array:
    r"""Kullback-Leibler divergence of ``q`` from ``p``, where a closed form is known.

    .. math:: KL(p \| q) = \int p(x) \log\frac{p(x)}{q(x)} dx

    Args:
        p: a law.
        q: a law over the same space.

    Returns:
        The divergence, of the broadcast batch shape.

    Raises:
        NotImplementedError: no closed form is registered for the pair; add one with `register_kl`.

    Example:
        >>> from twofold_jax.distributions import Normal
        >>> float(kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0)))
        0.5
    """
    candidates = [
        (i + j, fn)
        for i, cls_p in enumerate(type(p).__mro__)
        for j, cls_q in enumerate(type(q).__mro__)
        if (fn := _closed_forms.get((cls_p, cls_q))) is not None
    ]
    if not candidates:
        raise NotImplementedError(
            f"no closed form is known for the divergence of {type(q).__name__} from {type(p).__name__}; "
            "add one with register_kl"
        )
    return min(candidates, key=lambda candidate: candidate[0])[1](p, q)


@register_kl(Delta, Distribution)
@register_kl(Delta, ExpandedDistribution)
@register_kl(Delta, Independent)
def _kl_delta_any(p: Delta, q: Distribution) -> Array:
    arguments = p.get_args()
    return jnp.asarray(arguments["log_density"]) - q.log_prob(arguments["v"])


@register_kl(Independent, Independent)
def _kl_independent_independent(p: Independent, q: Independent) -> Array:
    shared = min(p.reinterpreted_batch_ndims, q.reinterpreted_batch_ndims)
    inner = kl_divergence(
        p.base_dist.to_event(p.reinterpreted_batch_ndims - shared),
        q.base_dist.to_event(q.reinterpreted_batch_ndims - shared),
    )
    # A batch dim that only one law has repeats the other one's share of the sum.
    shapes = [law.base_dist.batch_shape[len(law.batch_shape) :][-shared:] if shared else () for law in (p, q)]
    full = broadcast_shapes(inner.shape, *shapes)
    return sum_rightmost(jnp.broadcast_to(inner, full), ndims=shared)


@register_kl(MaskedDistribution, MaskedDistribution)
def _kl_masked_masked(p: MaskedDistribution, q: MaskedDistribution) -> Array:
    divergence = kl_divergence(p.base_dist, q.base_dist)
    return jnp.where(_mask_of(p) & _mask_of(q), divergence, 0.0)


def _mask_of(law: MaskedDistribution) -> Array:
    return jnp.asarray(law._mask if law._everywhere is None else law._everywhere)


@register_kl(ExpandedDistribution, ExpandedDistribution)
@register_kl(ExpandedDistribution, Distribution)
@register_kl(Distribution, ExpandedDistribution)
def _kl_expanded(p: Distribution, q: Distribution) -> Array:
    shape = broadcast_shapes(p.batch_shape, q.batch_shape)
    return jnp.broadcast_to(kl_divergence(_unexpanded(p), _unexpanded(q)), shape)


def _unexpanded(law: Distribution) -> Distribution:
    return law.base_dist if isinstance(law, ExpandedDistribution) else law
