"""What a fresh process answers."""

from __future__ import annotations

import pytest

from twofold_conformance.api import Adapter
from twofold_conformance.probe import address, ask
from twofold_conformance.reference.adapter import StatefulReference, StatelessReference


@pytest.mark.parametrize("adapter", [StatefulReference(), StatelessReference()])
def test_validation_is_on_after_a_fresh_import(adapter: Adapter) -> None:
    assert ask(adapter, "validation", optimised=False) is True


def test_address_names_the_class_so_that_another_process_finds_it() -> None:
    assert address(StatefulReference()) == "twofold_conformance.reference.adapter:StatefulReference"


def test_address_of_a_class_outside_the_kit_is_its_file() -> None:
    class Elsewhere(StatefulReference):
        pass

    assert address(Elsewhere()) == f"{__file__}:Elsewhere"


def test_checks_are_judged_without_assertions() -> None:
    answers = ask(StatefulReference(), "checks", "PLATE-051", "SAMPLE-010", optimised=True)
    assert {check_id: verdict for check_id, (verdict, _) in answers.items()} == {
        "PLATE-051": "pass",
        "SAMPLE-010": "unsupported",
    }


def test_failing_process_is_an_error_that_shows_why() -> None:
    with pytest.raises(RuntimeError, match="KeyError"):
        ask(StatefulReference(), "nonsense", optimised=False)
