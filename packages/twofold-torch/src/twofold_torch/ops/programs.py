"""A Python function of tensors, recorded once as a graph of operations, with its gradient.

``torch.fx``'s ``make_fx`` records one real run of the function and of its vector-Jacobian product.  The graph is then
cut in two where the gradient begins, and run as one ``torch.autograd.Function``: what autograd did in the recorded run
is what happens at every later one, also where the function switched gradients off or defined its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx
from torch.autograd.function import once_differentiable
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from ..errors import TwofoldWarning
from ..warning import warn

__all__ = ["Program", "is_recording", "record", "unrecorded"]


class _State(threading.local):
    def __init__(self) -> None:
        self.is_recording = False


_STATE = _State()


def is_recording() -> bool:
    """Whether operations of this thread are being recorded: then no number should be read from a tensor."""
    return _STATE.is_recording


@contextmanager
def unrecorded() -> Iterator[None]:
    """Leave operations inside the block out of the recording."""
    from torch.fx.experimental.proxy_tensor import disable_proxy_modes_tracing

    former, _STATE.is_recording = _STATE.is_recording, False
    try:
        with disable_proxy_modes_tracing():
            yield
    finally:
        _STATE.is_recording = former


class Program:
    """A recorded function.

    Attributes:
        forward: graph module of inputs and leaves that gives the results and what the gradient needs of them.
        backward: graph module of the latter and of cotangents that gives gradients; None if nothing has any.
        leaves: tensors from outside of the function that ask for gradients.
    """

    def __init__(
        self,
        forward: fx.GraphModule,
        backward: fx.GraphModule | None,
        leaves: list[Tensor],
        has_gradient: list[bool],
        gradient_of: list[int],
        result_spec: Any,
        result_leaves: list[Any],
    ) -> None:
        self.forward, self.backward, self.leaves = forward, backward, leaves
        self._has_gradient, self._gradient_of = has_gradient, gradient_of
        self._result_spec, self._result_leaves = result_spec, result_leaves

    @property
    def code(self) -> str:
        """The recorded operations, as Python."""
        return str(self.forward.code)

    def __call__(self, inputs: Sequence[Tensor], leaves: Sequence[Tensor]) -> Any:
        """Run the recorded operations on other inputs, and on the present values of the leaves."""
        arguments = [*inputs, *leaves]
        needs_gradient = torch.is_grad_enabled() and any(argument.requires_grad for argument in arguments)
        if self.backward is None or not needs_gradient:
            with torch.no_grad():
                results = self.forward(*arguments)[: len(self._has_gradient)]
        else:
            results = _Run.apply(self, *arguments)  # type: ignore[no-untyped-call]
        rest = iter(results)
        flat = [next(rest) if isinstance(leaf, Tensor) else leaf for leaf in self._result_leaves]
        return tree_unflatten(flat, self._result_spec)


class _Run(torch.autograd.Function):
    """One run of a program that autograd can go back through."""

    @staticmethod
    def forward(ctx: Any, program: Program, *arguments: Tensor) -> Any:
        values = program.forward(*arguments)
        split = len(program._has_gradient)
        results = tuple(values[:split])
        ctx.program, ctx.num_arguments = program, len(arguments)
        ctx.save_for_backward(*values[split:])
        ctx.mark_non_differentiable(
            *(result for result, has in zip(results, program._has_gradient, strict=True) if not has)
        )
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        program = ctx.program
        kept = [c for c, has in zip(cotangents, program._has_gradient, strict=True) if has]
        found = program.backward(*ctx.saved_tensors, *kept)
        gradients: list[Any] = [None] * (1 + ctx.num_arguments)
        for place, gradient in zip(program._gradient_of, found, strict=True):
            gradients[1 + place] = gradient
        return tuple(gradients)


def record(fn: Callable[..., Any], inputs: Sequence[Tensor], ignore_warnings: bool = False) -> Program:
    """Run ``fn`` once on ``inputs``, and record what it does.

    The state of the random generators is left as it was; recorded draws are new ones at each run.

    Args:
        fn: function of tensors that gives a tree of tensors and other things.
        inputs: its arguments.
        ignore_warnings: do not warn where a number is read from a tensor, and so becomes a constant.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    run = _RecordedRun(fn, ignore_warnings)
    arguments = [value.detach().requires_grad_(value.requires_grad) for value in inputs]
    devices = sorted({value.device.index or 0 for value in inputs if value.is_cuda})
    _STATE.is_recording = True
    try:
        with torch.random.fork_rng(devices=devices):
            graph_module = make_fx(run)(*arguments)
    finally:
        _STATE.is_recording = False
    return _split(graph_module, run, len(inputs))


