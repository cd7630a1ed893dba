"""Packing and unpacking are inverse, and broadcast agrees with einsum."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twofold_torch import ShapeError
from twofold_torch.ops.packed import broadcast_all, pack, unpack

NAMES = {-1: "a", -2: "b", -3: "c", -4: "d"}
DIMS = {symbol: dim for dim, symbol in NAMES.items()}


@given(st.lists(st.integers(1, 3), max_size=4))
def test_unpacking_restores_the_shape_up_to_leading_ones(shape: list[int]) -> None:
    value = torch.randn(shape)
    packed = pack(value, NAMES)
    assert packed.numel() == value.numel()
    assert all(size > 1 for size in packed.shape)
    again = unpack(packed, DIMS)
    assert torch.equal(again.expand(torch.broadcast_shapes(again.shape, value.shape)), value)


@given(st.lists(st.integers(1, 2), max_size=3), st.lists(st.integers(1, 2), max_size=3))
def test_broadcasting_packed_tensors_is_broadcasting_them(left: list[int], right: list[int]) -> None:
    x, y = torch.randn(left), torch.randn(right)
    u, v = broadcast_all(pack(x, NAMES), pack(y, NAMES))
    assert u.shape == v.shape
    total = unpack(_with_dims(u + v, u._pyro_dims), DIMS)
    assert torch.allclose(total.expand(torch.broadcast_shapes(total.shape, (x + y).shape)), x + y)


def _with_dims(value: torch.Tensor, dims: str) -> torch.Tensor:
    value._pyro_dims = dims  # type: ignore[attr-defined]
    return value


def test_the_order_of_dims_can_be_chosen() -> None:
    (value,) = broadcast_all(pack(torch.ones(3, 2), NAMES), dims="ab")
    assert value.shape == (2, 3)


def test_a_dim_without_a_letter_is_refused() -> None:
    with pytest.raises(ShapeError, match="batch dim -2"):
        pack(torch.ones(3, 2), {-1: "a"})


def test_numbers_stay_numbers() -> None:
    assert pack(2.0, NAMES) == unpack(2.0, DIMS) == 2.0
