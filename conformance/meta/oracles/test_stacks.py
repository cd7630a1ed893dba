"""The interpreter of handler stacks on stacks small enough to read."""

from __future__ import annotations

import pytest

from twofold_conformance.oracles.stacks import Layer, Outcome, outcome, random_stacks


@pytest.mark.parametrize(
    ("layers", "obs", "expected"),
    [
        ([], 0.5, Outcome(0.5)),
        ([("condition", 1.0), ("condition", 2.0)], None, Outcome(2.0)),
        ([("condition", 1.0), ("uncondition", None)], None, Outcome(None)),
        ([("uncondition", None), ("condition", 1.0)], 0.5, Outcome(1.0)),
        ([("scale", 2.0), ("mask", True), ("scale", 3.0)], None, Outcome(None, scale=6.0)),
        ([("mask", True), ("mask", False), ("mask", True)], None, Outcome(None, kept=False)),
        ([("block", True), ("condition", 1.0), ("scale", 2.0)], None, Outcome(None, visible=False)),
        ([("condition", 1.0), ("block", True)], None, Outcome(1.0, visible=False)),
        ([("block", False), ("condition", 1.0)], None, Outcome(1.0)),
        ([("infer_config", "a"), ("infer_config", "b")], None, Outcome(None, tags=["a", "b"])),
    ],
)
def test_innermost_is_asked_first(layers: list[Layer], obs: float | None, expected: Outcome) -> None:
    assert outcome(layers, obs) == expected


def test_random_stacks_use_what_is_offered_and_repeat() -> None:
    stacks = list(random_stacks(40, 3, ["scale", "block"]))
    assert stacks == list(random_stacks(40, 3, ["scale", "block"]))
    assert {name for layers in stacks for name, _ in layers} == {"scale", "block"}
    assert {len(layers) for layers in stacks} == {2, 3, 4, 5}
