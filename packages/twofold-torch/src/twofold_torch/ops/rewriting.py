"""Graphs of tensor operations made shorter, without a change of what they compute."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

__all__ = ["is_aten", "simplify"]

_SHAPE_ONLY = (
    torch.ops.aten.zeros_like.default,
    torch.ops.aten.ones_like.default,
    torch.ops.aten.new_zeros.default,
    torch.ops.aten.new_ones.default,
    torch.ops.aten.full_like.default,
)

_NEUTRAL = {
    torch.ops.aten.add.Tensor: (0.0, True),
    torch.ops.aten.sub.Tensor: (0.0, False),
    torch.ops.aten.mul.Tensor: (1.0, True),
    torch.ops.aten.div.Tensor: (1.0, False),
}
"""Operations with the second argument that changes nothing, and whether it may stand first."""

_NOT_NEGATIVE = (
    torch.ops.aten.exp.default,
    torch.ops.aten.sigmoid.default,
    torch.ops.aten.softplus.default,
    torch.ops.aten.abs.default,
)
"""Operations whose results are at least nought."""


class _Recorder(torch.fx.Interpreter):
    """Runs a graph and keeps every value."""

    def __init__(self, graph: torch.fx.GraphModule) -> None:
        super().__init__(graph)
        self.values: dict[Node, Any] = {}

    def run_node(self, node: Node) -> Any:
        value = self.values[node] = super().run_node(node)
        return value


def simplify(module: torch.fx.GraphModule, positions: Tensor, data: list[Tensor]) -> dict[Node, Any]:
    """Evaluate what does not depend on the positions, drop what changes nothing, share equal operations.

    Args:
        module: graph of positions and data; changed in place.
        positions: an example.
        data: held at these values from now on.

    Returns:
        The value of each node at the example.
    """
    recorder = _Recorder(module)
    with torch.no_grad():
        recorder.run(positions, data)
    values, graph = recorder.values, module.graph
    if any(node.target._schema.is_mutable for node in graph.nodes if is_aten(node)):
        return values
    constant: set[Node] = set()
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    constant.update(placeholders[1:])
    for node in graph.nodes:
        if is_aten(node) and (_has_fixed_value(node) or all(source in constant for source in node.all_input_nodes)):
            constant.add(node)
    seen: dict[Any, Node] = {}
    for node in list(graph.nodes):
        if node in constant and isinstance(values[node], Tensor) and any(user not in constant for user in node.users):
            _freeze(module, node, values)
        elif is_aten(node) and node not in constant:
            _merge_factors(node)
            source = _same_as_source(node, values, constant)
            twin = source if source is not None else seen.setdefault(_key(node), node)
            if twin is not node:
                node.replace_all_uses_with(twin)
                values[twin] = values[node]
    graph.eliminate_dead_code()
    module.recompile()
    return values


def is_aten(node: Node) -> bool:
    """Whether a node is an operation on tensors."""
    return node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)


def _has_fixed_value(node: Node) -> bool:
    """Whether only the shape of its argument matters."""
    return node.target in _SHAPE_ONLY


def _freeze(module: torch.fx.GraphModule, node: Node, values: dict[Node, Any]) -> None:
    name = f"constant_{node.name}"
    module.register_buffer(name, values[node].clone(), persistent=False)
    with module.graph.inserting_before(node):
        frozen = module.graph.get_attr(name)
    values[frozen] = values[node]
    for user in [user for user in node.users if user is not frozen]:
        user.replace_input_with(node, frozen)


def _same_as_source(node: Node, values: dict[Node, Any], constant: set[Node]) -> Node | None:
    """The argument that ``node`` only hands on: a detached tensor, or one plus nought, of the same shape and dtype."""
    aten = torch.ops.aten
    if node.target in (aten.detach.default, aten.view.default):
        pairs = [(node.args[0], True)]
    elif node.target is aten.permute.default:
        pairs = [(node.args[0], list(node.args[1]) == list(range(values[node].dim())))]  # type: ignore[arg-type]
    elif node.target is aten.masked_fill.Scalar:
        pairs = [(node.args[0], _is_never(node.args[1]))]
    elif node.target is aten.where.self:
        pairs = [(node.args[1], _is_always(node.args[0]))]
    elif node.target in _NEUTRAL and len(node.args) == 2 and not node.kwargs:
        neutral, commutes = _NEUTRAL[node.target]
        left, right = node.args
        pairs = [(left, _is_all(right, neutral)), (right, commutes and _is_all(left, neutral))]
    else:
        return None
    for source, is_handed_on in pairs:
        if is_handed_on and isinstance(source, Node) and _alike(values[source], values[node]):
            return source
    return None


def _alike(source: Any, result: Tensor) -> bool:
    return isinstance(source, Tensor) and source.shape == result.shape and source.dtype == result.dtype


def _is_all(argument: Any, neutral: float) -> bool:
    if isinstance(argument, Node):
        if argument.op != "get_attr":
            return False
        return bool((getattr(argument.graph.owning_module, str(argument.target)) == neutral).all())
    return isinstance(argument, int | float) and argument == neutral


def _key(node: Node) -> Any:
    return node.target, str(node.args), str(node.kwargs)


def _is_not_negative(node: Any) -> bool:
    return isinstance(node, Node) and node.target in _NOT_NEGATIVE


def _is_never(node: Any) -> bool:
    """Whether a comparison is false whatever the positions are, NaN aside."""
    return _compares_with_nought(node, torch.ops.aten.lt.Scalar)


def _is_always(node: Any) -> bool:
    """Whether a comparison is true whatever the positions are, NaN aside."""
    return _compares_with_nought(node, torch.ops.aten.ge.Scalar)


def _compares_with_nought(node: Any, comparison: Any) -> bool:
    if not (isinstance(node, Node) and node.target is comparison and _is_not_negative(node.args[0])):
        return False
    return isinstance(node.args[1], int | float) and node.args[1] == 0


def _merge_factors(node: Node) -> None:
    """Make ``c x + c x`` one multiplication by ``2 c``, and ``-(c x)`` one by ``-c``; both are exact."""
    aten = torch.ops.aten
    source = node.args[0] if node.args else None
    if not (isinstance(source, Node) and source.target is aten.mul.Scalar and not node.kwargs):
        return
    base, number = source.args
    if node.target is aten.add.Tensor and node.args[1] is source:
        node.target, node.args = aten.mul.Scalar, (base, 2 * number)  # type: ignore[operator]
    elif node.target is aten.neg.default:
        node.target, node.args = aten.mul.Scalar, (base, -number)  # type: ignore[operator]
