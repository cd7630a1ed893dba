"""The algebra of nested plates: which dim each one takes, what shape a site gets and by what its density is scaled.

A plate without an explicit dim takes the rightmost one that no enclosing plate holds.  A site's batch shape is
broadcast against the lengths of its plates; its factor is the product of ``size / length`` over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np


@dataclass(frozen=True)
class PlateSpec:
    """What a program writes: ``plate(name, size, subsample_size=length, dim=dim)``."""

    name: str
    size: int
    length: int
    dim: int | None = None


def dims_of(nest: Sequence[PlateSpec]) -> list[int]:
    """The dims of ``nest``, outermost first."""
    taken: list[int] = []
    for plate in nest:
        free = (dim for dim in range(-1, -len(nest) - 10, -1) if dim not in taken)
        taken.append(next(free) if plate.dim is None else plate.dim)
    return taken


def shape_of(nest: Sequence[PlateSpec], batch_shape: Sequence[int] = ()) -> tuple[int, ...]:
    """The batch shape of a site of ``batch_shape`` inside ``nest``."""
    dims = dims_of(nest)
    frame = [1] * max([-dim for dim in dims], default=0)
    for plate, dim in zip(nest, dims, strict=True):
        frame[dim] = plate.length
    return np.broadcast_shapes(tuple(frame), tuple(batch_shape))


def scale_of(nest: Sequence[PlateSpec]) -> float:
    """The factor on the log density of a site inside ``nest``."""
    return prod(plate.size / plate.length for plate in nest)


def random_nests(count: int, seed: int) -> Iterator[list[PlateSpec]]:
    """Legal nests of one to four plates: explicit dims and free ones, whole and subsampled."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        nest = [_random_plate(rng, position) for position in range(rng.integers(1, 5))]
        dims = dims_of(nest)
        if len(set(dims)) == len(dims):
            made += 1
            yield nest


def _random_plate(rng: np.random.Generator, position: int) -> PlateSpec:
    size = int(rng.integers(1, 6))
    length = int(rng.integers(1, size + 1)) if rng.random() < 0.5 else size
    dim = -int(rng.integers(1, 5)) if rng.random() < 0.4 else None
    return PlateSpec(f"axis_{position}", size, length, dim)
