"""Plated sums of products against sums over all joint values, written as loops."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold_torch.errors import InferenceError
from twofold_torch.ops.contraction import components, contract, dims_of
from twofold_torch.ops.packed import pack


def packed(shape: dict[str, int], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    tensor = torch.randn(tuple(shape.values()), generator=generator, dtype=torch.float64)
    letters = list(shape)
    return pack(tensor, {place - len(letters): letter for place, letter in enumerate(letters)})


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=5), st.integers(0, 1000))
def test_contract_without_plates_is_the_sum_over_all_joint_values(scopes: list[set[str]], seed: int) -> None:
    sizes = {"a": 2, "b": 3, "c": 4}
    factors = [packed({x: sizes[x] for x in sorted(scope)}, seed + i) for i, scope in enumerate(scopes)]
    used = sorted(set().union(*scopes))
    terms = []
    for values in itertools.product(*(range(sizes[x]) for x in used)):
        point = dict(zip(used, values, strict=True))
        terms.append(sum(f[tuple(point[x] for x in sorted(s))] for f, s in zip(factors, scopes, strict=True)))
    expected = torch.logsumexp(torch.stack([torch.as_tensor(term) for term in terms]), 0)
    result = contract(factors, {x: frozenset() for x in used}, "")
    torch.testing.assert_close(result.as_subclass(torch.Tensor), expected)


def test_contract_multiplies_the_rows_of_a_plate_after_summing_their_own_variable() -> None:
    outer, inner = packed({"w": 2}, 0), packed({"w": 2, "z": 3, "n": 4}, 1)
    expected = torch.logsumexp(outer + inner.logsumexp(1).sum(-1), 0)
    result = contract([outer, inner], {"w": frozenset(), "z": frozenset("n")}, "n")
    torch.testing.assert_close(result, expected)


def test_contract_treats_nested_plates_from_the_inside_out() -> None:
    factor = packed({"w": 2, "v": 2, "z": 3, "m": 5, "n": 4}, 2)  # w global, v in m, z in m and n
    expected = torch.logsumexp(factor.logsumexp(2).sum(-1).logsumexp(1).sum(-1), 0)
    ordinals = {"w": frozenset[str](), "v": frozenset("m"), "z": frozenset("mn")}
    torch.testing.assert_close(contract([factor], ordinals, "mn"), expected)


def test_contract_keeps_the_letters_it_is_told_to_keep() -> None:
    outer, inner = packed({"w": 2}, 3), packed({"w": 2, "z": 3, "n": 4}, 4)
    result = contract([outer, inner], {"w": frozenset(), "z": frozenset("n")}, "n", kept="n")
    assert dims_of(result) == {"n"}
    torch.testing.assert_close(result.as_subclass(torch.Tensor), (outer[:, None] + inner.logsumexp(1)).logsumexp(0))


def test_contract_of_variables_in_two_different_plates_that_meet_is_refused() -> None:
    factor = packed({"x": 2, "y": 2, "m": 3, "n": 3}, 5)
    with pytest.raises(InferenceError, match="different plates meet"):
        contract([factor], {"x": frozenset("m"), "y": frozenset("n")}, "mn")


def test_contract_of_a_long_chain_costs_what_a_loop_over_its_steps_costs() -> None:
    letters = [chr(200 + i) for i in range(60)]
    steps = [packed({a: 3, b: 3}, i) for i, (a, b) in enumerate(itertools.pairwise(letters))]
    message = torch.zeros(3, dtype=torch.float64)
    for step in steps:
        message = (message[:, None] + step).logsumexp(0)
    result = contract(steps, {x: frozenset() for x in letters}, "")
    torch.testing.assert_close(result, message.logsumexp(0))


def test_components_join_factors_that_share_a_variable_through_others() -> None:
    factors = [packed({"a": 2}, 0), packed({"c": 2}, 1), packed({"a": 2, "b": 2}, 2), packed({"b": 2, "p": 2}, 3)]
    assert components(factors, "abc") == [([0, 2, 3], frozenset("ab")), ([1], frozenset("c"))]
