"""Value and gradient of many positions at once, as a flat graph of tensor operations.

Running a model through its handlers costs far more than its arithmetic.  ``make_fx`` runs it once, under ``vmap`` and
differentiation, and what remains is a list of operations without Python around them, differentiation included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.fx import Node
from torch.fx.experimental.proxy_tensor import make_fx

__all__ = ["BatchedDensity", "batched_density"]

Density = Callable[[Tensor, list[Tensor]], Tensor]
BatchedDensity = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From positions (batch, dim) to log densities (batch,) and gradients (batch, dim)."""

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

_CANNOT_BE_BATCHED = (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError)


def batched_density(density: Density, example: Tensor, data: Sequence[Tensor]) -> BatchedDensity:
    """Value and gradient of ``density(position, data)`` for a batch of positions.

    Args:
        density: scalar log density of a flat position; pure.
        example: positions of shape (batch, dim).
        data: further inputs of the graph.

    Returns:
        A function of positions of the shape of ``example``: a flat graph where ``density`` allows it; otherwise, as for
        a model that branches on its latents, one differentiation after the other.

    Example:
        >>> value, gradient = batched_density(lambda x, data: -(x * x).sum(), torch.ones(2, 3), [])(torch.ones(2, 3))
        >>> value.tolist(), gradient[0].tolist()
        ([-3.0, -3.0], [-2.0, -2.0, -2.0])
    """
    inputs = [tensor.detach() for tensor in data]
    try:
        graph = make_fx(vmap(grad_and_value(density), in_dims=(0, None)))(example.detach(), inputs)
    except _CANNOT_BE_BATCHED:
        return _one_by_one(density, inputs)
    _simplify(graph, example.detach(), inputs)

    def run(positions: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            gradient, value = graph(positions, inputs)
        return value, gradient

    return run


class _Recorder(torch.fx.Interpreter):
    """Runs a graph and keeps every value."""

    def __init__(self, graph: torch.fx.GraphModule) -> None:
        super().__init__(graph)
        self.values: dict[Node, Any] = {}

    def run_node(self, node: Node) -> Any:
        value = self.values[node] = super().run_node(node)
        return value


def _simplify(module: torch.fx.GraphModule, positions: Tensor, data: list[Tensor]) -> None:
    """Evaluate what does not depend on the positions, drop additions of zero and copies, share equal operations."""
    recorder = _Recorder(module)
    with torch.no_grad():
        recorder.run(positions, data)
    values, graph = recorder.values, module.graph
    if any(node.op == "call_function" and node.target._schema.is_mutable for node in graph.nodes if _is_aten(node)):
        return
    constant: set[Node] = set()
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    constant.update(placeholders[1:])
    for node in graph.nodes:
        if _is_aten(node) and (_has_fixed_value(node) or all(source in constant for source in node.all_input_nodes)):
            constant.add(node)
    seen: dict[Any, Node] = {}
    for node in list(graph.nodes):
        if node in constant and isinstance(values[node], Tensor) and any(user not in constant for user in node.users):
            _freeze(module, node, values[node])
        elif _is_aten(node) and node not in constant:
            source = _same_as_source(node, values, constant)
            twin = source if source is not None else seen.setdefault(_key(node), node)
            if twin is not node:
                node.replace_all_uses_with(twin)
                values[twin] = values[node]
    graph.eliminate_dead_code()
    module.recompile()


def _is_aten(node: Node) -> bool:
    return node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)


def _has_fixed_value(node: Node) -> bool:
    """Whether only the shape of its argument matters."""
    return node.target in _SHAPE_ONLY


def _freeze(module: torch.fx.GraphModule, node: Node, value: Tensor) -> None:
    name = f"constant_{node.name}"
    module.register_buffer(name, value.clone(), persistent=False)
    with module.graph.inserting_before(node):
        frozen = module.graph.get_attr(name)
    users = [user for user in node.users if user is not frozen]
    for user in users:
        user.replace_input_with(node, frozen)


def _same_as_source(node: Node, values: dict[Node, Any], constant: set[Node]) -> Node | None:
    """The argument that ``node`` only hands on: a detached tensor, or one plus nought, of the same shape and dtype."""
    aten = torch.ops.aten
    if node.target in (aten.detach.default, aten.view.default):
        pairs = [(node.args[0], True)]
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


def _one_by_one(density: Density, data: list[Tensor]) -> BatchedDensity:
    def run(positions: Tensor) -> tuple[Tensor, Tensor]:
        values, gradients = [], []
        for position in positions.detach():
            leaf = position.clone().requires_grad_()
            with torch.enable_grad():
                value = density(leaf, data)
                depends = value.requires_grad
                gradient = torch.autograd.grad(value, leaf, materialize_grads=True)[0] if depends else None
            values.append(value.detach())
            gradients.append(torch.zeros_like(position) if gradient is None else gradient)
        return torch.stack(values), torch.stack(gradients)

    return run
