"""What a model is called with: arrays, which become inputs of compiled programs, and all the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from twofold_jax.errors import InferenceError, TwofoldError
from twofold_jax.messages import Message
from twofold_jax.ops.tracing import TracedFunction, trace_function
from twofold_jax.runtime import Messenger

__all__ = ["Explained", "ModelArguments", "evaluate"]


class Explained(Messenger):
    """Says in a model's own words that it looks at a value while it is traced."""

    reads_key = False

    def __enter__(self) -> Any:
        self._last: str | None = None
        return super().__enter__()

    def process_message(self, msg: Message) -> None:
        if msg["name"] is not None:
            self._last = str(msg["name"])

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        if isinstance(exc_value, jax.errors.ConcretizationTypeError | jax.errors.TracerArrayConversionError):
            where = "before its first statement" if self._last is None else f"after the statement {self._last!r}"
            raise InferenceError(
                "the model looks at a value that is not known while it is traced",
                seen=f"{where}: {str(exc_value).splitlines()[0]}",
                expected="Python's if, while, int() and numpy functions on data and settings only",
                suggestion="compute with jax.numpy, and index jax.numpy arrays; choose between values by jnp.where, "
                "between parts of a model by handlers.mask",
            ) from exc_value
        if isinstance(exc_value, TwofoldError):
            exc_value.add_place(self._last)


class ModelArguments:
    """Positional and keyword arguments of a model, taken apart into arrays and structure.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.

    Example:
        >>> arguments = ModelArguments((np.ones(2), "linear"), {})
        >>> program = arguments.traced(lambda x, args, kwargs: x * args[0], 3.0)
        >>> program(3.0, arguments.arrays).tolist(), program(3.0, [2 * np.ones(2)]).tolist()
        ([3.0, 3.0], [6.0, 6.0])
    """

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.args, self.kwargs = args, dict(kwargs)
        self._leaves, self._tree = jax.tree.flatten((self.args, self.kwargs))
        self._places = [index for index, leaf in enumerate(self._leaves) if _is_array(leaf)]

    @property
    def arrays(self) -> list[Array]:
        """The arrays among the arguments."""
        return [self._leaves[place] for place in self._places]

    def traced(self, fn: Callable[..., Any], *example: Any) -> TracedFunction:
        """Trace ``fn(*example, args, kwargs)`` into a program of ``(*example, arrays)``.

        A model that has to see the values of its data gets them as constants of the program instead.
        """

        def with_inputs(*inputs: Any) -> Any:
            filled = list(self._leaves)
            for place, array in zip(self._places, inputs[-1], strict=True):
                filled[place] = array
            return fn(*inputs[:-1], *jax.tree.unflatten(self._tree, filled))

        def with_constants(*inputs: Any) -> Any:
            return fn(*inputs[:-1], self.args, self.kwargs)

        try:
            return trace_function(with_inputs, *example, self.arrays)
        except Exception:  # whatever a model does with the values of its data, such as len(np.unique(x)) or pandas
            with Explained():
                return trace_function(with_constants, *example, self.arrays)


@partial(jax.jit, static_argnums=0)
def evaluate(program: TracedFunction, *inputs: Any) -> Any:
    """Run a traced program, compiled; an equal one is compiled once."""
    return program(*inputs)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, jax.Array)) and leaf.dtype != object
