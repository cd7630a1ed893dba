"""The domains of constraints, decided in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Domain:
    """A constraint, a point inside it, and whether a value lies in it."""

    constraint: Callable[[SimpleNamespace], Any]
    """From the adapter's constraints."""
    inside: Any
    holds: Callable[[np.ndarray], bool]


def _simplex(value: np.ndarray) -> bool:
    return bool(np.all(value >= 0) and np.isclose(value.sum(), 1.0, atol=1e-5))


def _lower_cholesky(value: np.ndarray) -> bool:
    return bool(np.all(np.triu(value, 1) == 0) and np.all(np.diag(value) > 0))


DOMAINS = {
    "positive": Domain(lambda c: c.positive, [0.5, 2.0], lambda value: bool(np.all(value > 0))),
    "unit_interval": Domain(
        lambda c: c.unit_interval, [0.1, 0.8], lambda value: bool(np.all((value >= 0) & (value <= 1)))
    ),
    "simplex": Domain(lambda c: c.simplex, [0.2, 0.3, 0.5], _simplex),
    "interval(-1, 2)": Domain(
        lambda c: c.interval(-1.0, 2.0), [-0.5, 1.75], lambda value: bool(np.all((value >= -1) & (value <= 2)))
    ),
    "greater_than(3)": Domain(lambda c: c.greater_than(3.0), [3.25, 10.0], lambda value: bool(np.all(value > 3))),
    "lower_cholesky": Domain(lambda c: c.lower_cholesky, [[1.0, 0.0], [0.5, 2.0]], _lower_cholesky),
}
"""The six constraints of PARAM-008 and PARAM-009."""
