"""Trace_ELBO: the ELBO from traces of guide and model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from twofold_jax.infer.elbo.base import ELBO, trace_guide, trace_model
from twofold_jax.messages import Message, Trace, site_log_density
from twofold_jax.ops.arrays import shape_of
from twofold_jax.runtime import Messenger

__all__ = ["Trace_ELBO"]


@dataclass(frozen=True)
class Trace_ELBO(ELBO):
    """The ELBO as the mean of ``log p(x, z) - log q(z)`` over draws z of the guide.

    The gradient goes through the draws of sites whose laws allow it.  At other sites, such as discrete ones, it is the
    score-function estimate ``grad log q(z) * (log p - log q)``, in which a site inside plates counts only the terms of
    its own rows.

    Args:
        num_particles: draws of the guide that are averaged.
        vectorize_particles: run them together by ``vmap``, or one after the other.

    Source: Kingma and Welling (2014), arXiv:1312.6114 (pathwise gradient); Ranganath, Gerrish and Blei (2014), AISTATS
    (score function, terms outside a site's Markov blanket left out).

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> def model():
        ...     tf.sample("x", dist.Normal(0.0, 1.0))
        >>> def guide():
        ...     tf.sample("x", dist.Normal(tf.param("loc", 0.0), 1.0))
        >>> round(abs(float(Trace_ELBO().loss(jax.random.key(0), {"loc": 0.0}, model, guide))), 4)
        0.0
    """

    def particle(
        self,
        rng_key: Array,
        param_map: Mapping[str, Any],
        model: Callable[..., Any],
        guide: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> tuple[Array, dict[str, Any]]:
        guide_key, model_key = jax.random.split(rng_key)
        with _Detached():
            guide_trace = trace_guide(guide, guide_key, param_map, args, kwargs)
        model_trace = trace_model(model, model_key, param_map, guide_trace, args, kwargs)
        guide_terms, model_terms = list(_terms(guide_trace)), list(_terms(model_trace))
        elbo = sum(_total(density) for _, density in model_terms) - sum(_total(density) for _, density in guide_terms)
        scored = [(site, density) for site, density in guide_terms if _needs_score(site)]
        if scored:
            costs = [*model_terms, *((site, -density) for site, density in guide_terms)]
            surrogate = sum(_total(density * lax.stop_gradient(_cost(site, costs))) for site, density in scored)
            elbo = elbo + surrogate - lax.stop_gradient(surrogate)
        mutable = {
            name: site["value"]
            for sites in (guide_trace, model_trace)
            for name, site in sites.items()
            if site["type"] == "mutable"
        }
        return -jnp.asarray(elbo, jnp.result_type(float)), mutable


Term = tuple[Message, Any]
"""A sample site, and its log density: scaled, masked, of the site's batch shape."""


def _terms(sites: Trace) -> Iterable[Term]:
    for site in sites.values():
        if site["type"] == "sample":
            yield site, site_log_density(site)


def _total(density: Any) -> Any:
    return density.sum() if shape_of(density) else density


def _needs_score(site: Message) -> bool:
    return not site["is_observed"] and not site["fn"].has_rsample


def _cost(site: Message, terms: Iterable[Term]) -> Any:
    """The terms that a site's draw can bear on, summed over all dims that are not plates around the site."""
    plates = {frame.name: frame.dim for frame in site["cond_indep_stack"]}
    cost: Any = 0.0
    for other, density in terms:
        ndim = len(shape_of(density))
        shared = {plates[frame.name] for frame in other["cond_indep_stack"] if plates.get(frame.name) == frame.dim}
        rest = tuple(axis for axis in range(ndim) if axis - ndim not in shared)
        kept = jnp.sum(density, axis=rest, keepdims=True) if rest else jnp.asarray(density)
        cost = cost + kept
    return cost


class _Detached(Messenger):
    """Cuts the gradient through draws of laws whose gradient is not exact."""

    reads_key = False

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "sample" and _needs_score(msg):
            msg["value"], msg["intermediates"] = lax.stop_gradient(msg["value"]), []
