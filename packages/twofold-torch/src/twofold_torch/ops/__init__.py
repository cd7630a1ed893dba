"""Numerics with no probability in them: shapes, linear algebra, special functions."""

import importlib as _importlib
from typing import Any as _Any


def __getattr__(name: str) -> _Any:
    """Import ``jit`` at its first use: ``ops.jit.trace`` works without an import of its own."""
    if name == "jit":
        return _importlib.import_module(".jit", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
