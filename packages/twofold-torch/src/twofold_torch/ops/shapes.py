"""Arithmetic of shapes, in Python, and sums over rightmost dims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

__all__ = ["broadcast_shape", "broadcasts_to", "sum_rightmost"]


def broadcast_shape(*shapes: Iterable[int]) -> torch.Size:
    """Shape of the broadcast of arrays with the given shapes.

    Args:
        shapes: any number of shapes; none gives ``()``.

    Returns:
        The broadcast shape.

    Raises:
        ValueError: the shapes do not fit together.

    Example:
        >>> broadcast_shape((3, 1), (4,))
        torch.Size([3, 4])
    """
    result: list[int] = []  # from the right
    for shape in shapes:
        for position, size in enumerate(reversed(tuple(shape))):
            if position == len(result):
                result.append(size)
            elif result[position] == 1:
                result[position] = size
            elif size not in (1, result[position]):
                raise ValueError(f"shapes {', '.join(str(tuple(s)) for s in shapes)} do not broadcast")
    return torch.Size(reversed(result))


def broadcasts_to(small: Sequence[int], large: Sequence[int]) -> bool:
    """Whether an array of shape ``small`` can be expanded to shape ``large``.

    Example:
        >>> broadcasts_to((3, 1), (2, 3, 4)), broadcasts_to((3,), (1,))
        (True, False)
    """
    if len(small) > len(large):
        return False
    return all(i in (1, j) for i, j in zip(reversed(small), reversed(large), strict=False))


def sum_rightmost(value: Tensor, num_dims: int) -> Tensor:
    """Sum of ``value`` over its ``num_dims`` rightmost dims.

    Example:
        >>> sum_rightmost(torch.ones(2, 3, 4), 2)
        tensor([12., 12.])
    """
    if num_dims == 0:
        return value
    if num_dims == 1:
        return value.sum(-1)
    return value.flatten(-num_dims).sum(-1)
