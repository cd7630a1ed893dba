"""Planted faults are noticed, and the kill matrix tells by whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twofold_conformance.clauses import load
from twofold_conformance.faults import FAULTS
from twofold_conformance.mutants import Autopsy, Kill, Plan, differences, examine, examine_all, matrix, problems
from twofold_conformance.reference.adapter import StatefulReference
from twofold_conformance.registry import load_checks
from twofold_conformance.runner import run_check

COMMITTED = Path(__file__).with_name("kill_matrix.json")
KILL = Kill("DET-001", "stateful", "DET-001", "fail", "value of d\n  seen:     2")


def autopsy(**settings) -> Autopsy:
    return Autopsy(
        **{"fault": "wrong", "description": "returns v + 1", "expected": ("DET-001",), "kills": (KILL,), **settings}
    )


def test_committed_matrix_speaks_of_the_faults_and_clauses_that_exist() -> None:
    document = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert set(document["faults"]) == set(FAULTS)
    for name, row in document["faults"].items():
        named = {clause.id for clause in load().values() if name in clause.faults}
        assert named, name
        assert named <= set(row["killed_by"]), name
        assert row["description"] == FAULTS[name].description


def test_committed_matrix_lets_no_fault_live_and_no_must_clause_idle() -> None:
    document = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert [name for name, row in document["faults"].items() if not row["killed_by"]] == []
    killers = {clause_id for row in document["faults"].values() for clause_id in row["killed_by"]}
    assert [clause.id for clause in load().values() if clause.level == "must" and clause.id not in killers] == []


def test_every_fault_is_noticed_by_each_clause_that_names_it_and_the_matrix_is_current() -> None:
    found = list(examine_all(sorted(FAULTS)))
    assert problems(found) == []
    assert differences(matrix(found), COMMITTED) == []


def test_reference_is_whole_again_after_a_fault() -> None:
    checks = [check for check in load_checks().values() if check.clause == "PLATE-005"]
    assert examine("whole_batch_shuffled").killers == ["PLATE-005"]
    assert {run_check(check, StatefulReference()).verdict for check in checks} == {"pass"}


PROBLEMS = {
    "survives": (autopsy(kills=()), "wrong survives: returns v + 1"),
    "not noticed": (autopsy(expected=("DET-001", "DET-002")), "wrong: DET-002 names it and does not notice it"),
    "unnamed": (autopsy(expected=()), "wrong: no clause names it"),
    "error": (autopsy(kills=(Kill("DET-001", "stateful", "x", "error", "boom"),)), "ends in an adapter error"),
    "pattern": (autopsy(pattern="scale of"), "says 'value of d', expected a match of 'scale of'"),
}


@pytest.mark.parametrize(("found", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_problem_is_told(found: Autopsy, message: str) -> None:
    assert any(message in problem for problem in found.problems())


def test_sound_autopsy_has_no_problem() -> None:
    assert autopsy(pattern="value of").problems() == []


def test_idle_must_clause_is_told() -> None:
    assert "PLATE-001 is a must and kills no fault" in problems([autopsy()])


def test_differences_name_fault_and_clause(tmp_path: Path) -> None:
    path = tmp_path / "kills.json"
    assert differences(matrix([autopsy()]), path) == [f"there is no file {path}"]
    path.write_text(json.dumps(matrix([autopsy()])), encoding="utf-8")
    assert differences(matrix([autopsy()]), path) == []
    other = autopsy(kills=(Kill("DET-002", "stateful", "x", "fail", "m"),))
    assert differences(matrix([other, autopsy(fault="more")]), path) == [
        "more: not in kills.json",
        "wrong: DET-001 kills it no longer",
        "wrong: DET-002 kills it now",
    ]
    assert differences(matrix([]), path) == ["wrong: in kills.json, but there is no such fault"]


def test_plan_takes_the_named_clauses_first_and_all_only_where_none_is_named() -> None:
    named = next(name for clause in load().values() for name in clause.faults)
    assert Plan.of(named, full=False).clauses == {clause.id for clause in load().values() if named in clause.faults}
    assert Plan.of(named, full=True).clauses is None
