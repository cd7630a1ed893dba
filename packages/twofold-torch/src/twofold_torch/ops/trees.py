"""Nested tuples, lists and dicts as flat lists of leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["leaves", "map_tree"]


def map_tree(fn: Callable[[Any], Any], tree: Any) -> Any:
    """``fn`` at every leaf, in a tree of the same form; anything but a tuple, list or dict is a leaf.

    Example:
        >>> map_tree(lambda x: x + 1, (1, {"a": [2, 3]}))
        (2, {'a': [3, 4]})
    """
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tree(fn, branch) for branch in tree))
    if type(tree) in (tuple, list):
        return type(tree)(map_tree(fn, branch) for branch in tree)
    if type(tree) is dict:
        return {key: map_tree(fn, branch) for key, branch in tree.items()}
    return fn(tree)


def leaves(tree: Any) -> Iterator[Any]:
    """The leaves of a tree, in the order in which ``map_tree`` visits them.

    Example:
        >>> list(leaves((1, {"a": [2, 3]})))
        [1, 2, 3]
    """
    found: list[Any] = []
    map_tree(found.append, tree)
    yield from found
