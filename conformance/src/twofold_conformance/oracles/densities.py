"""Log densities from SciPy, elementwise in NumPy; never summed."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import logsumexp


def normal(value: Any, loc: Any = 0.0, scale: Any = 1.0) -> np.ndarray:
    """``-z**2/2 - log(scale) - log(2 pi)/2`` with ``z = (value - loc) / scale``."""
    return np.asarray(stats.norm.logpdf(np.asarray(value, dtype=float), loc, scale))


def exponential(value: Any, rate: Any = 1.0) -> np.ndarray:
    """``log(rate) - rate * value`` for ``value >= 0``."""
    return np.asarray(stats.expon.logpdf(np.asarray(value, dtype=float), scale=1.0 / np.asarray(rate)))


def bernoulli(value: Any, probs: Any) -> np.ndarray:
    """``log(probs)`` where ``value`` is one, ``log(1 - probs)`` where it is zero."""
    return np.asarray(stats.bernoulli.logpmf(np.asarray(value, dtype=float), probs))


def normal_mixture(value: Any, weights: Any, locs: Any, scale: float = 1.0) -> np.ndarray:
    """``log sum_k weights[k] normal(value; locs[k], scale)``."""
    terms = np.log(np.asarray(weights)) + normal(np.asarray(value, dtype=float)[..., None], np.asarray(locs), scale)
    return np.asarray(logsumexp(terms, axis=-1))


def multivariate_normal(value: Any, loc: Any, covariance: Any) -> np.ndarray:
    """Row by row of ``value`` and ``loc``, of shape (batch, event), under one covariance matrix."""
    rows = zip(np.asarray(value, dtype=float), np.asarray(loc, dtype=float), strict=True)
    return np.array([stats.multivariate_normal.logpdf(row, mean, covariance) for row, mean in rows])
