"""Sums of products of packed log factors, with plates: tensor variable elimination.

A letter of a packed tensor stands for a variable to be summed out, or for a plate.  A factor in a plate stands for the
product of its rows; a variable in a plate is another one in each row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import InferenceError
from .packed import broadcast_all

__all__ = ["components", "contract", "dims_of"]

Ordinal = frozenset[str]
"""Plates around a factor or a variable."""


def dims_of(factor: Any) -> Ordinal:
    """The letters of a packed tensor; none of a number."""
    return frozenset(getattr(factor, "_pyro_dims", ""))


def components(factors: Sequence[Tensor], variables: Collection[str]) -> list[tuple[list[int], Ordinal]]:
    """Indices of the factors that hang together by ``variables``, with the variables of each group.

    Example:
        >>> from .packed import pack
        >>> x, y = (pack(torch.ones(2, 1), {-2: letter}) for letter in "xy")
        >>> [(places, sorted(letters)) for places, letters in components([x, y, x], "xy")]
        [([0, 2], ['x']), ([1], ['y'])]
    """
    groups: list[tuple[list[int], set[str]]] = []
    for place, factor in enumerate(factors):
        joined, letters = [place], set(dims_of(factor)) & set(variables)
        others = []
        for places, held in groups:
            if held & letters:
                joined, letters = [*places, *joined], letters | held
            else:
                others.append((places, held))
        groups = [*others, (joined, letters)]
    groups.sort()
    return [(sorted(places), frozenset(letters)) for places, letters in groups]


def contract(
    factors: Sequence[Tensor], variables: Mapping[str, Ordinal], plates: Iterable[str], kept: Iterable[str] = ()
) -> Tensor:
    """``log sum over variables of product over plates of exp(factors)``.

    Args:
        factors: packed.
        variables: letters to be summed out, each with the plates that it lies in.
        plates: all letters of plates.
        kept: letters of plates and variables that stay in the result.

    Returns:
        A packed tensor with the letters ``kept`` only.

    Raises:
        InferenceError: the sum has no end smaller than one term for each joint value of all rows.

    Source: Obermeyer et al. (2019), Tensor variable elimination for plated factor graphs, ICML.

    Example:
        >>> from .packed import pack
        >>> rows = pack(torch.zeros(2, 3), {-2: "z", -1: "n"})  # a variable of two values in each of three rows
        >>> round(float(contract([rows], {"z": frozenset("n")}, "n")), 4)  # 3 log 2
        2.0794
    """
    stays = frozenset(kept)
    multiplied = frozenset(plates) - stays
    depth = {letter: ordinal & multiplied for letter, ordinal in variables.items() if letter not in stays}
    waiting: dict[Ordinal, list[Tensor]] = {}
    for factor in factors:
        waiting.setdefault(dims_of(factor) & multiplied, []).append(factor)
    results: list[Tensor] = []
    while waiting:
        leaf = max(waiting, key=lambda ordinal: (len(ordinal), sorted(ordinal)))
        group = waiting.pop(leaf)
        local = [letter for letter, ordinal in depth.items() if ordinal == leaf]
        for places, letters in components(group, local):
            term = _eliminate([group[place] for place in places], letters)
            rest = [depth[letter] for letter in dims_of(term) if letter in depth]
            parent: Ordinal = frozenset().union(*rest)
            if not rest:
                results.append(_product(term, leaf))
            elif parent < leaf:
                waiting.setdefault(parent, []).append(_product(term, leaf - parent))
            else:
                raise _intractable(leaf)
    return _sum_of(results, stays) if results else torch.zeros(())


def _intractable(leaf: Ordinal) -> InferenceError:
    return InferenceError(
        "enumerated sites of different plates meet in one factor: their sum needs a term for each joint value of all "
        "rows",
        seen=f"a factor in {len(leaf)} plates that depends on sites of several of them",
        suggestion="let each enumerated site depend on those of enclosing plates only, or make a plate a loop: "
        "for i in plate(...)",
    )


def _eliminate(factors: list[Tensor], variables: Ordinal) -> Tensor:
    """Multiply the factors and sum the variables out, each time the one that makes the smallest factor."""
    remaining = set(variables)
    while remaining:
        letter = min(remaining, key=lambda letter: (_size_without(factors, letter), letter))
        product = _sum_of([factor for factor in factors if letter in dims_of(factor)])
        place = _letters(product).index(letter)
        summed = torch.logsumexp(product, place)
        factors = [factor for factor in factors if letter not in dims_of(factor)]
        factors.append(_packed(summed, _letters(product).replace(letter, "")))
        remaining.discard(letter)
    return _sum_of(factors)


def _size_without(factors: list[Tensor], letter: str) -> int:
    sizes: dict[str, int] = {}
    for factor in factors:
        if letter in dims_of(factor):
            sizes.update(zip(_letters(factor), factor.shape, strict=True))
    sizes.pop(letter, None)
    size = 1
    for length in sizes.values():
        size *= length
    return size


def _product(factor: Tensor, plates: Ordinal) -> Tensor:
    """The product of the rows of some plates."""
    places = [place for place, letter in enumerate(_letters(factor)) if letter in plates]
    if not places:
        return factor
    return _packed(factor.sum(places), "".join(letter for letter in _letters(factor) if letter not in plates))


def _sum_of(factors: list[Tensor], stays: Ordinal = frozenset()) -> Tensor:
    """The product of factors, that is the sum of their logarithms."""
    if len(factors) == 1:
        return factors[0]
    total, *others = broadcast_all(*factors)
    letters = _letters(total)
    for other in others:
        total = total + other
    return _packed(total, letters)


def _letters(factor: Any) -> str:
    return str(factor._pyro_dims)


def _packed(tensor: Any, letters: str) -> Tensor:
    tensor._pyro_dims = letters
    result: Tensor = tensor
    return result
