"""Arithmetic of shapes against torch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twofold_torch.ops.shapes import broadcast_shape, broadcasts_to, sum_rightmost

shapes = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@given(st.lists(shapes, max_size=3))
def test_broadcast_shape_agrees_with_torch(many):
    try:
        expected = torch.broadcast_tensors(*(torch.empty(shape) for shape in many))[0].shape if many else torch.Size()
    except RuntimeError:
        with pytest.raises(ValueError, match="do not broadcast"):
            broadcast_shape(*many)
    else:
        assert broadcast_shape(*many) == expected


@given(shapes, shapes)
def test_broadcasts_to_agrees_with_expand(small, large):
    try:
        torch.empty(small).expand(large)
    except RuntimeError:
        assert not broadcasts_to(small, large)
    else:
        assert broadcasts_to(small, large)


def test_sum_rightmost_sums_so_many_dims():
    x = torch.ones(2, 3, 4)
    assert sum_rightmost(x, 0) is x
    assert sum_rightmost(x, 1).tolist() == [[4.0] * 3] * 2
    assert sum_rightmost(x, 3).tolist() == 24
