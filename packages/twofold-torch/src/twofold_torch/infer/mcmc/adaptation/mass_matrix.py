"""Mass matrix: the posterior covariance, estimated while warming up; each chain its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Welford", "start_welford", "update_welford", "welford_covariance"]


class Welford(NamedTuple):
    """Running mean and centred second moments of draws."""

    num_updates: int
    mean: Tensor
    moments: Tensor
    """Sum of squared deviations (chains, dim), or of their outer products (chains, dim, dim)."""


def start_welford(inverse_mass: Tensor) -> Welford:
    """No draws yet; diagonal or dense as ``inverse_mass`` is."""
    return Welford(0, inverse_mass.new_zeros(inverse_mass.shape[:2]), torch.zeros_like(inverse_mass))


def update_welford(state: Welford, draw: Tensor) -> Welford:
    """Take in one draw of each chain, (chains, dim).

    Source: Welford (1962), Technometrics 4(3).
    """
    count = state.num_updates + 1
    before = draw - state.mean
    mean = state.mean + before / count
    after = draw - mean
    product = before * after if state.moments.dim() == 2 else before.unsqueeze(-1) * after.unsqueeze(-2)
    return Welford(count, mean, state.moments + product)


def welford_covariance(state: Welford, regularize: bool = True) -> Tensor:
    """Sample covariance; ``regularize`` shrinks it towards 0.001 times the identity, as Stan does.

    Source: Stan Reference Manual, section on adaptation: ``n / (n + 5) * S + 1e-3 * 5 / (n + 5) * I``.
    """
    covariance = state.moments / max(state.num_updates - 1, 1)
    if not regularize:
        return covariance
    share = state.num_updates / (state.num_updates + 5)
    shrinkage = 1e-3 * (1.0 - share)
    if covariance.dim() == 2:
        return share * covariance + shrinkage
    return share * covariance + shrinkage * torch.eye(covariance.shape[-1], dtype=covariance.dtype)
