"""Annotations that several modules share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

__all__ = ["ArrayLike", "Model", "Params", "Shape"]

ArrayLike: TypeAlias = Tensor | np.ndarray | np.generic | float | int | bool
"""Anything that torch takes for a tensor; NumPy arrays and Python numbers too."""

Shape: TypeAlias = tuple[int, ...]

Model: TypeAlias = Callable[..., Any]
"""A function that holds statements."""

Params: TypeAlias = Mapping[str, Any]
"""Values by site name."""
