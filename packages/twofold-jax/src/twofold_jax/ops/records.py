"""Records: small values that are pytrees, compare by content and print their fields."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import jax
import numpy as np

from .arrays import is_concrete

__all__ = ["Record"]


class Record:
    """Value described by its class and the attributes that the class names; every subclass is a pytree.

    Example:
        >>> class Scale(Record):
        ...     leaf_names = ("factor",)
        ...     def __init__(self, factor):
        ...         self.factor = factor
        >>> Scale(2.0) == jax.tree.map(lambda x: 2 * x, Scale(1.0))
        True
        >>> Scale(2.0)
        Scale(factor=2.0)
    """

    leaf_names: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that are leaves of the pytree."""
    static_names: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that are fixed when a program is compiled."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        jax.tree_util.register_pytree_node(cls, cls.tree_flatten, cls.tree_unflatten)

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Leaves and structure."""
        return tuple(getattr(self, n) for n in self.leaf_names), tuple(getattr(self, n) for n in self.static_names)

    @classmethod
    def tree_unflatten(cls, static: tuple[Any, ...], leaves: tuple[Any, ...]) -> Self:
        """The inverse of `tree_flatten`; checks nothing, because leaves may be anything during transformations."""
        self = object.__new__(cls)
        self.__dict__.update(zip((*cls.leaf_names, *cls.static_names), (*leaves, *static), strict=True))
        return self

    @property
    def is_concrete(self) -> bool:
        """Whether no leaf is a tracer, so that questions about concrete values can be answered now."""
        return all(is_concrete(leaf) for leaf in jax.tree.leaves(self))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        mine, theirs = jax.tree.leaves(self), jax.tree.leaves(other)
        structures: list[Any] = [jax.tree.structure(record) for record in (self, other)]
        if structures[0] != structures[1]:
            return False
        return all(_same(a, b) for a, b in zip(mine, theirs, strict=True))

    def __hash__(self) -> int:
        return hash((type(self), tuple(getattr(self, n) for n in self.static_names)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in (*self.leaf_names, *self.static_names))
        return f"{type(self).__name__}({inside})" if inside else type(self).__name__


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    return is_concrete(a) and is_concrete(b) and bool(np.array_equal(np.asarray(a), np.asarray(b)))
