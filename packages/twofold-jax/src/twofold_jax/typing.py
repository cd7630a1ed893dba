"""Annotations that several modules share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import numpy as np

__all__ = ["ArrayLike", "Key", "Model", "Params", "Shape"]

ArrayLike: TypeAlias = jax.Array | np.ndarray | np.generic | float | int | bool
"""Anything that JAX takes for an array; NumPy arrays and Python numbers too."""

Key: TypeAlias = jax.Array
"""A random key, of the typed kind or an array of ``uint32``."""

Shape: TypeAlias = tuple[int, ...]

Model: TypeAlias = Callable[..., Any]
"""A function that holds statements."""

Params: TypeAlias = Mapping[str, Any]
"""Values by site name."""
