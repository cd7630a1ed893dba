"""Random order, and each check alone, give the verdicts of the usual order; the reference keeps the whole law."""

from __future__ import annotations

import pytest

from twofold_conformance.runner import Result
from twofold_conformance.suite import Selection, Task, run_tasks, tasks

REFERENCES = [
    "twofold_conformance.reference.adapter:StatefulReference",
    "twofold_conformance.reference.adapter:StatelessReference",
]


def verdicts(results) -> dict[tuple[str, str], str]:
    return {(result.id, result.mode): result.verdict for result in results}


def everything() -> list[Task]:
    return tasks(Selection(), "1.0")


@pytest.mark.parametrize("address", REFERENCES)
def test_reference_keeps_the_whole_law_in_any_order_and_alone(address: str) -> None:
    usual = list(run_tasks(address, everything()))
    assert [told(result) for result in usual if result.verdict not in ("pass", "alternative", "unsupported")] == []
    assert verdicts(run_tasks(address, everything(), shuffle=11, alone=True)) == verdicts(usual)


def told(result: Result) -> str:
    return f"{result.id} ({result.mode}): {result.verdict}: {result.message}"


def test_selection_restricts_by_every_field() -> None:
    whole = everything()
    assert {task[0].partition("-")[0] for task in tasks(Selection(areas=("DET",)), "1.0")} == {"DET"}
    assert {task[1] for task in tasks(Selection(modes=("validation_off",)), "1.0")} == {"validation_off"}
    for narrower in (Selection(levels=("should",)), Selection(tiers=(3,)), Selection(profile="core")):
        assert 0 < len(tasks(narrower, "1.0")) < len(whole)
    assert tasks(Selection(profile="extended"), "1.0") == whole


def test_areas_and_clauses_unite() -> None:
    chosen = tasks(Selection(areas=("DET",), clauses=("LOGP-008",)), "1.0")
    assert {task[0].partition("-")[0] for task in chosen} == {"DET", "LOGP"}
