"""Random row numbers are different from each other and equally likely."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.stats import chi2

from twofold_jax.ops.indices import draw_without_replacement


@pytest.mark.parametrize(("size", "count"), [(6, 2), (400, 4)])
def test_each_row_is_drawn_equally_often(size: int, count: int) -> None:
    # chi-square test of 3000 subsets with a fixed seed; the error rate of the bound is 1e-6
    repeats = 3000
    keys = jax.random.split(jax.random.key(0), repeats)
    drawn = np.asarray(jax.vmap(lambda key: draw_without_replacement(key, size, count))(keys))
    assert all(len(set(row)) == count for row in drawn.tolist())
    frequency = np.bincount(drawn.ravel(), minlength=size)
    expected = repeats * count / size
    statistic = ((frequency - expected) ** 2 / expected).sum() / (1 - count / size)
    assert statistic < chi2.ppf(1 - 1e-6, size - 1)


def test_pairs_of_a_sparse_subset_are_drawn_equally_often() -> None:
    # all 45 pairs of 10, 9000 subsets; error rate 1e-6.
    keys = jax.random.split(jax.random.key(1), 9000)
    drawn = np.sort(np.asarray(jax.vmap(lambda key: draw_without_replacement(key, 10, 2))(keys)), axis=1)
    frequency = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(frequency) == 45
    assert ((frequency - 200) ** 2 / 200).sum() < chi2.ppf(1 - 1e-6, 44)
