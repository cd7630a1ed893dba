"""Questions about array-likes that are answered without any work of JAX."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from ..errors import RandomKeyError, ShapeError, SiteTypeError

__all__ = [
    "as_array_like",
    "as_typed_keys",
    "broadcast_shapes",
    "check_keys",
    "constant_like",
    "finfo",
    "is_concrete",
    "is_prng_key",
    "namespace",
    "shape_of",
]

Shape = tuple[int, ...]


def shape_of(x: Any) -> Shape:
    """Shape of an array, tracer, shape structure or Python scalar.

    Example:
        >>> shape_of(np.ones((2, 3))), shape_of(1.0)
        ((2, 3), ())
    """
    return getattr(x, "shape", ())


def is_concrete(x: Any) -> bool:
    """Whether the entries of ``x`` can be looked at now: it is no tracer, and all of it lives in this process."""
    if isinstance(x, (float, int, np.ndarray, np.generic)):
        return True
    return isinstance(x, jax.Array) and not isinstance(x, jax.core.Tracer) and x.is_fully_addressable


def namespace(*arrays: Any) -> ModuleType:
    """``jax.numpy`` if any argument is a JAX array, else ``numpy``: checks of concrete values start no XLA program.

    Example:
        >>> namespace(1.0, np.ones(2)).__name__, namespace(jnp.ones(2)).__name__
        ('numpy', 'jax.numpy')
    """
    return jnp if any(isinstance(x, jax.Array) for x in arrays) else np


def broadcast_shapes(*shapes: Shape, what: str = "arguments") -> Shape:
    """Shape to which all ``shapes`` broadcast.

    Raises:
        ShapeError: they do not broadcast together; ``what`` names them.

    Example:
        >>> broadcast_shapes((3, 1), (4,), ())
        (3, 4)
    """
    common: Shape = ()
    for shape in shapes:
        if shape == common or not shape:
            continue
        if not common:
            common = tuple(shape)
            continue
        try:
            common = tuple(np.broadcast_shapes(common, shape))
        except ValueError:
            raise ShapeError(
                f"shapes of {what} do not broadcast together",
                seen=", ".join(map(str, shapes)),
                expected="sizes that are equal or 1, counted from the right",
                suggestion="add dims of size 1 with `[..., None]` where the shapes should not meet",
            ) from None
    return common


def as_array_like(x: Any, what: str) -> Any:
    """``x`` as it is if it is a number, an array or shaped like one; lists and tuples as a NumPy array.

    Raises:
        SiteTypeError: ``x`` is no number and no array; ``what`` names it.

    Example:
        >>> as_array_like([1.0, 2.0], "loc")
        array([1., 2.])
    """
    if isinstance(x, (float, int, jax.Array, np.ndarray, np.generic)) or (hasattr(x, "shape") and hasattr(x, "dtype")):
        return x
    if isinstance(x, (list, tuple)):
        x = np.stack([np.asarray(item) for item in x]) if _all_concrete(x) else jnp.stack([jnp.asarray(i) for i in x])
        if x.dtype != object and x.dtype.kind not in "SU":
            return x
    if hasattr(x, "__jax_array__"):
        return x.__jax_array__()
    raise SiteTypeError(
        f"{what} has the wrong type",
        seen=f"{x!r} of type {type(x).__name__}",
        expected="a number or an array",
        suggestion="convert it with jnp.asarray",
    )


def _all_concrete(items: list[Any] | tuple[Any, ...]) -> bool:
    return not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(items))


def constant_like(prototype: ArrayLike, fill_value: ArrayLike) -> Any:
    """Array of the shape and dtype of ``prototype`` filled with ``fill_value``, made by NumPy where possible.

    Example:
        >>> constant_like(np.ones(2), 3.0)
        array([3., 3.])
    """
    if isinstance(prototype, jax.Array):
        if isinstance(fill_value, jax.Array) or np.ndim(fill_value):
            return jnp.broadcast_to(jnp.asarray(fill_value, prototype.dtype), prototype.shape)
        return lax.full(prototype.shape, fill_value, prototype.dtype)
    if isinstance(fill_value, jax.Array):
        return jnp.broadcast_to(fill_value, np.shape(prototype))
    return np.broadcast_to(np.asarray(fill_value, np.asarray(prototype).dtype), np.shape(prototype)).copy()


def finfo(dtype: Any) -> Any:
    """Limits of a floating dtype, those of NumPy and the shorter ones of JAX.

    Example:
        >>> float(finfo(np.float32).max) > 3e38
        True
    """
    return jnp.finfo(dtype)  # type: ignore[no-untyped-call]


def as_typed_keys(keys: jax.Array) -> jax.Array:
    """Random keys of the new typed kind, also for keys of the old integer kind; both give the same numbers.

    Example:
        >>> as_typed_keys(jax.random.PRNGKey(0)) == jax.random.key(0)
        Array(True, dtype=bool)
    """
    check_keys(keys)
    return keys if jnp.issubdtype(keys.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(keys)


def check_keys(keys: Any) -> None:
    """Refuse what is no random key and no array of them.

    Raises:
        RandomKeyError: such as for a bare seed, or data in the place of a key.
    """
    dtype = getattr(keys, "dtype", None)
    if dtype is None or not (jnp.issubdtype(dtype, jax.dtypes.prng_key) or (dtype == np.uint32 and keys.ndim)):
        raise RandomKeyError(
            "rng_key is no random key",
            seen=f"{keys!r} of type {type(keys).__name__}" if dtype is None else f"an array of {dtype}",
            expected="a key of jax.random",
            suggestion="pass jax.random.key(0) first, then the data",
        )


def is_prng_key(key: Any) -> TypeGuard[jax.Array]:
    """Whether ``key`` is a single random key, of the new typed or of the old integer kind.

    Example:
        >>> is_prng_key(jax.random.key(0)), is_prng_key(jax.random.PRNGKey(0)), is_prng_key(0)
        (True, True, False)
    """
    if not hasattr(key, "shape") or not hasattr(key, "dtype"):
        return False
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return bool(key.shape == ())
    return bool(key.dtype == np.uint32) and key.shape in ((2,), (4,))
