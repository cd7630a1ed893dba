"""Trace_ELBO: the plain estimator, with pathwise gradients where a law has them and score functions elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...messages import is_subsample
from ...traces import Trace
from ..matching import refuse_factor
from .base import ELBO, Estimate

__all__ = ["Trace_ELBO"]


class Trace_ELBO(ELBO):
    """The ELBO, estimated by draws of the guide.

    A site of the guide whose law is reparameterised (``has_rsample``) gets pathwise gradients.  Any other gets the
    score function, weighted for each element of a plate with those terms only that share the plate's element
    (Rao-Blackwellisation).

    Source: Wingate and Weber (2013), arXiv:1301.1299; Ranganath, Gerrish and Blei (2014), AISTATS (score function);
    Kingma and Welling (2014), ICLR (pathwise).

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> def model():
        ...     tf.sample("z", dist.Normal(0.0, 1.0))
        >>> Trace_ELBO().loss(model, model)
        -0.0
    """

    def _estimate(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        model_trace, guide_trace = self._traces(model, guide, args, kwargs)
        model_trace.compute_log_prob()
        guide_trace.compute_score_parts()
        elbo = _total(model_trace, "log_prob_sum") - _total(guide_trace, "log_prob_sum")
        surrogate = _total(model_trace, "log_prob_sum")
        costs: list[tuple[Tensor, dict[str, Any]]] | None = None
        for name, site in _samples(guide_trace):
            refuse_factor(name, site)
            parts = site["score_parts"]
            if isinstance(parts.entropy_term, Tensor):
                surrogate = surrogate - parts.entropy_term.sum()
            if isinstance(parts.score_function, Tensor):
                costs = costs if costs is not None else _costs(model_trace, guide_trace)
                surrogate = surrogate + (_downstream(costs, site) * parts.score_function).sum()
        return Estimate(elbo, surrogate)


def _samples(trace: Trace) -> list[tuple[str, dict[str, Any]]]:
    return [(name, site) for name, site in trace.nodes.items() if site["type"] == "sample" and not is_subsample(site)]


def _total(trace: Trace, key: str) -> Tensor:
    return sum((site[key] for _, site in _samples(trace)), start=torch.zeros(()))


def _costs(model_trace: Trace, guide_trace: Trace) -> list[tuple[Tensor, dict[str, Any]]]:
    """Every term of the ELBO, unsummed and without gradient, with its site."""
    model = [(site["log_prob"].detach(), site) for _, site in _samples(model_trace)]
    return model + [(-site["log_prob"].detach(), site) for _, site in _samples(guide_trace)]


def _downstream(costs: list[tuple[Tensor, dict[str, Any]]], site: dict[str, Any]) -> Tensor:
    """What depends on each element of ``site``: terms in its plates element by element, all others summed."""
    own = {(frame.name, frame.dim) for frame in site["cond_indep_stack"] if frame.vectorized}
    total = torch.zeros(())
    for cost, other in costs:
        shared = {dim for name, dim in own if any((f.name, f.dim) == (name, dim) for f in other["cond_indep_stack"])}
        summed = [dim for dim in range(-cost.dim(), 0) if dim not in shared]
        total = total + (cost.sum(summed, keepdim=True) if summed else cost)
    return total
