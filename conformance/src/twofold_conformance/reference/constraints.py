"""Domains of values, each with a smooth map from all of R onto it: ``constrain``, and back: ``unconstrain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.tensor import Tensor, array


@dataclass(frozen=True)
class Constraint:
    """A domain.  ``event_dim`` rightmost dims of a value belong together."""

    event_dim: int = 0

    def check(self, value: Any) -> np.ndarray:
        """Elementwise: is ``value`` inside?  NaN never is."""
        return self._contains(np.asarray(array(value), dtype=float))

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(~np.isnan(x))

    def example(self) -> float:
        """An entry of a value that is inside."""
        return float(array(self.constrain(Tensor(0.0)))) if self.event_dim == 0 else 0.0

    def constrain(self, unconstrained: Tensor) -> Tensor:
        return unconstrained

    def unconstrain(self, value: Any) -> np.ndarray:
        return np.array(array(value))


@dataclass(frozen=True)
class _GreaterThan(Constraint):
    low: float = 0.0

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x > self.low)

    def constrain(self, unconstrained: Tensor) -> Tensor:
        return ops.exp(unconstrained) + np.asarray(self.low, unconstrained.dtype)

    def unconstrain(self, value: Any) -> np.ndarray:
        return np.asarray(np.log(array(value) - np.asarray(self.low, array(value).dtype)))


@dataclass(frozen=True)
class _Interval(Constraint):
    low: float = 0.0
    high: float = 1.0

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray((x >= self.low) & (x <= self.high))

    def constrain(self, unconstrained: Tensor) -> Tensor:
        low, width = (np.asarray(bound, unconstrained.dtype) for bound in (self.low, self.high - self.low))
        return ops.sigmoid(unconstrained) * width + low

    def unconstrain(self, value: Any) -> np.ndarray:
        x = array(value)
        share = (x - np.asarray(self.low, x.dtype)) / np.asarray(self.high - self.low, x.dtype)
        return np.asarray(np.log(share) - np.log1p(-share))


@dataclass(frozen=True)
class _Simplex(Constraint):
    """K positive numbers that sum to one: K-1 logits against the last entry."""

    event_dim: int = 1

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.all(x >= 0, -1) & (np.abs(x.sum(-1) - 1) < 1e-5))

    def constrain(self, unconstrained: Tensor) -> Tensor:
        count = unconstrained.shape[-1] + 1
        entries = [ops.exp(unconstrained[..., i]) for i in range(count - 1)]
        weights = ops.stack([*entries, ops.exp(unconstrained.sum(-1) * 0.0)], axis=-1)
        return weights / weights.sum(-1).reshape((*weights.shape[:-1], 1))

    def unconstrain(self, value: Any) -> np.ndarray:
        logs = np.log(array(value))
        return np.asarray(logs[..., :-1] - logs[..., -1:])


@dataclass(frozen=True)
class _LowerCholesky(Constraint):
    """Lower triangular with a positive diagonal; the unconstrained matrix holds the logarithm of the diagonal."""

    event_dim: int = 2

    def _contains(self, x: np.ndarray) -> np.ndarray:
        lower = np.all(np.tril(x) == x, axis=(-1, -2))
        return np.asarray(lower & np.all(np.diagonal(x, axis1=-1, axis2=-2) > 0, -1))

    def constrain(self, unconstrained: Tensor) -> Tensor:
        size, dtype = unconstrained.shape[-1], unconstrained.dtype
        below, diagonal = np.tril(np.ones((size, size), dtype), -1), np.eye(size, dtype=bool)
        return ops.where(diagonal, ops.exp(unconstrained), unconstrained * below)

    def unconstrain(self, value: Any) -> np.ndarray:
        x = np.array(array(value))
        entries = np.arange(x.shape[-1])
        x[..., entries, entries] = np.log(x[..., entries, entries])
        return x


@dataclass(frozen=True)
class _PositiveDefinite(Constraint):
    """Only the domain of a law's argument."""

    event_dim: int = 2

    def _contains(self, x: np.ndarray) -> np.ndarray:
        symmetric = np.all(np.abs(x - np.swapaxes(x, -1, -2)) < 1e-6, axis=(-1, -2))
        return np.asarray(symmetric & np.all(np.linalg.eigvalsh(x) > 0, -1))


@dataclass(frozen=True)
class _Vector(Constraint):
    event_dim: int = 1

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(~np.any(np.isnan(x), -1))


@dataclass(frozen=True)
class _Integers(Constraint):
    """Only the domain of a discrete law."""

    low: int = 0
    high: float = np.inf

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray((x >= self.low) & (x <= self.high) & (np.floor(x) == x))

    def example(self) -> float:
        return self.low


@dataclass(frozen=True)
class _NonNegative(Constraint):
    """Only the domain of a law's values."""

    def _contains(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x >= 0)


real: Final = Constraint()
real_vector: Final = _Vector()
positive: Final = _GreaterThan()
nonnegative: Final = _NonNegative()
unit_interval: Final = _Interval()
simplex: Final = _Simplex()
lower_cholesky: Final = _LowerCholesky()
positive_definite: Final = _PositiveDefinite()


def greater_than(low: float) -> Constraint:
    return _GreaterThan(low=low)


def interval(low: Any, high: Any) -> Constraint:
    return _Interval(low=low, high=high)


def integers(low: int, high: float = np.inf) -> Constraint:
    return _Integers(low=low, high=high)