class _RecordedRun:
    """The function that ``make_fx`` sees: the results of ``fn``, then the gradients of those that have any."""

    def __init__(self, fn: Callable[..., Any], ignore_warnings: bool) -> None:
        self._fn, self._ignore_warnings = fn, ignore_warnings
        self.leaves: list[Tensor] = []
        self.cotangents: list[Tensor] = []
        self.gradient_of: list[int] = []
        self.has_gradient: list[bool] = []

    def __call__(self, *inputs: Tensor) -> Any:
        watch = _watcher(inputs, self._ignore_warnings)
        with watch:
            result = self._fn(*inputs)
        self.leaves = list(watch.leaves.values())
        self.result_leaves, self.result_spec = tree_flatten(result)
        results = [leaf for leaf in self.result_leaves if isinstance(leaf, Tensor)]
        self.result_leaves = [leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in self.result_leaves]
        self.has_gradient = [bool(value.requires_grad) for value in results]
        return results, self._gradients(results, [*inputs, *self.leaves])

    def _gradients(self, results: list[Tensor], arguments: list[Tensor]) -> list[Tensor]:
        targets = [value for value in results if value.requires_grad]
        sources = [place for place, value in enumerate(arguments) if value.requires_grad]
        if not targets or not sources:
            self.has_gradient = [False] * len(results)
            return []
        with unrecorded():
            self.cotangents = [torch.ones_like(value) for value in targets]
        found = torch.autograd.grad(targets, [arguments[i] for i in sources], self.cotangents, allow_unused=True)
        self.gradient_of = [place for place, gradient in zip(sources, found, strict=True) if gradient is not None]
        return [gradient for gradient in found if gradient is not None]


def _watcher(inputs: Sequence[Tensor], ignore_warnings: bool) -> Any:
    from torch.utils._python_dispatch import TorchDispatchMode

    known = {id(value) for value in inputs}
    read_number = torch.ops.aten._local_scalar_dense.default

    class Watcher(TorchDispatchMode):
        """Notes leaves from outside; lets numbers be read, with a warning, since they become constants."""

        leaves: dict[int, Tensor] = {}

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is read_number:
                if not ignore_warnings and _STATE.is_recording:
                    warn(
                        "a number is read from a tensor in a compiled function; it, and any branch taken on it, "
                        "stays the same for all later calls",
                        TwofoldWarning,
                    )
                return args[0].tolist()
            for value in tree_leaves((args, kwargs)):
                if isinstance(value, Tensor) and value.requires_grad and value.is_leaf and id(value) not in known:
                    self.leaves[id(value)] = value
            return func(*args, **(kwargs or {}))

    watcher = Watcher()  # type: ignore[no-untyped-call]
    watcher.leaves = {}
    return watcher


def _split(recorded: fx.GraphModule, run: _RecordedRun, num_inputs: int) -> Program:
    """Cut the recorded graph where the gradient begins."""
    nodes = list(recorded.graph.nodes)
    outputs = nodes[-1].args[0]
    results, gradients = list(outputs[0]), list(outputs[1])
    role = {node: _role(recorded, node, run) for node in nodes if node.op == "get_attr"}
    starts = [place for place, node in enumerate(nodes) if role.get(node, ("", 0))[0] == "cotangent"]
    cut = starts[0] if starts else len(nodes) - 1
    before, after = nodes[:cut], nodes[cut:-1]
    backward_names = set(after)
    needed = {
        source
        for node in after
        for source in node.all_input_nodes
        if source not in backward_names and role.get(source, ("", 0))[0] != "constant"
    } | {gradient for gradient in gradients if gradient not in backward_names}
    saved = [node for node in before if node in needed]

    forward = _Part(recorded)
    for place in range(num_inputs):
        forward.placeholder(nodes[place], f"input_{place}")
    leaf_nodes = [forward.graph.placeholder(f"leaf_{place}") for place in range(len(run.leaves))]
    for node in before[num_inputs:]:
        kind, place = role.get(node, ("", 0))
        forward.take(node) if kind != "leaf" else forward.put(node, leaf_nodes[place])
    forward.graph.output([forward.of(value) for value in [*results, *saved]])

    backward = _Part(recorded)
    for place, node in enumerate(saved):
        backward.placeholder(node, f"saved_{place}")
    cotangent_nodes = [backward.graph.placeholder(f"cotangent_{place}") for place in range(len(run.cotangents))]
    for node in [*(n for n in before if role.get(n, ("", 0))[0] == "constant"), *after]:
        kind, place = role.get(node, ("", 0))
        backward.take(node) if kind != "cotangent" else backward.put(node, cotangent_nodes[place])
    backward.graph.output([backward.of(value) for value in gradients])

    return Program(
        forward.finish(),
        backward.finish() if gradients else None,
        run.leaves,
        run.has_gradient if gradients else [False] * len(results),
        run.gradient_of,
        run.result_spec,
        run.result_leaves,
    )


def _role(recorded: fx.GraphModule, node: fx.Node, run: _RecordedRun) -> tuple[str, int]:
    """What a captured tensor is: a leaf, a cotangent, or a constant of the program."""
    value = getattr(recorded, str(node.target))
    for kind, tensors in (("leaf", run.leaves), ("cotangent", run.cotangents)):
        for place, tensor in enumerate(tensors):
            if tensor is value:
                return kind, place
    return "constant", 0


class _Part:
    """A graph that takes over nodes of another."""

    def __init__(self, source: fx.GraphModule) -> None:
        self._source, self.graph = source, fx.Graph()
        self._taken: dict[fx.Node, fx.Node] = {}

    def placeholder(self, node: fx.Node, name: str) -> None:
        self._taken[node] = self.graph.placeholder(name)

    def put(self, node: fx.Node, other: fx.Node) -> None:
        self._taken[node] = other

    def take(self, node: fx.Node) -> None:
        self._taken[node] = self.graph.node_copy(node, self._taken.__getitem__)

    def of(self, value: Any) -> Any:
        return self._taken[value] if isinstance(value, fx.Node) else value

    def finish(self) -> fx.GraphModule:
        return fx.GraphModule(self._source, self.graph)
