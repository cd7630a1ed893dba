"""Batched values and gradients against plain autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from twofold_torch.ops.graphs import batched_density


def expected(density: Callable[..., Tensor], positions: Tensor, data: list[Tensor]) -> tuple[Tensor, Tensor]:
    values, gradients = [], []
    for position in positions:
        leaf = position.clone().requires_grad_()
        value = density(leaf, data)
        value = value + 0.0 * leaf.sum()
        gradients.append(torch.autograd.grad(value, leaf)[0])
        values.append(value.detach())
    return torch.stack(values), torch.stack(gradients)


MATRIX = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

DENSITIES: dict[str, Callable[[Tensor, list[Tensor]], Tensor]] = {
    "quadratic": lambda x, data: -(x * x).sum() / 2,
    "data": lambda x, data: -((data[0] @ x) ** 2).sum(),
    "neutral operations": lambda x, data: ((x + 0.0) * 1.0 / 1.0 - 0.0 + torch.zeros_like(x)).sin().sum(),
    "shared operations": lambda x, data: (x.exp() * x.exp() + x.exp()).sum(),
    "indexing": lambda x, data: (x[0] * x[1:]).sum() + x[[0, 0, 2]].sum(),
    "constants": lambda x, data: (x * data[0].exp().sum(0)).sum() + data[0].sum(),
    "where": lambda x, data: torch.where(x > 0, x, -(x**2)).sum(),
    "cholesky": lambda x, data: torch.linalg.cholesky(torch.eye(3, dtype=x.dtype) * 4 + torch.outer(x, x)).diag().sum(),
    "constant in x": lambda x, data: data[0].sum(),
    "broadcast of an addition of zero": lambda x, data: (x[0] + torch.zeros(5, dtype=x.dtype)).sum(),
    "subtraction from zero": lambda x, data: (0.0 - x).exp().sum(),
    "division of one": lambda x, data: (1.0 / (2.0 + x * x)).sum(),
    "comparisons that cannot fail": lambda x, data: (
        torch.where(x.exp() >= 0, x, -torch.inf).sum() + x.masked_fill(x.exp() < 0, -torch.inf).sum()
    ),
    "comparisons that can fail": lambda x, data: torch.where(x.exp() >= 1, x, -x * x).sum(),
    "doubled and negated multiples": lambda x, data: (x * x + 3.0 * (x * x) + 0.5 * x.neg()).sum(),
    "permutation": lambda x, data: (torch.outer(x, x).T @ x).sum(),
    "in place": lambda x, data: x.clone().mul_(2.0).exp().sum(),
    "constant in x after a branch": lambda x, data: data[0].sum() if x[0] > -9 else x.sum(),
    "branch on a value": lambda x, data: x.sum() if x[0] > 0 else -x.sum(),
    "number of a value": lambda x, data: x.sum() * float(x[0].detach()),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_value_and_gradient_agree_with_autograd(name: str) -> None:
    density, data = DENSITIES[name], [MATRIX]
    generator = torch.Generator().manual_seed(1)
    run = batched_density(density, torch.ones(5, 3, dtype=torch.float64), data)
    for _ in range(2):  # other positions than those of the example
        positions = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        value, gradient = run(positions)
        wanted_value, wanted_gradient = expected(density, positions, data)
        torch.testing.assert_close(value, wanted_value)
        torch.testing.assert_close(gradient, wanted_gradient)


def test_results_have_no_gradient_of_their_own() -> None:
    value, gradient = batched_density(DENSITIES["quadratic"], torch.ones(2, 3), [])(torch.ones(2, 3).requires_grad_())
    assert not value.requires_grad
    assert not gradient.requires_grad


def test_density_that_can_be_batched_is_run_but_once() -> None:
    calls = []

    def density(x: Tensor, data: list[Tensor]) -> Tensor:
        calls.append(1)
        return -(x * x).sum()

    run = batched_density(density, torch.ones(4, 2), [])
    before = len(calls)
    for _ in range(3):
        run(torch.randn(4, 2))
    assert len(calls) == before == 1


def test_data_that_need_a_gradient_do_not_get_one() -> None:
    weight = torch.ones(3, requires_grad=True)

    def density(x: Tensor, data: list[Any]) -> Tensor:
        return (x * data[0]).sum()

    value, _ = batched_density(density, torch.ones(2, 3), [weight])(torch.ones(2, 3))
    assert not value.requires_grad
    assert weight.grad is None
