"""A model's arguments taken apart."""

from __future__ import annotations

import torch

from twofold_torch.infer.arguments import ModelArguments


def test_tensors_are_found_wherever_they_nest_and_put_back_in_order() -> None:
    x, y, z = torch.zeros(1), torch.ones(2), torch.full((3,), 2.0)
    arguments = ModelArguments(([x, 5], {"a": (y, "word")}), {"z": z, "n": None})
    assert all(a is b for a, b in zip(arguments.tensors, (x, y, z), strict=True))
    args, kwargs = arguments.filled([z, x, y])
    assert args == ([z, 5], {"a": (x, "word")})
    assert kwargs == {"z": y, "n": None}
