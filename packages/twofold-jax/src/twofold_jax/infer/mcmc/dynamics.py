"""Hamiltonian dynamics on a flat unconstrained vector: momenta, kinetic energy, leapfrog.

With position q, momentum r, log density L and mass matrix M the Hamiltonian is ``-L(q) + r . M^-1 r / 2``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

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

DensityAndGradient = Callable[[Array], tuple[Array, Array]]
"""Log density and its gradient at a flat unconstrained position."""


class Metric(NamedTuple):
    """The inverse mass matrix, an estimate of the posterior covariance: its diagonal (dim,) or all of it (dim, dim)."""

    inverse_mass: Float[Array, " dim *dim"]
    factor: Float[Array, " dim *dim"]
    """Square roots of the diagonal, or the lower Cholesky factor."""


class Point(NamedTuple):
    """A place in phase space, with the density there."""

    position: Float[Array, " dim"]
    momentum: Float[Array, " dim"]
    log_density: Float[Array, ""]
    gradient: Float[Array, " dim"]


def make_metric(inverse_mass: Array) -> Metric:
    """The metric of a given inverse mass matrix, (dim,) for a diagonal one."""
    return Metric(inverse_mass, jnp.sqrt(inverse_mass) if inverse_mass.ndim == 1 else jnp.linalg.cholesky(inverse_mass))


def velocity(metric: Metric, momentum: Array) -> Array:
    """``M^-1 r``."""
    inverse_mass = metric.inverse_mass
    return inverse_mass * momentum if inverse_mass.ndim == 1 else inverse_mass @ momentum


def kinetic_energy(metric: Metric, momentum: Array) -> Array:
    """``r . M^-1 r / 2``; the normalising constant of the momenta's law is left out."""
    return 0.5 * jnp.dot(momentum, velocity(metric, momentum))


def sample_momentum(rng_key: Array, metric: Metric) -> Array:
    """A draw of Normal(0, M)."""
    factor = metric.factor
    noise = jax.random.normal(rng_key, factor.shape[:1], factor.dtype)
    if factor.ndim == 1:
        return noise / factor
    return jax.scipy.linalg.solve_triangular(factor, noise, lower=True, trans="T")


def leapfrog(density: DensityAndGradient, metric: Metric, step_size: Array, point: Point) -> Point:
    """One step of the leapfrog integrator; a negative ``step_size`` goes back in time.

    Source: Neal (2011), MCMC using Hamiltonian dynamics, equations 2.28 to 2.30.
    """
    momentum = point.momentum + 0.5 * step_size * point.gradient
    position = point.position + step_size * velocity(metric, momentum)
    log_density, gradient = density(position)
    return Point(position, momentum + 0.5 * step_size * gradient, log_density, gradient)
