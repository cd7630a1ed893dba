"""Mass matrix: the posterior covariance, estimated while warming up."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

__all__ = ["Welford", "start_welford", "update_welford", "welford_covariance"]


class Welford(NamedTuple):
    """Running mean and centred second moments of draws."""

    num_updates: Array
    mean: Array
    moments: Array
    """Sum of squared deviations (dim,), or of their outer products (dim, dim)."""


def start_welford(inverse_mass: Array) -> Welford:
    """No draws yet; diagonal or dense as ``inverse_mass`` is."""
    return Welford(
        jnp.zeros((), inverse_mass.dtype),
        jnp.zeros_like(inverse_mass[0], shape=inverse_mass.shape[:1]),
        jnp.zeros_like(inverse_mass),
    )


def update_welford(state: Welford, draw: Array) -> Welford:
    """Take in one draw of shape (dim,).

    Source: Welford (1962), Technometrics 4(3).
    """
    count = state.num_updates + 1.0
    before = draw - state.mean
    mean = state.mean + before / count
    after = draw - mean
    return Welford(
        count, mean, state.moments + (before * after if state.moments.ndim == 1 else jnp.outer(before, after))
    )


def welford_covariance(state: Welford, regularize: bool = True) -> Array:
    """Sample covariance; ``regularize`` shrinks it towards 0.001 times the identity, as Stan does.

    Source: Stan Reference Manual, section on adaptation: ``n / (n + 5) * S + 1e-3 * 5 / (n + 5) * I``.
    """
    covariance = state.moments / jnp.maximum(state.num_updates - 1.0, 1.0)
    if not regularize:
        return covariance
    share = state.num_updates / (state.num_updates + 5.0)
    identity = 1.0 if covariance.ndim == 1 else jnp.eye(covariance.shape[0], dtype=covariance.dtype)
    return share * covariance + 1e-3 * (1.0 - share) * identity
