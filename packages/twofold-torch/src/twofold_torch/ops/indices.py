"""Random row numbers."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["draw_without_replacement"]


def draw_without_replacement(size: int, count: int) -> Tensor:
    """``count`` different numbers of ``range(size)``, every ordered choice equally likely.

    A full permutation is made only where it is small, or where most of it is wanted; else numbers are drawn one after
    the other and repeats passed over, which costs a time in proportion to ``count``.

    Args:
        size: how many numbers there are.
        count: how many are wanted, at most ``size``.

    Returns:
        Integers of shape ``(count,)``, on the CPU.

    Source: rejection of repeats, Devroye (1986), Non-Uniform Random Variate Generation, section XII.2.

    Example:
        >>> sorted(draw_without_replacement(3, 3).tolist())
        [0, 1, 2]
    """
    from .programs import is_recording

    if size <= 4096 or 4 * count >= size or is_recording():
        return torch.randperm(size)[:count]
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen.update(dict.fromkeys(torch.randint(size, (count - len(chosen),)).tolist()))
    return torch.tensor(list(chosen))
