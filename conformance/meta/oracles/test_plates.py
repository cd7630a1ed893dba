"""The algebra of plates on cases small enough to do by hand, and by its laws on random nests."""

from __future__ import annotations

from math import prod

import pytest

from twofold_conformance.oracles.plates import PlateSpec, dims_of, random_nests, scale_of, shape_of


def test_plates_without_dims_go_left() -> None:
    nest = [PlateSpec("a", 2, 2), PlateSpec("b", 3, 3), PlateSpec("c", 4, 4)]
    assert dims_of(nest) == [-1, -2, -3]
    assert shape_of(nest) == (4, 3, 2)


def test_free_plate_takes_the_rightmost_dim_beside_an_explicit_one() -> None:
    nest = [PlateSpec("a", 2, 2, dim=-2), PlateSpec("b", 3, 3)]
    assert dims_of(nest) == [-2, -1]
    assert shape_of(nest) == (2, 3)


def test_explicit_dim_pads_with_ones() -> None:
    assert shape_of([PlateSpec("a", 5, 5, dim=-3)]) == (5, 1, 1)


@pytest.mark.parametrize(("batch", "expected"), [((), (3,)), ((1,), (3,)), ((3,), (3,)), ((5, 1), (5, 3))])
def test_batch_is_broadcast_against_the_plate(batch: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert shape_of([PlateSpec("a", 3, 3)], batch) == expected


def test_factors_multiply() -> None:
    assert scale_of([PlateSpec("a", 8, 4), PlateSpec("b", 6, 2), PlateSpec("c", 5, 5)]) == 6.0


def test_random_nests_are_legal_and_repeat() -> None:
    nests = list(random_nests(50, seed=3))
    assert nests == list(random_nests(50, seed=3))
    for nest in nests:
        assert len(set(dims_of(nest))) == len(nest)
        assert prod(shape_of(nest)) == prod(plate.length for plate in nest)
        assert scale_of(nest) >= 1.0
    assert {len(nest) for nest in nests} == {1, 2, 3, 4}
