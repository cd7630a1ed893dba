"""Functions traced once, and equal if they compute the same thing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.extend.core import jaxpr_as_fun

__all__ = ["TracedFunction", "trace_function"]


class TracedFunction:
    """A pure function as a program of JAX, without the Python that it came from.

    Two of them are equal if program and constants are; so it can be a static argument of a compiled function, and
    a model that is traced anew finds what was compiled for it before, while one whose captured data have changed does
    not.  Make one by `trace_function`.
    """

    def __init__(self, program: Any, input_tree: Any, output_tree: Any) -> None:
        self._run, self._input_tree, self._output_tree = jaxpr_as_fun(program), input_tree, output_tree
        digest = hashlib.sha256(str((program.jaxpr, input_tree, output_tree)).encode())
        for constant in _constants(program):
            digest.update(str((constant.shape, constant.dtype)).encode())
            digest.update(np.ascontiguousarray(constant).tobytes())
        self._digest = digest.hexdigest()

    def __call__(self, *args: Any) -> Any:
        leaves, tree = jax.tree.flatten(args)
        if tree != self._input_tree:
            raise TypeError(f"a program traced for arguments {self._input_tree} was called with {tree}")
        return jax.tree.unflatten(self._output_tree, self._run(*leaves))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TracedFunction) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)


def trace_function(fn: Callable[..., Any], *args: Any) -> TracedFunction:
    """Trace ``fn`` at arguments of these shapes and dtypes (arrays, or ``jax.ShapeDtypeStruct``).

    Example:
        >>> import jax.numpy as jnp
        >>> double = trace_function(lambda x: 2 * x, jnp.zeros(3))
        >>> double == trace_function(lambda y: 2 * y, jnp.ones(3)), double(jnp.ones(3)).tolist()
        (True, [2.0, 2.0, 2.0])
    """

    def afresh(*arguments: Any) -> Any:  # JAX remembers programs by function; what this one captures may have changed
        return fn(*arguments)

    program, output = jax.make_jaxpr(afresh, return_shape=True)(*args)
    return TracedFunction(program, jax.tree.structure(args), jax.tree.structure(output))


def _constants(program: Any) -> list[np.ndarray]:
    """Arrays that the program holds, those of the programs inside it included."""
    found = [np.asarray(_plain(constant)) for constant in program.consts]
    pending = [program.jaxpr]
    while pending:
        for equation in pending.pop().eqns:
            for parameter in jax.tree.leaves(
                list(equation.params.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")
            ):
                if hasattr(parameter, "consts"):
                    found += [np.asarray(_plain(constant)) for constant in parameter.consts]
                    pending.append(parameter.jaxpr)
                elif hasattr(parameter, "eqns"):
                    pending.append(parameter)
    return found


def _plain(constant: Any) -> Any:
    """Random keys of the new kind as the integers that they are made of."""
    is_key = hasattr(constant, "dtype") and jax.numpy.issubdtype(constant.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(constant) if is_key else constant
