"""Value and gradient of many positions at once, as a flat graph of tensor operations.

Running a model through its handlers costs far more than its arithmetic.  ``make_fx`` runs it once, under ``vmap`` and
differentiation, and what remains is a list of operations without Python around them, differentiation included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from .emission import emit
from .rewriting import simplify

__all__ = ["BatchedDensity", "batched_density"]

Density = Callable[[Tensor, list[Tensor]], Tensor]
BatchedDensity = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From positions (batch, dim) to log densities (batch,) and gradients (batch, dim)."""

_CANNOT_BE_BATCHED = (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError)


def batched_density(density: Density, example: Tensor, data: Sequence[Tensor]) -> BatchedDensity:
    """Value and gradient of ``density(position, data)`` for a batch of positions.

    Args:
        density: scalar log density of a flat position; pure.
        example: positions of shape (batch, dim).
        data: further inputs of the graph.

    Returns:
        A function of positions of the shape of ``example``: a flat graph where ``density`` allows it; otherwise, as for
        a model that branches on its latents, one differentiation after the other.

    Example:
        >>> value, gradient = batched_density(lambda x, data: -(x * x).sum(), torch.ones(2, 3), [])(torch.ones(2, 3))
        >>> value.tolist(), gradient[0].tolist()
        ([-3.0, -3.0], [-2.0, -2.0, -2.0])
    """
    inputs = [tensor.detach() for tensor in data]
    try:
        graph = make_fx(vmap(grad_and_value(density), in_dims=(0, None)))(example.detach(), inputs)
    except _CANNOT_BE_BATCHED:
        return _one_by_one(density, inputs)
    values = simplify(graph, example.detach(), inputs)
    straight = emit(graph, values)

    def run(positions: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            gradient, value = graph(positions, inputs) if straight is None else straight(positions)
        return value, gradient

    return run


def _one_by_one(density: Density, data: list[Tensor]) -> BatchedDensity:
    def run(positions: Tensor) -> tuple[Tensor, Tensor]:
        values, gradients = [], []
        for position in positions.detach():
            leaf = position.clone().requires_grad_()
            with torch.enable_grad():
                value = density(leaf, data)
                depends = value.requires_grad
                gradient = torch.autograd.grad(value, leaf, materialize_grads=True)[0] if depends else None
            values.append(value.detach())
            gradients.append(torch.zeros_like(position) if gradient is None else gradient)
        return torch.stack(values), torch.stack(gradients)

    return run
