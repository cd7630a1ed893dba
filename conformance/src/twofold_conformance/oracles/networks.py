"""What the networks that adapters make (``Adapter.net``) compute, from the values of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


def forward(parameters: Mapping[str, np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Linear layers ``x @ weight.T + bias`` with tanh between them, for the parameter names of the stateful flavour."""
    prefixes = sorted({name.removesuffix("weight").removesuffix("bias") for name in parameters})
    hidden = np.asarray(inputs, dtype=float)
    for prefix in prefixes:
        if prefix != prefixes[0]:
            hidden = np.tanh(hidden)
        hidden = hidden @ parameters[f"{prefix}weight"].T + parameters[f"{prefix}bias"]
    return hidden


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree made of lists, tuples and dicts; dicts in the order of their keys."""
    if isinstance(tree, Mapping):
        return [leaf for name in sorted(tree) for leaf in leaves(tree[name])]
    if isinstance(tree, Sequence):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def map_leaves(fn: Callable[[int, Any], Any], tree: Any) -> Any:
    """The same tree with ``fn(position, leaf)`` in the place of each leaf, counted as in ``leaves``."""
    counter = iter(range(len(leaves(tree))))

    def rebuilt(branch: Any) -> Any:
        if isinstance(branch, Mapping):
            return {name: rebuilt(branch[name]) for name in sorted(branch)}
        if isinstance(branch, Sequence):
            items = [rebuilt(item) for item in branch]
            return tuple(items) if isinstance(branch, tuple) else items
        return fn(next(counter), branch)

    return rebuilt(tree)
