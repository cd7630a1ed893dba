"""Different transforms of consecutive pieces of one dim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ...errors import ShapeError
from .. import constraints
from ..constraints import Constraint
from .base import Transform

__all__ = ["CatTransform"]


class CatTransform(Transform):
    """``tseq`` on consecutive pieces of dim ``dim``.

    Args:
        tseq: maps of the pieces; none changes a shape.
        dim: the dim that is cut.
        lengths: length of each piece; 1 each if not given.

    Example:
        >>> from twofold_jax.distributions.transforms import ExpTransform, IdentityTransform
        >>> print(CatTransform([ExpTransform(), IdentityTransform()], dim=-1)(np.zeros(2)))
        [1. 0.]
    """

    leaf_names = ("transforms",)
    static_names = ("dim", "lengths")

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        self.transforms, self.dim = list(tseq), dim
        self.lengths = tuple(lengths) if lengths is not None else (1,) * len(self.transforms)
        if len(self.lengths) != len(self.transforms):
            raise ShapeError("CatTransform needs one length per transform", seen=self.lengths)

    @property
    def domain(self) -> Constraint:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @property
    def codomain(self) -> Constraint:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)

    def __call__(self, x: ArrayLike) -> Array:
        pieces = zip(self.transforms, self._cut(x), strict=True)
        return jnp.concatenate([t(piece) for t, piece in pieces], axis=self.dim)

    def _inverse(self, y: ArrayLike) -> Array:
        pieces = zip(self.transforms, self._cut(y), strict=True)
        return jnp.concatenate([t._inverse(piece) for t, piece in pieces], axis=self.dim)

    def log_abs_det_jacobian(self, x: ArrayLike, y: ArrayLike, intermediates: Any = None) -> Array:
        pieces = zip(self.transforms, self._cut(x), self._cut(y), strict=True)
        return jnp.concatenate([t.log_abs_det_jacobian(a, b) for t, a, b in pieces], axis=self.dim)

    def _cut(self, x: ArrayLike) -> list[Array]:
        return jnp.split(jnp.asarray(x), np.cumsum(self.lengths)[:-1].tolist(), axis=self.dim)
