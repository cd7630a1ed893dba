"""Row numbers: all of them in order, or some drawn at random."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["all_indices", "draw_without_replacement"]

_CACHED_SIZE = 1 << 16


def all_indices(size: int) -> jax.Array:
    """``0 .. size - 1``; small ones are made once, outside of any transformation."""
    if size > _CACHED_SIZE:
        return jnp.arange(size)
    return _cached_indices(size, bool(jax.config.read("jax_enable_x64")))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def _cached_indices(size: int, is_x64: bool) -> jax.Array:
    with jax.ensure_compile_time_eval():
        return jnp.asarray(np.arange(size, dtype=np.int64 if is_x64 else np.int32))


def draw_without_replacement(rng_key: Any, size: int, subsample_size: int) -> jax.Array:
    """``subsample_size`` different numbers below ``size``, each subset equally likely.

    A small sample of a large plate costs no permutation of the plate: Floyd's algorithm looks at the sample only.

    Source: Bentley and Floyd (1987), Communications of the ACM 30(9), 754-757.

    Example:
        >>> import jax
        >>> len(set(draw_without_replacement(jax.random.key(0), 10**7, 5).tolist()))
        5
    """
    if subsample_size * subsample_size > 16 * size:
        return jax.random.permutation(rng_key, size)[:subsample_size]
    first = size - subsample_size
    bounds = jnp.arange(first, size) + 1
    candidates = jax.random.randint(rng_key, (subsample_size,), 0, bounds)

    def add(position: Any, chosen: jax.Array) -> jax.Array:
        candidate = candidates[position]
        taken = jnp.any(chosen == candidate)
        return chosen.at[position].set(jnp.where(taken, first + position, candidate))

    chosen: jax.Array = lax.fori_loop(0, subsample_size, add, jnp.full((subsample_size,), -1, candidates.dtype))
    return chosen
