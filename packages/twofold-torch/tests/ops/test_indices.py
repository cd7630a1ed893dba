"""Random row numbers are different from each other and equally likely."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from twofold_torch.ops.indices import draw_without_replacement


@pytest.mark.parametrize(("size", "count"), [(1, 1), (10, 10), (10, 3), (5000, 2), (5000, 1249), (10_000_000, 1000)])
def test_numbers_are_different_and_in_range(size: int, count: int) -> None:
    numbers = draw_without_replacement(size, count)
    assert numbers.shape == (count,)
    assert numbers.dtype is torch.int64
    assert len(torch.unique(numbers)) == count
    assert 0 <= int(numbers.min()) <= int(numbers.max()) < size


def test_every_number_is_equally_likely_in_every_place() -> None:
    # chi-squared of ten bins at a fixed seed, first and last place; error rate 1e-3 each
    torch.manual_seed(0)
    draws = torch.stack([draw_without_replacement(5000, 3) for _ in range(2000)])
    for place in (0, 2):
        counts = torch.bincount(draws[:, place] // 500, minlength=10)
        assert stats.chisquare(counts.numpy()).pvalue > 1e-3
