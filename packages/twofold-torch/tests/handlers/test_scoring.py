"""scale, mask and get_mask."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from twofold_torch import HandlerError, get_mask, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import mask, scale, trace


def model() -> None:
    sample("x", dist.Normal(torch.zeros(3), 1.0), obs=torch.zeros(3))


def density(wrapped: Any) -> torch.Tensor:
    sites = trace(wrapped).get_trace()
    sites.compute_log_prob()
    return sites.nodes["x"]["log_prob"]


def test_factors_multiply_and_broadcast() -> None:
    plain = density(model)
    weights = torch.tensor([1.0, 2.0, 3.0])
    assert torch.allclose(density(scale(scale(model, scale=2), scale=weights)), 2 * weights * plain)


@pytest.mark.parametrize("factor", [0, -1.0, float("nan"), "2", None, True, torch.tensor([1.0, 0.0])])
def test_a_factor_is_positive(factor: Any) -> None:
    with pytest.raises(HandlerError, match="positive"):
        scale(model, scale=factor)


@pytest.mark.parametrize("wrong", [0.5, 1, None, "yes", torch.tensor([1.0]), torch.tensor(1)])
def test_a_mask_is_boolean(wrong: Any) -> None:
    with pytest.raises(HandlerError, match="boolean"):
        mask(model, mask=wrong)


def test_masks_are_anded_in_any_nesting() -> None:
    left, right = torch.tensor([True, True, False]), torch.tensor([True, False, True])
    plain = density(model)
    for wrapped in (mask(mask(model, mask=left), mask=right), mask(mask(model, mask=right), mask=left)):
        assert torch.equal(density(wrapped), plain * (left & right))
    assert (density(mask(mask(model, mask=left), mask=False)) == 0).all()
    assert torch.equal(density(mask(mask(model, mask=True), mask=left)), plain * left)


def test_get_mask_is_the_and_of_those_around() -> None:
    assert get_mask() is None
    left = torch.tensor([True, False])
    with mask(mask=left), mask(mask=True):
        assert get_mask() is left
        with mask(mask=~left), plate("rows", 2):
            assert get_mask().tolist() == [False, False]
        with mask(mask=False):
            assert get_mask() is False
    with scale(scale=2.0):
        assert get_mask() is None
