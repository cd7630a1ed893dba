"""Hamiltonian dynamics on flat unconstrained vectors: momenta, kinetic energy, leapfrog.

With position q, momentum r, log density L and mass matrix M the Hamiltonian is ``-L(q) + r . M^-1 r / 2``.  Chains move
in lockstep: every array has the chains as its first dim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "DensityAndGradient",
    "Metric",
    "Point",
    "kinetic_energy",
    "leapfrog",
    "make_metric",
    "sample_momentum",
    "velocity",
]

DensityAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Log densities (chains,) and gradients (chains, dim) at flat unconstrained positions (chains, dim)."""


class Metric(NamedTuple):
    """Inverse mass matrices, estimates of the posterior covariance: (chains, dim) or (chains, dim, dim)."""

    inverse_mass: Float[Tensor, "chains dim *dim"]
    factor: Float[Tensor, "chains dim *dim"]
    """Square roots of the diagonals, or the lower Cholesky factors."""


class Point(NamedTuple):
    """Places in phase space, with the density there."""

    position: Float[Tensor, "chains dim"]
    momentum: Float[Tensor, "chains dim"]
    log_density: Float[Tensor, " chains"]
    gradient: Float[Tensor, "chains dim"]


def make_metric(inverse_mass: Tensor) -> Metric:
    """The metric of given inverse mass matrices."""
    return Metric(inverse_mass, inverse_mass.sqrt() if inverse_mass.dim() == 2 else torch.linalg.cholesky(inverse_mass))


def velocity(metric: Metric, momentum: Tensor) -> Tensor:
    """``M^-1 r``; ``momentum`` may have dims to the left of (chains, dim)."""
    inverse_mass = metric.inverse_mass
    if inverse_mass.dim() == 2:
        return inverse_mass * momentum
    return (inverse_mass @ momentum.unsqueeze(-1)).squeeze(-1)


def kinetic_energy(metric: Metric, momentum: Tensor) -> Tensor:
    """``r . M^-1 r / 2``; the normalising constant of the momenta's law is left out."""
    return 0.5 * (momentum * velocity(metric, momentum)).sum(-1)


def sample_momentum(metric: Metric, streams: Sequence[torch.Generator]) -> Tensor:
    """Draws of Normal(0, M), each chain's from its own stream."""
    factor = metric.factor
    size = factor.shape[1]
    noise = torch.stack([torch.randn(size, generator=stream, dtype=factor.dtype) for stream in streams])
    if factor.dim() == 2:
        return noise / factor
    return torch.linalg.solve_triangular(factor.mT, noise.unsqueeze(-1), upper=True).squeeze(-1)


def leapfrog(density: DensityAndGradient, metric: Metric, step_size: Tensor, point: Point) -> Point:
    """One step of the leapfrog integrator for every chain; a negative ``step_size`` (chains, 1) goes back in time.

    Source: Neal (2011), MCMC using Hamiltonian dynamics, equations 2.28 to 2.30.
    """
    half = 0.5 * step_size
    momentum = torch.addcmul(point.momentum, half, point.gradient)
    position = torch.addcmul(point.position, step_size, velocity(metric, momentum))
    log_density, gradient = density(position)
    return Point(position, torch.addcmul(momentum, half, gradient), log_density, gradient)
