"""Kullback-Leibler divergences: torch's table, and pairs of this package's laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import kl_divergence as torch_kl_divergence
from torch.distributions import register_kl as torch_register_kl

from twofold_torch.ops.shapes import broadcast_shape, sum_rightmost

from .delta import Delta
from .multivariate_normal import MultivariateNormal
from .wrappers import ExpandedDistribution, Independent, MaskedDistribution

__all__ = ["kl_divergence", "register_kl"]

Divergence = TypeVar("Divergence", bound=Callable[..., Tensor])


def kl_divergence(p: Any, q: Any) -> Tensor:
    r"""Kullback-Leibler divergence of ``q`` from ``p``, where a closed form is known.

    .. math:: KL(p \| q) = \int p(x) \log\frac{p(x)}{q(x)} dx

    Args:
        p: a law.
        q: a law over the same space.

    Returns:
        The divergence, of the broadcast batch shape.

    Raises:
        NotImplementedError: no closed form is registered for the pair; add one with ``register_kl``.

    Example:
        >>> from twofold_torch.distributions import Normal
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    return torch_kl_divergence(p, q)


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Say how the divergence between laws of two classes is computed; torch's table is the one that is added to.

    Args:
        type_p: class of the first law.
        type_q: class of the second law.

    Returns:
        A decorator for a function of both laws.

    Example:
        >>> class MyLaw(td.Normal): ...
        >>> @register_kl(MyLaw, MyLaw)
        ... def _kl_mine(p, q):
        ...     return torch.zeros(())
    """
    decorator: Callable[[Divergence], Divergence] = torch_register_kl(type_p, type_q)
    return decorator


@register_kl(Delta, td.Distribution)
@register_kl(Delta, ExpandedDistribution)
def _kl_delta_any(p: Delta, q: Any) -> Tensor:
    return p.log_density - q.log_prob(p.v)


@register_kl(Independent, Independent)
def _kl_independent_independent(p: Independent, q: Independent) -> Tensor:
    shared = min(p.reinterpreted_batch_ndims, q.reinterpreted_batch_ndims)
    inner = kl_divergence(
        p.base_dist.to_event(p.reinterpreted_batch_ndims - shared),
        q.base_dist.to_event(q.reinterpreted_batch_ndims - shared),
    )
    return sum_rightmost(inner, shared)


@register_kl(Independent, td.MultivariateNormal)
def _kl_independent_mvn(p: Independent, q: td.MultivariateNormal) -> Tensor:
    if not isinstance(p.base_dist, td.Normal) or p.reinterpreted_batch_ndims != 1:
        raise NotImplementedError(f"no closed form is known for the divergence between {p} and {q}")
    diagonal = MultivariateNormal(p.base_dist.loc, scale_tril=p.base_dist.scale.diag_embed(), validate_args=False)
    return kl_divergence(diagonal, q)


@register_kl(MaskedDistribution, MaskedDistribution)
def _kl_masked_masked(p: MaskedDistribution, q: MaskedDistribution) -> Tensor:
    divergence = kl_divergence(p.base_dist, q.base_dist)
    mask = torch.as_tensor(p._mask) & torch.as_tensor(q._mask)
    return torch.where(mask.to(divergence.device), divergence, divergence.new_zeros(()))


@register_kl(ExpandedDistribution, ExpandedDistribution)
@register_kl(ExpandedDistribution, td.Distribution)
@register_kl(td.Distribution, ExpandedDistribution)
def _kl_expanded(p: Any, q: Any) -> Tensor:
    shape = broadcast_shape(p.batch_shape, q.batch_shape)
    return kl_divergence(_unexpanded(p), _unexpanded(q)).expand(shape)


def _unexpanded(law: Any) -> Any:
    return law.base_dist if isinstance(law, ExpandedDistribution) else law
