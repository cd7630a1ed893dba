"""Nested containers as lists of leaves."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from twofold_torch.ops.trees import leaves, map_tree


class Pair(NamedTuple):
    left: Any
    right: Any


TREES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=12,
)


@given(TREES)
def test_mapping_the_identity_gives_an_equal_tree_of_the_same_types(tree: Any) -> None:
    copy = map_tree(lambda leaf: leaf, tree)
    assert copy == tree
    assert type(copy) is type(tree)


@given(TREES)
def test_leaves_come_in_the_order_in_which_they_are_mapped(tree: Any) -> None:
    queue = iter(list(leaves(tree)))
    assert map_tree(lambda leaf: next(queue), tree) == tree
    assert next(queue, None) is None


def test_anything_else_is_a_leaf() -> None:
    class Own(dict):  # type: ignore[type-arg]
        """A mapping of a user's."""

    own = Own(a=1)
    assert list(leaves([own, {1, 2}, None])) == [own, {1, 2}, None]
