"""A model as a potential energy of a dict of unconstrained tensors: for samplers that are not of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import InferenceError
from ...handlers import trace
from ..initialization import InitStrategy, init_to_uniform
from ..potential import make_potential
from .target import ModelTarget

__all__ = ["initialize_model"]


def initialize_model(
    model: Callable[..., Any],
    model_args: tuple[Any, ...] = (),
    model_kwargs: Mapping[str, Any] | None = None,
    transforms: Mapping[str, Any] | None = None,
    max_plate_nesting: int | None = None,
    jit_compile: bool = False,
    jit_options: Mapping[str, Any] | None = None,
    skip_jit_warnings: bool = False,
    num_chains: int = 1,
    init_strategy: InitStrategy = init_to_uniform,
    initial_params: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Tensor], Callable[[Mapping[str, Tensor]], Tensor], dict[str, Any], Any]:
    """What a sampler needs of a model, by site name; `make_potential` gives the same as one flat vector.

    Args:
        model: function of statements.
        model_args: its arguments.
        model_kwargs: its keyword arguments.
        transforms: must be None; the maps follow from the supports.
        max_plate_nesting: accepted for programs that give it, as are ``jit_compile``, ``jit_options`` and
            ``skip_jit_warnings``.
        num_chains: with more than one, initial values have the chains as first dim.
        init_strategy: where the latents start.
        initial_params: unconstrained first values, instead of the strategy's.

    Returns:
        Initial unconstrained values; the potential energy of such a dict; for each site the map from its support to
        unconstrained space, unless the support depends on other latents; a trace of the model.

    Raises:
        InferenceError: a latent site is discrete, or ``transforms`` are given.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> def model():
        ...     tf.sample("scale", dist.HalfNormal(1.0))
        >>> initial, potential_fn, transforms, _ = initialize_model(model)
        >>> float(potential_fn({"scale": torch.tensor(0.0)}))
        0.7257...
    """
    kwargs = dict(model_kwargs or {})
    potential = make_potential(model, *model_args, **kwargs)
    if transforms is not None:
        raise InferenceError(
            "initialize_model makes the transforms from the supports of the sites",
            seen=f"transforms for {', '.join(map(repr, transforms))}",
            suggestion="leave transforms out; for another map register it with distributions.biject_to",
        )
    maps = {site.name: site.transform.inv for site in potential.sites if site.transform is not None}
    target = ModelTarget(potential)

    def potential_fn(params: Mapping[str, Tensor]) -> Tensor:
        pieces = [params[site.name].reshape(-1) for site in potential.sites]
        return potential(torch.cat(pieces)) if pieces else potential(torch.zeros(0))

    if initial_params is None:
        starts = torch.stack([target.draw_start(init_strategy) for _ in range(num_chains)])
    else:
        starts = target.positions(initial_params, num_chains)
    rows = starts if num_chains > 1 else starts[0]
    initial = {
        site.name: rows[..., site.offset : site.offset + site.size].reshape(
            rows.shape[:-1] + torch.Size(site.unconstrained_shape)
        )
        for site in potential.sites
    }
    return initial, potential_fn, maps, trace(model).get_trace(*model_args, **kwargs)
