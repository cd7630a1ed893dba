"""Compilation of functions that hold statements: ``trace``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..errors import SiteTypeError
from ..handlers.scoping import block
from ..messages import Message
from ..params import get_param_store
from ..runtime import Messenger
from ..validation import validation_enabled
from .programs import Program, record, unrecorded

__all__ = ["CompiledFunction", "trace"]


def trace(
    fn: Callable[..., Any] | None = None, ignore_warnings: bool = False, jit_options: Mapping[str, Any] | None = None
) -> Any:
    """Compile ``fn`` at its first call; it may hold statements, and read parameters of the store.

    The Python code runs once for each signature: shapes and dtypes of the tensors among the arguments, and the values
    of all other arguments.  After that the recorded operations run on the present arguments and parameters, and random
    draws are new at each call.  Gradients reach the arguments, the store's leaves, and the parameters of networks that
    ``fn`` uses; they can be taken once, not of a gradient.  Handlers around the call do not see the statements.

    Args:
        fn: function; its tensors in arguments and results may stand in lists, tuples and dicts.  Without it, a
            decorator.
        ignore_warnings: do not warn where a number is read from a tensor, which makes it a constant.
        jit_options: options of ``torch.jit.trace``; accepted for the sake of older programs, and of no effect.

    Returns:
        A function with an attribute ``compiled``: the programs by signature, empty before the first call.

    Example:
        >>> import torch
        >>> from twofold_torch import param
        >>> from twofold_torch.ops.jit import trace
        >>> @trace
        ... def scaled(x):
        ...     return x * param("factor", torch.tensor(3.0))
        >>> scaled(torch.tensor(2.0)).item()
        6.0
        >>> len(scaled.compiled)
        1
    """
    if fn is None:
        return functools.partial(trace, ignore_warnings=ignore_warnings)
    if not callable(fn):
        raise SiteTypeError("jit.trace needs a function", seen=repr(fn), expected="a callable")
    return CompiledFunction(fn, ignore_warnings)


class CompiledFunction:
    """What ``trace`` returns."""

    def __init__(self, fn: Callable[..., Any], ignore_warnings: bool) -> None:
        functools.update_wrapper(self, fn)
        self._fn, self._ignore_warnings = fn, ignore_warnings
        self.compiled: dict[Hashable, Program] = {}
        """Programs by signature; ``program.code`` shows the operations."""
        self._params: dict[Hashable, dict[int, str]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        flat, spec = tree_flatten((args, kwargs))
        inputs = [value for value in flat if isinstance(value, Tensor)]
        signature = (spec, tuple(_signature(value) for value in flat), torch.is_grad_enabled())
        program = self.compiled.get(signature)
        leaves = None if program is None else self._present_leaves(program, self._params[signature])
        if program is None or leaves is None:
            program, names = self._record(flat, spec, inputs)
            self.compiled[signature], self._params[signature] = program, names
            leaves = program.leaves
        return program(inputs, leaves)

    def _present_leaves(self, program: Program, names: dict[int, str]) -> list[Tensor] | None:
        """The leaves as they are now; None if a parameter is gone, or has another shape or constraint."""
        stored = dict(get_param_store().named_parameters()) if names else {}
        leaves = []
        for place, leaf in enumerate(program.leaves):
            if place in names:
                present = stored.get(names[place])
                if present is None or _meta(present) != _meta(leaf):
                    return None
                leaf = present
            leaves.append(leaf)
        return leaves

    def _record(self, flat: list[Any], spec: Any, inputs: list[Tensor]) -> tuple[Program, dict[int, str]]:
        capture = _Params()

        def run(*tensors: Tensor) -> Any:
            rest = iter(tensors)
            arguments = [next(rest) if isinstance(value, Tensor) else value for value in flat]
            args, kwargs = tree_unflatten(arguments, spec)
            with validation_enabled(False), block(), capture:
                return self._fn(*args, **kwargs)

        program = record(run, inputs, self._ignore_warnings)
        names = {id(leaf): name for name, leaf in capture.leaves.items()}
        places = {place: names[id(leaf)] for place, leaf in enumerate(program.leaves) if id(leaf) in names}
        return program, places


class _Params(Messenger):
    """Initialise parameters outside of the recording, and read them inside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.leaves: dict[str, Tensor] = {}

    def process_message(self, msg: Message) -> None:
        """Make sure that the store holds a parameter; note its leaf."""
        if msg["type"] != "param" or msg["value"] is not None:
            return
        store, name = get_param_store(), str(msg["name"])
        with unrecorded(), validation_enabled(True):
            msg["fn"](*msg["args"], msg["kwargs"].get("constraint"))
            self.leaves[name] = dict(store.named_parameters())[name]
        msg["value"] = store[name]


def _meta(leaf: Tensor) -> tuple[Any, ...]:
    return leaf.shape, leaf.dtype, leaf.device


def _signature(value: Any) -> Hashable:
    if isinstance(value, Tensor):
        return ("tensor", *_meta(value), value.requires_grad)
    if isinstance(value, np.ndarray):
        return ("array", value.shape, value.dtype.str, value.tobytes())
    try:
        hash(value)
    except TypeError as error:
        raise SiteTypeError(
            "a compiled function cannot tell its calls apart by this argument",
            seen=f"{type(value).__name__} {value!r}",
            expected="tensors, arrays, or values that can be hashed; in lists, tuples and dicts",
        ) from error
    return (type(value), value)
