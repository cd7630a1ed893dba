"""Hamiltonian dynamics: reversible, of second order, energy conserved."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from twofold_torch.infer.mcmc.dynamics import Point, kinetic_energy, leapfrog, make_metric, sample_momentum, velocity

F64 = torch.float64
PRECISION = torch.tensor([[2.0, 0.6], [0.6, 1.0]], dtype=F64)


def density(position: Tensor) -> tuple[Tensor, Tensor]:
    """A quartic well, so that the dynamics are not linear."""
    force = position @ PRECISION
    value = -0.5 * (position * force).sum(-1) - 0.1 * (position**4).sum(-1)
    return value, -force - 0.4 * position**3


def start(seed: int = 0) -> Point:
    generator = torch.Generator().manual_seed(seed)
    position, momentum = torch.randn(2, 3, 2, generator=generator, dtype=F64)
    return Point(position, momentum, *density(position))


METRICS = {
    "diagonal": make_metric(torch.tensor([[0.5, 2.0]] * 3, dtype=F64)),
    "dense": make_metric(torch.tensor([[[1.0, 0.3], [0.3, 0.5]]] * 3, dtype=F64)),
}


def steps(metric: str, point: Point, size: float, count: int) -> Point:
    for _ in range(count):
        point = leapfrog(density, METRICS[metric], torch.full((3, 1), size, dtype=F64), point)
    return point


@pytest.mark.parametrize("metric", METRICS)
def test_leapfrog_backwards_undoes_leapfrog_forwards(metric: str) -> None:
    first = start()
    back = steps(metric, steps(metric, first, 0.1, 20), -0.1, 20)
    torch.testing.assert_close(back.position, first.position)
    torch.testing.assert_close(back.momentum, first.momentum)


@pytest.mark.parametrize("metric", METRICS)
def test_leapfrog_with_flipped_momentum_comes_back(metric: str) -> None:
    first = start()
    end = steps(metric, first, 0.1, 20)
    back = steps(metric, end._replace(momentum=-end.momentum), 0.1, 20)
    torch.testing.assert_close(back.position, first.position)


@pytest.mark.parametrize("metric", METRICS)
def test_energy_error_is_of_second_order_in_the_step_size(metric: str) -> None:
    def error(size: float, count: int) -> float:
        first = start(1)
        end = steps(metric, first, size, count)
        before = kinetic_energy(METRICS[metric], first.momentum) - first.log_density
        after = kinetic_energy(METRICS[metric], end.momentum) - end.log_density
        return float((after - before).abs().mean())

    ratio = error(0.08, 10) / error(0.04, 20)
    assert 3.0 < ratio < 5.5  # 4 for an error of order two


def test_leapfrog_preserves_volume() -> None:
    def flow(packed: Tensor) -> Tensor:
        position, momentum = packed[None, :2], packed[None, 2:]
        point = Point(position, momentum, *density(position))
        metric = make_metric(torch.tensor([[0.5, 2.0]], dtype=F64))
        end = leapfrog(density, metric, torch.full((1, 1), 0.3, dtype=F64), point)
        return torch.cat([end.position[0], end.momentum[0]])

    jacobian = torch.func.jacrev(flow)(torch.tensor([0.3, -0.2, 0.7, 1.1], dtype=F64))
    assert float(torch.linalg.det(jacobian)) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", METRICS)
def test_momenta_have_the_mass_matrix_as_covariance(metric: str) -> None:
    """20000 draws: a standard error of at most 0.03 of an entry of size 2.4; the bound is five of them."""
    streams = [torch.Generator().manual_seed(seed) for seed in range(3)]
    draws = torch.stack([sample_momentum(METRICS[metric], streams)[0] for _ in range(20000)])
    inverse = METRICS[metric].inverse_mass[0]
    mass = torch.diag(1 / inverse) if inverse.dim() == 1 else torch.linalg.inv(inverse)
    torch.testing.assert_close(draws.T.cov(), mass, atol=0.15, rtol=0.0)


def test_kinetic_energy_is_half_momentum_times_velocity() -> None:
    momentum = start().momentum
    for metric in METRICS.values():
        expected = 0.5 * (momentum * velocity(metric, momentum)).sum(-1)
        torch.testing.assert_close(kinetic_energy(metric, momentum), expected)
    dense = METRICS["dense"]
    torch.testing.assert_close(velocity(dense, momentum)[1], dense.inverse_mass[1] @ momentum[1])
