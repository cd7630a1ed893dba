"""Compilation: the first call runs the function and keeps its tape, later ones of its signature perform the tape."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from twofold_conformance.reference import trees
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import Tape, Tensor, TracerWarning, apply, recording, stack, tensor


@dataclass(eq=False)
class Program:
    """A tape, with the tensors that came in and what went out."""

    tape: Tape
    inputs: dict[str, Tensor]
    parameters: dict[str, Tensor]
    """Stateful: the leaves of the store at the end of the first call."""
    result: Any

    def __call__(self, inputs: dict[str, Tensor]) -> Any:
        now = {old: inputs[path] for path, old in self.inputs.items()}
        now.update(self._stored_leaves())
        for step in self.tape.steps:
            arguments = [now.get(value, value) for value in step.inputs]
            now[step.result] = apply(step.op, *arguments, **step.settings)
        return trees.mapped(lambda leaf: now.get(leaf, leaf) if isinstance(leaf, Tensor) else leaf, self.result)

    def _stored_leaves(self) -> dict[Tensor, Tensor]:
        """The leaf of each parameter as the store has it now."""
        return {old: STORE[name].unconstrained() for name, old in self.parameters.items()}


class Lazy:
    """A function that is compiled when it is called: once for each signature of its arguments."""

    def __init__(self, fn: Callable[..., Any], ignore_warnings: bool = False) -> None:
        self.fn, self.ignore_warnings = fn, ignore_warnings
        self.compiled: dict[Any, Program] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inputs = {path: tensor(leaf) for path, leaf in trees.leaves(args).items() if _is_array(leaf)}
        key = self.signature(args, kwargs)
        if key not in self.compiled:
            self.compiled[key] = self._record(inputs, trees.replace(args, inputs), kwargs)
            return self.compiled[key].result
        return self.compiled[key](inputs)

    def signature(self, args: Any, kwargs: Any) -> Any:
        """Shapes and dtypes of arrays, everything else by value; keyword arguments always by value."""
        leaves = [(path, _describe(leaf)) for path, leaf in trees.leaves(args).items()]
        return repr(leaves), repr([(key, kwargs[key]) for key in sorted(kwargs)])

    def _record(self, inputs: dict[str, Tensor], args: Any, kwargs: Any) -> Program:
        with warnings.catch_warnings(), recording() as tape:
            if self.ignore_warnings:
                warnings.simplefilter("ignore", TracerWarning)
            result = self.fn(*args, **kwargs)
        return Program(tape, inputs, dict(STORE.named_parameters()), result)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, Tensor | np.ndarray | float | int) and not isinstance(leaf, bool)


def _describe(leaf: Any) -> Any:
    return (np.shape(tensor(leaf).data), str(tensor(leaf).dtype)) if _is_array(leaf) else leaf


def trace(fn: Callable[..., Any] | None = None, ignore_warnings: bool = False) -> Any:
    """Compile lazily; also as a decorator with arguments."""
    if fn is None:
        return lambda function: Lazy(function, ignore_warnings)
    return Lazy(fn, ignore_warnings)


def vmap(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn`` for each index of the first dim of its arguments, the results stacked."""

    def mapped(*args: Any) -> Any:
        count = len(next(iter(trees.leaves(args).values())))
        rows = [fn(*trees.mapped(itemgetter(i), args)) for i in range(count)]
        columns = [trees.leaves(row) for row in rows]
        return trees.replace(rows[0], {path: stack([column[path] for column in columns]) for path in columns[0]})

    return mapped
