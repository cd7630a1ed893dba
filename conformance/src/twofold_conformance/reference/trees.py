"""Nested lists, tuples and dicts of arrays, as parameters of networks and results of models come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def leaves(tree: Any, path: str = "") -> dict[str, Any]:
    """Everything in ``tree`` that is no list, tuple or dict, by dotted path."""
    if not isinstance(tree, dict | list | tuple):
        return {path: tree}
    found: dict[str, Any] = {}
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
        found.update(leaves(branch, f"{path}.{key}" if path else str(key)))
    return found


def replace(tree: Any, values: Mapping[str, Any], path: str = "") -> Any:
    """A tree of the same form, with ``values`` at their paths and the old leaves elsewhere."""
    if not isinstance(tree, dict | list | tuple):
        return values.get(path, tree)
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    branches = {key: replace(branch, values, f"{path}.{key}" if path else str(key)) for key, branch in pairs}
    if isinstance(tree, dict):
        return branches
    if hasattr(tree, "_fields"):
        return type(tree)(*branches.values())
    return type(tree)(branches.values())


def mapped(fn: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of the same form with ``fn`` of each leaf."""
    return replace(tree, {path: fn(leaf) for path, leaf in leaves(tree).items()})
