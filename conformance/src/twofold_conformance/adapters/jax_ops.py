"""Array operations, compilation and a small network in JAX: shared by every adapter of a JAX implementation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_DTYPES = {"float": jnp.float32, "float32": jnp.float32, "float64": jnp.float64, "int": jnp.int32, "bool": jnp.bool_}


class JaxOps:
    """``ArrayOps`` in JAX."""

    def array(self, value: Any, dtype: str | None = None) -> Any:
        return jnp.asarray(value, None if dtype is None else _DTYPES.get(dtype, dtype))

    def numpy(self, value: Any) -> np.ndarray:
        array = np.asarray(value)
        return array.astype(np.float64) if array.dtype.kind == "f" or array.dtype == jnp.bfloat16 else array

    def exp(self, value: Any) -> Any:
        return jnp.exp(value)

    def log(self, value: Any) -> Any:
        return jnp.log(value)

    def sum(self, value: Any) -> Any:
        return jnp.sum(value)

    def where(self, condition: Any, left: Any, right: Any) -> Any:
        return jnp.where(condition, left, right)

    def stack(self, values: Sequence[Any]) -> Any:
        return jnp.stack([jnp.asarray(value) for value in values])

    def stop_grad(self, value: Any) -> Any:
        return jax.lax.stop_gradient(value)

    def is_array(self, value: Any) -> bool:
        """Whether it is an array of known numbers; an implementation may trace a model before it runs it."""
        return isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)

    def shape(self, value: Any) -> tuple[int, ...]:
        return tuple(jnp.shape(value))

    def grad(self, fn: Callable[[Any], Any], at: Any) -> Any:
        """The gradient; of a dict or other tree, the tree of gradients."""
        point = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), at)
        return jax.tree.map(self.numpy, jax.grad(fn)(point))

    def key(self, seed: int) -> Any:
        return jax.random.key(seed)

    def dtype(self, value: Any) -> str:
        return str(jnp.asarray(value).dtype)


def stax_net(sizes: Sequence[int]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Linear layers of ``sizes`` with tanh between them, as a pair ``(init_fn, apply_fn)`` in the manner of stax."""

    def init(rng_key: Any, input_shape: tuple[int, ...]) -> tuple[tuple[int, ...], Any]:
        keys = jax.random.split(rng_key, len(sizes) - 1)
        shapes = zip(keys, sizes[:-1], sizes[1:], strict=True)
        layers = [{"w": jax.random.normal(key, (fan_in, out)), "b": jnp.zeros(out)} for key, fan_in, out in shapes]
        return (*input_shape[:-1], sizes[-1]), layers

    def apply(params: Any, inputs: Any, **_: Any) -> Any:
        first, *rest = params
        return reduce(
            lambda hidden, layer: jnp.tanh(hidden) @ layer["w"] + layer["b"], rest, inputs @ first["w"] + first["b"]
        )

    return init, apply


def as_numpy(value: Any) -> Any:
    """``value`` as NumPy float64, leaf by leaf if it is a tree of arrays."""
    return jax.tree.map(JaxOps().numpy, value)
