"""Log densities of models at given values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import UnknownSiteError
from ..handlers import condition, substitute, trace
from ..messages import is_subsample
from ..params import get_param_store
from ..traces import Trace
from .predictive import flatten_batch, run_many

__all__ = ["compute_log_probs", "log_density", "log_likelihood", "zero_grads"]


def log_density(
    model: Callable[..., Any],
    model_args: tuple[Any, ...] = (),
    model_kwargs: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> tuple[Tensor, Trace]:
    """Joint log density of a model at given values of its sites, without Jacobians.

    Args:
        model: function of statements.
        model_args: its arguments.
        model_kwargs: its keyword arguments.
        params: values by name, of latent sites and of params, each in its support.  Sites not named are drawn.

    Returns:
        The joint log density, a scalar, and the trace of the run.

    Raises:
        UnknownSiteError: ``params`` names nothing that the model has.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> def model():
        ...     tf.sample("x", dist.Normal(0.0, 1.0))
        >>> log_density(model, params={"x": torch.tensor(0.0)})[0]
        tensor(-0.9189)
    """
    recorded = _trace_at(model, model_args, model_kwargs or {}, params or {})
    return recorded.log_prob_sum(), recorded


def compute_log_probs(
    model: Callable[..., Any],
    model_args: tuple[Any, ...] = (),
    model_kwargs: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    sum_log_prob: bool = True,
) -> tuple[dict[str, Tensor], Trace]:
    """Log density of every sample site, scaled and masked; the arguments are those of `log_density`.

    Args:
        sum_log_prob: whether each is summed to a scalar.

    Returns:
        Log densities by site, and the trace of the run.
    """
    recorded = _trace_at(model, model_args, model_kwargs or {}, params or {})
    recorded.compute_log_prob()
    key = "log_prob_sum" if sum_log_prob else "log_prob"
    return {name: site[key] for name, site in _own_sites(recorded)}, recorded


def _trace_at(
    model: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], values: Mapping[str, Any]
) -> Trace:
    known = condition(substitute(model, data=values), data=values)
    known.check_names = known.fn.check_names = False  # type: ignore[union-attr]
    recorded = trace(known).get_trace(*args, **kwargs)
    unknown = [name for name in values if name not in recorded]
    if unknown:
        raise UnknownSiteError(
            f"values were given for {', '.join(map(repr, unknown))}, which the model does not have",
            expected=", ".join([*(name for name, _ in _own_sites(recorded)), *recorded.param_nodes]),
            seen=", ".join(map(repr, unknown)),
            suggestion="correct the names",
        )
    return recorded


def _own_sites(recorded: Trace) -> list[tuple[str, dict[str, Any]]]:
    nodes = recorded.nodes.items()
    return [(name, site) for name, site in nodes if site["type"] == "sample" and not is_subsample(site)]


def log_likelihood(
    model: Callable[..., Any],
    posterior_samples: Mapping[str, Tensor],
    *args: Any,
    parallel: bool = False,
    batch_ndims: int = 1,
    **kwargs: Any,
) -> dict[str, Tensor]:
    """Log density of each observed site at draws of the latents, without scales.

    Args:
        model: function of statements.
        posterior_samples: draws by site name, the draws as first dim.
        *args: arguments of the model, the observations among them.
        parallel: accepted for programs that give it; the draws are vectorised where the model allows it.
        batch_ndims: number of leading dims of the draws; 2 for draws grouped by chain.
        **kwargs: keyword arguments of the model.

    Returns:
        By observed site a tensor of shape ``(draws,) + batch shape of the site``.

    Raises:
        ShapeError: draws of two sites differ in number.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     with tf.plate("data", len(y)):
        ...         tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> log_likelihood(model, {"mu": torch.zeros(5)}, torch.ones(3))["y"].shape
        torch.Size([5, 3])
    """
    rows, batch_shape = flatten_batch(posterior_samples, batch_ndims)

    def run(values: dict[str, Tensor]) -> dict[str, Tensor]:
        known = condition(model, data=values)
        known.check_names = False
        recorded = trace(known).get_trace(*args, **kwargs)
        recorded.compute_log_prob(lambda name, site: site["is_observed"] and name not in values)
        return {name: site["unscaled_log_prob"] for name, site in _own_sites(recorded) if "unscaled_log_prob" in site}

    with torch.no_grad():
        densities = run_many(run, rows, batch_shape.numel())
    return {name: value.reshape(*batch_shape, *value.shape[1:]) for name, value in densities.items()}


def zero_grads(tensors: Any) -> None:
    """Forget the gradients of some tensors; of all parameters in the store if given None."""
    for tensor in (leaf for _, leaf in get_param_store().named_parameters()) if tensors is None else tensors:
        tensor.grad = None
