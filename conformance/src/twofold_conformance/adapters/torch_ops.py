"""Array operations and small networks in torch: shared by every adapter of a torch implementation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class TorchOps:
    """``ArrayOps`` in torch, in torch's default dtype."""

    def array(self, value: Any, dtype: str | None = None) -> Tensor:
        if dtype is None and not isinstance(value, Tensor):
            value = np.asarray(value)
            return torch.as_tensor(value, dtype=torch.get_default_dtype() if value.dtype.kind == "f" else None)
        return torch.as_tensor(value, dtype=None if dtype is None else _dtype(dtype))

    def numpy(self, value: Any) -> np.ndarray:
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        return np.array(array, dtype=np.float64 if array.dtype.kind == "f" else array.dtype)

    def exp(self, value: Any) -> Tensor:
        return torch.exp(torch.as_tensor(value))

    def log(self, value: Any) -> Tensor:
        return torch.log(torch.as_tensor(value))

    def sum(self, value: Any) -> Tensor:
        return torch.as_tensor(value).sum()

    def where(self, condition: Any, left: Any, right: Any) -> Tensor:
        return torch.where(torch.as_tensor(condition), torch.as_tensor(left), torch.as_tensor(right))

    def stack(self, values: Sequence[Any]) -> Tensor:
        return torch.stack([torch.as_tensor(value) for value in values])

    def stop_grad(self, value: Any) -> Any:
        return value.detach() if isinstance(value, Tensor) else value

    def is_array(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def shape(self, value: Any) -> tuple[int, ...]:
        return tuple(np.shape(value))

    def dtype(self, value: Any) -> str:
        return str(value.dtype).removeprefix("torch.")

    def grad(self, fn: Callable[[Any], Any], at: Any) -> np.ndarray:
        point = self.leaf(at)
        (gradient,) = torch.autograd.grad(fn(point), point)
        return self.numpy(gradient)

    def leaf(self, value: Any) -> Tensor:
        return self.array(value).detach().clone().requires_grad_()

    def is_leaf(self, value: Any) -> bool:
        return bool(value.is_leaf)

    def requires_grad(self, value: Any) -> bool:
        return bool(value.requires_grad)

    def assign(self, leaf: Any, value: Any) -> None:
        with torch.no_grad():
            leaf.copy_(self.array(value))

    def backward(self, loss: Any) -> None:
        loss.backward()

    def grad_of(self, leaf: Any) -> np.ndarray | None:
        return None if leaf.grad is None else self.numpy(leaf.grad)


def _dtype(name: str) -> torch.dtype:
    dtype = torch.get_default_dtype() if name == "float" else getattr(torch, {"int": "int64"}.get(name, name))
    if not isinstance(dtype, torch.dtype):
        raise TypeError(f"torch has no dtype {name!r}")
    return dtype


def torch_net(sizes: Sequence[int], seed: int, kind: str) -> nn.Module:
    """``Adapter.net`` in torch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linear = [nn.Linear(fan_in, out) for fan_in, out in pairwise(sizes)]
    first = linear[0]
    if kind == "frozen":
        first.weight.requires_grad_(False)
    elif kind == "tied":
        linear[1].weight = first.weight
    elif kind == "transposed":
        first.weight = nn.Parameter(first.weight.detach().t().contiguous().t())
    layers = [layer for pair in zip(linear, [nn.Tanh() for _ in linear], strict=True) for layer in pair][:-1]
    net = first if len(layers) == 1 else nn.Sequential(*layers)
    if kind == "buffered":
        net.register_buffer("steps", torch.tensor(3.0))
    return net


def as_numpy(value: Any) -> Any:
    """A tensor or a number as NumPy; anything else as it is."""
    return TorchOps().numpy(value) if isinstance(value, Tensor | bool | int | float) else value
