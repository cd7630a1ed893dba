"""A tiny network for each flavour: linear layers with tanh between them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from twofold_conformance.reference import draws
from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.store import Parameter
from twofold_conformance.reference.tensor import Tensor, tensor


class Module:
    """Stateful: a network that owns its parameters.  ``slots`` lists each place where one is used."""

    def __init__(self, slots: dict[str, Tensor], buffers: Mapping[str, Tensor] | None = None) -> None:
        self.slots, self.buffers, self.training = slots, dict(buffers or {}), True

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter once, under the first of its places."""
        seen: list[Tensor] = []
        for path, parameter in self.slots.items():
            if not any(parameter is other for other in seen):
                seen.append(parameter)
                yield path, parameter

    def parameters(self) -> Iterator[Tensor]:
        return (parameter for _, parameter in self.named_parameters())

    def replace_parameters(self, values: Mapping[str, Tensor]) -> None:
        """Put ``values`` in the place of the parameters of these names, wherever each is used."""
        places = [(old, values[path]) for path, old in self.named_parameters() if path in values]
        for place, current in self.slots.items():
            for old, new in places:
                if current is old:
                    self.slots[place] = new

    def copy(self) -> Module:
        """A new network with parameters of its own, tied as here."""
        new = copy.copy(self)
        fresh = {id(p): Parameter(p.data, requires_grad=p.requires_grad) for p in self.parameters()}
        new.slots = {place: fresh[id(p)] for place, p in self.slots.items()}
        new.buffers = dict(self.buffers)
        return new

    def train(self, mode: bool = True) -> Module:
        self.training = mode
        return self

    def eval(self) -> Module:
        return self.train(False)

    def __call__(self, x: Any) -> Tensor:
        weights = [place for place in self.slots if place.endswith("weight")]
        value = tensor(x)
        for number, place in enumerate(weights):
            value = ops.tanh(value) if number else value
            value = value @ ops.transpose(self.slots[place]) + self.slots[place.removesuffix("weight") + "bias"]
        return value


def make_module(sizes: Sequence[int], seed: int, kind: str) -> Module:
    """``Adapter.net`` of the stateful flavour."""
    source = np.random.default_rng(seed)
    slots: dict[str, Tensor] = {}
    for number, (fan_in, out) in enumerate(pairwise(sizes)):
        place = f"{2 * number}." if len(sizes) > 2 else ""
        slots[place + "weight"] = Parameter(source.normal(size=(out, fan_in)))
        slots[place + "bias"] = Parameter(source.normal(size=out))
    first = next(iter(slots))
    if kind == "frozen":
        slots[first].requires_grad = False
    elif kind == "tied":
        slots["2.weight"] = slots[first]
    elif kind == "transposed":
        slots[first].data = slots[first].data.T.copy().T
    buffers = {"steps": Tensor(3.0)} if kind == "buffered" else {}
    return Module(slots, buffers)


def make_pair(sizes: Sequence[int]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``Adapter.net`` of the stateless flavour: ``(init_fn, apply_fn)``."""

    def init(key: Tensor, input_shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[dict[str, Tensor]]]:
        layers = [
            {"weight": draws.normal(draws.fold_in(key, number), (out, fan_in)), "bias": Tensor(np.zeros(out))}
            for number, (fan_in, out) in enumerate(pairwise(sizes))
        ]
        return (*input_shape[:-1], sizes[-1]), layers

    def apply(params: Sequence[Mapping[str, Any]], x: Any) -> Tensor:
        value = tensor(x)
        for number, layer in enumerate(params):
            value = ops.tanh(value) if number else value
            value = value @ ops.transpose(layer["weight"]) + layer["bias"]
        return value

    return init, apply
