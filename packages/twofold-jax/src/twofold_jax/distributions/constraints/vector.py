"""Constraints of vectors: one value takes the last dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from jax.typing import ArrayLike

from ...ops.arrays import namespace
from .base import Constraint, SingletonConstraint, independent
from .scalar import real

__all__ = [
    "cat",
    "l1_ball",
    "multinomial",
    "one_hot",
    "ordered_vector",
    "positive_definite_circulant_vector",
    "positive_ordered_vector",
    "real_vector",
    "simplex",
    "sphere",
    "zero_sum",
]


def _tolerance(x: Any) -> float:
    """How far a sum of entries may be from its exact value by rounding."""
    dtype = np.dtype(getattr(x, "dtype", np.float64))
    return 1e-5 if dtype.itemsize >= 4 else 1e-2


def _spread(pattern: np.ndarray, prototype: ArrayLike) -> Any:
    """``pattern`` broadcast to the shape and dtype of ``prototype``."""
    xp = namespace(prototype)
    return xp.broadcast_to(xp.asarray(pattern, dtype=xp.result_type(prototype)), np.shape(prototype))


class Simplex(SingletonConstraint):
    """Vectors of nonnegative entries whose sum is 1."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return (x >= 0).all(-1) & (abs(x.sum(-1) - 1) < _tolerance(x))

    def feasible_like(self, prototype: ArrayLike) -> Any:
        size = np.shape(prototype)[-1]
        return _spread(np.full(size, 1.0 / size), prototype)


class OrderedVector(SingletonConstraint):
    """Vectors whose entries increase strictly."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return (x[..., 1:] > x[..., :-1]).all(-1) & namespace(x).isfinite(x).all(-1)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return _spread(np.arange(float(np.shape(prototype)[-1])), prototype)


class PositiveOrderedVector(SingletonConstraint):
    """Vectors of positive entries that increase strictly."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return (x[..., 1:] > x[..., :-1]).all(-1) & (x > 0).all(-1)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return _spread(np.arange(1.0, np.shape(prototype)[-1] + 1.0), prototype)


class Sphere(SingletonConstraint):
    """Vectors of Euclidean length 1."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return abs((x * x).sum(-1) ** 0.5 - 1) < _tolerance(x) * np.shape(x)[-1] ** 0.5

    def feasible_like(self, prototype: ArrayLike) -> Any:
        size = np.shape(prototype)[-1]
        return _spread(np.full(size, size**-0.5), prototype)


class L1Ball(SingletonConstraint):
    """Vectors whose absolute entries sum to at most 1."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return abs(x).sum(-1) < 1 + _tolerance(x)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return _spread(np.zeros(()), prototype)


class OneHot(SingletonConstraint):
    """Vectors with one entry 1 and all others 0."""

    is_discrete = True
    event_dim = 1

    def __call__(self, x: Any) -> Any:
        return ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return _spread(np.arange(np.shape(prototype)[-1]) == 0, prototype)


class PositiveDefiniteCirculantVector(SingletonConstraint):
    """First rows of circulant matrices that are positive definite."""

    event_dim = 1

    def __call__(self, x: Any) -> Any:
        xp = namespace(x)
        spectrum = xp.fft.rfft(x)
        return ((spectrum.real > 0) & (abs(spectrum.imag) < _tolerance(x) * abs(spectrum.real))).all(-1)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return _spread(np.arange(np.shape(prototype)[-1]) == 0, prototype)


class multinomial(Constraint):
    """Vectors of nonnegative integers whose sum is ``upper_bound``.

    Args:
        upper_bound: the number of trials, of batch shape.
    """

    is_discrete = True
    event_dim = 1
    leaf_names: ClassVar[tuple[str, ...]] = ("upper_bound",)

    def __init__(self, upper_bound: ArrayLike) -> None:
        self.upper_bound = upper_bound

    def __call__(self, x: Any) -> Any:
        return (x >= 0).all(-1) & (x % 1 == 0).all(-1) & (x.sum(-1) == self.upper_bound)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        xp = namespace(prototype, self.upper_bound)
        first = xp.asarray(np.arange(np.shape(prototype)[-1]) == 0)
        counts = xp.where(first, xp.asarray(self.upper_bound)[..., None], 0)
        return xp.broadcast_to(counts, np.shape(prototype)).astype(xp.result_type(prototype))


class zero_sum(Constraint):
    """Arrays that sum to 0 along each of their last ``event_dim`` dims.

    Args:
        event_dim: number of dims of one value.
    """

    static_names: ClassVar[tuple[str, ...]] = ("event_dim",)

    def __init__(self, event_dim: int = 1) -> None:
        self.event_dim = event_dim

    def __call__(self, x: Any) -> Any:
        xp = namespace(x)
        dims = tuple(range(-self.event_dim, 0))
        scale = 1 + abs(x).sum(dims, keepdims=True)
        sums = [abs(x.sum(dim, keepdims=True)) <= _tolerance(x) * scale for dim in dims]
        return xp.stack([xp.all(inside, axis=dims) for inside in sums]).all(0)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        return _spread(np.zeros(()), prototype)


class cat(Constraint):
    """Constraints ``cseq`` on consecutive pieces of one dim.

    Args:
        cseq: constraints of the pieces.
        dim: the dim that is cut, of the whole value, not negative in the sense of batch dims: counted from the right.
        lengths: length of each piece; 1 each if not given.

    Example:
        >>> from twofold_jax.distributions import constraints
        >>> cat([constraints.positive, constraints.real], dim=-1)(np.array([-1.0, -1.0]))
        array([False,  True])
    """

    leaf_names: ClassVar[tuple[str, ...]] = ("cseq",)
    static_names: ClassVar[tuple[str, ...]] = ("dim", "lengths")

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        self.cseq, self.dim = tuple(cseq), dim
        self.lengths = tuple(lengths) if lengths is not None else (1,) * len(self.cseq)
        if len(self.lengths) != len(self.cseq):
            raise ValueError(f"cat has {len(self.cseq)} constraints for {len(self.lengths)} lengths")

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return max(c.event_dim for c in self.cseq)

    def __call__(self, x: Any) -> Any:
        inside = [c(piece) for c, piece in self._pieces(x)]
        return namespace(x).concatenate(inside, axis=self.dim)

    def feasible_like(self, prototype: ArrayLike) -> Any:
        pieces = [c.feasible_like(piece) for c, piece in self._pieces(prototype)]
        return namespace(prototype).concatenate(pieces, axis=self.dim)

    def _pieces(self, x: Any) -> list[tuple[Constraint, Any]]:
        cuts = np.cumsum(self.lengths)[:-1].tolist()
        return list(zip(self.cseq, namespace(x).split(x, cuts, axis=self.dim), strict=True))


class RealVector(independent, SingletonConstraint):
    """Vectors of finite real numbers."""

    leaf_names = ()
    static_names = ()
    base_constraint = real
    reinterpreted_batch_ndims = 1

    def __init__(self) -> None:
        pass


class LogWeights(RealVector):
    """Logarithms of weights: vectors of real numbers or ``-inf``, not all of them ``-inf``."""

    def __call__(self, x: Any) -> Any:
        return (x < np.inf).all(-1) & (x > -np.inf).any(-1)


real_vector = RealVector()
log_weights = LogWeights()
simplex = Simplex()
ordered_vector = OrderedVector()
positive_ordered_vector = PositiveOrderedVector()
sphere = Sphere()
l1_ball = L1Ball()
one_hot = OneHot()
positive_definite_circulant_vector = PositiveDefiniteCirculantVector()
