"""A graph of tensor operations as one straight Python function, with as little as possible around each operation."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from .rewriting import is_aten

__all__ = ["emit"]

_NAMES = """
    abs add addcdiv addcmul baddbmm bitwise_and bitwise_not bitwise_or bmm cat digamma div dot eq erf exp expm1 ge gt le
    lgamma log log1p logaddexp logical_and logical_not logical_or logsumexp lt masked_fill mm mul mv ne neg permute
    reciprocal rsqrt select sigmoid split_with_sizes sqrt square stack sub sum tanh unsqueeze where
"""
_PLAIN = frozenset(_NAMES.split())
"""Operations that ``torch.<name>`` does with the same arguments, and with less overhead than ``torch.ops``."""

_OVERLOADS = ("default", "Tensor", "Scalar", "self", "int", "dim_IntList")
_WITH_NUMBER = frozenset(("add", "sub", "mul", "div", "lt", "le", "gt", "ge"))
"""Operations whose second argument, if a number, is better a tensor: torch converts it at every call."""


def emit(module: GraphModule, values: dict[Node, Any]) -> Callable[[Tensor], tuple[Tensor, Tensor]] | None:
    """The graph as a function of its first input; None if it depends on others, or has nodes of unknown kinds.

    Args:
        module: graph that returns a list of two tensors.
        values: an example value of each node, for dtypes.
    """
    return _Emission(module, values).function()


class _Emission:
    def __init__(self, module: GraphModule, values: dict[Node, Any]) -> None:
        self._module, self._values = module, values
        self._names: dict[Node, str] = {}
        self._space: dict[str, Any] = {}
        self._lines: list[str] = []

    def function(self) -> Callable[[Tensor], tuple[Tensor, Tensor]] | None:
        nodes = list(self._module.graph.nodes)
        inputs = [node for node in nodes if node.op == "placeholder"]
        if any(node.users for node in inputs[1:]):
            return None
        self._names[inputs[0]] = "position"
        last_use = {source: node for node in nodes for source in node.all_input_nodes}
        for node in nodes:
            if node.op == "placeholder":
                continue
            if not self._add(node):
                return None
            done = [self._names[source] for source in node.all_input_nodes if last_use[source] is node]
            done = [name for name in done if name not in self._space]
            if done and node.op != "output":
                self._lines.append(f"    del {', '.join(done)}")
        source = "\n".join(["def run(position):", *self._lines])
        exec(compile(source, "<density>", "exec"), self._space)
        run: Callable[[Tensor], tuple[Tensor, Tensor]] = self._space["run"]
        return run

    def _add(self, node: Node) -> bool:
        """Write the line of one node; False if its kind is unknown."""
        if node.op == "output":
            results = node.args[0]
            assert isinstance(results, tuple | list)
            self._lines.append(f"    return {', '.join(self._text(result) for result in results)}")
        elif node.op == "get_attr":
            self._names[node] = self._constant(getattr(self._module, str(node.target)))
        elif node.target is operator.getitem:
            container, index = node.args
            self._assign(node, f"{self._text(container)}[{index!r}]")
        elif is_aten(node):
            self._assign(node, self._call(node))
        else:
            return False
        return True

    def _assign(self, node: Node, text: str) -> None:
        self._names[node] = f"v{len(self._names)}"
        self._lines.append(f"    {self._names[node]} = {text}")

    def _call(self, node: Node) -> str:
        target: Any = node.target
        name, args = target._schema.name.split("::")[1], list(node.args)
        if name in _PLAIN and target._overloadname in _OVERLOADS:
            function: Any = getattr(torch, name)
        elif name in ("view", "expand"):
            function = getattr(Tensor, name)
        else:
            function = target
        if function is not target and name in _WITH_NUMBER and len(args) == 2 and not node.kwargs:
            args[1] = self._as_tensor(args[0], args[1])
        texts = [self._text(arg) for arg in args] + [f"{key}={self._text(arg)}" for key, arg in node.kwargs.items()]
        return f"{self._constant(function, name)}({', '.join(texts)})"

    def _as_tensor(self, tensor: Any, number: Any) -> Any:
        value = self._values.get(tensor)
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if is_number and isinstance(value, Tensor) and value.is_floating_point():
            return torch.tensor(float(number), dtype=value.dtype, device=value.device)
        return number

    def _constant(self, value: Any, stem: str = "c") -> str:
        name = next((name for name, known in self._space.items() if known is value), None)
        if name is None:
            name = f"{stem}_{len(self._space)}"
            self._space[name] = value
        return name

    def _text(self, argument: Any) -> str:
        """The argument of a call in Python."""
        if isinstance(argument, Node):
            return self._names[argument]
        if isinstance(argument, tuple | list):
            return f"[{', '.join(self._text(item) for item in argument)}]"
        if argument is None or isinstance(argument, bool | int):
            return repr(argument)
        return self._constant(argument)
