"""The kit's own tests run on the NumPy reference, whole and broken on purpose."""

from __future__ import annotations

pytest_plugins = ["pytester"]
