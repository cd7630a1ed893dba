"""Numerical kernels: compiled once per shape, one equation in every trace that calls them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

import jax
import jax.numpy as jnp

__all__ = ["kernel"]

R = TypeVar("R")


@overload
def kernel(fn: Callable[..., R], *, static: tuple[str, ...] = ()) -> Callable[..., R]: ...


@overload
def kernel(fn: None = None, *, static: tuple[str, ...] = ()) -> Callable[[Callable[..., R]], Callable[..., R]]: ...


def kernel(
    fn: Callable[..., R] | None = None, *, static: tuple[str, ...] = ()
) -> Callable[..., R] | Callable[[Callable[..., R]], Callable[..., R]]:
    """Compile ``fn``, a pure function of arrays at the top of a module.

    A kernel is traced once per combination of shapes and dtypes.  A trace that calls it again, for another site of a
    model or for a gradient, records one equation and reuses that work, so that a model of a hundred Normal sites
    traces the density of the Normal once.  Outside of traces the kernel is one program where its body would be many.
    Kernels broadcast by definition, so that ``jax.numpy_rank_promotion`` does not apply inside them.

    Args:
        fn: function of arrays; its body may use ``jax.numpy`` freely.
        static: names of keyword arguments that are not arrays (shapes, flags) and select a program.

    Returns:
        The compiled function; it takes numbers and NumPy arrays too, its body sees JAX arrays only.

    Example:
        >>> @kernel
        ... def half_square(x):
        ...     return 0.5 * x * x
        >>> float(half_square(3.0))
        4.5
        >>> len(jax.make_jaxpr(half_square)(3.0).eqns)
        1
    """
    if fn is None:
        return functools.partial(kernel, static=static)

    @functools.wraps(fn)
    def broadcasting(*args: Any, **kwargs: Any) -> R:
        with jax.numpy_rank_promotion("allow"):
            return fn(*map(jnp.asarray, args), **kwargs)

    return cast(Callable[..., R], jax.jit(broadcasting, static_argnames=static))
