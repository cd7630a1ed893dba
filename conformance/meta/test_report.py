"""The report is what its schema says, and a damaged one is named as such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twofold_conformance.comparison import compare
from twofold_conformance.deviations import Deviation
from twofold_conformance.reference.adapter import StatefulReference
from twofold_conformance.report import ReportError, build, by_clause, read, write
from twofold_conformance.runner import Result
from twofold_conformance.schema import problems, report_schema

KNOWN = Deviation("DET-002", "an old habit", "returns v + 1")
RESULTS = [
    Result("DET-001", "", "default", "pass", seconds=0.01),
    Result("DET-001", "in a plate", "default", "fail", "value of d", model="def model(): ..."),
    Result("DET-002", "", "default", "xfail", "value of d", deviation=KNOWN),
    Result("PLATE-025", "", "default", "alternative", alternative="B"),
    Result("STORE-001", "", "default", "unsupported", "needs store"),
    Result("JIT-001", "", "default", "untested", "no such machine"),
]


def report(results=RESULTS, **settings):
    return build(StatefulReference(), results, **settings)


def test_report_keeps_its_schema_and_survives_the_file(tmp_path: Path) -> None:
    document = report(seconds=1.5, profile="core", address="a.py:B")
    assert problems(document, report_schema()) == []
    write(document, tmp_path / "new" / "report.json")
    assert read(tmp_path / "new" / "report.json") == document


def test_a_clause_is_as_good_as_its_worst_check() -> None:
    assert by_clause((result.clause, result.verdict) for result in RESULTS) == {
        "DET-001": "fail",
        "DET-002": "xfail",
        "PLATE-025": "alternative",
        "STORE-001": "unsupported",
        "JIT-001": "untested",
    }


def test_totals_count_clauses_by_area_and_tier() -> None:
    totals = report()["totals"]
    assert totals["clauses"] == {"fail": 1, "xfail": 1, "alternative": 1, "untested": 1, "unsupported": 1}
    assert totals["areas"]["DET"] == {"fail": 1, "xfail": 1}
    assert sum(sum(counts.values()) for counts in totals["tiers"].values()) == 5


def test_claim_counts_only_what_was_checked() -> None:
    claim = report(profile="extended")["claim"]
    assert "spec 1.0 extended-stateful, 1/3 clauses, 1 recorded deviations" in claim
    assert "PLATE-025=" in claim


DAMAGE = {
    "no report": (lambda document: document.clear(), "lacks 'format'"),
    "other format": (lambda document: document.update(format="x/1"), "report.format: seen 'x/1'"),
    "verdict": (lambda document: document["rows"][0].update(verdict="great"), "report.rows[0].verdict: seen 'great'"),
    "type": (lambda document: document["rows"][0].update(seconds="long"), "expected number"),
    "negative": (lambda document: document.update(seconds=-1), "expected at least 0"),
    "clause": (lambda document: document["rows"][0].update(clause="det1"), "expected a match"),
    "more": (lambda document: document.update(extra=1), "unknown field 'extra'"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_report_is_refused(tmp_path: Path, damage, message: str) -> None:
    document = json.loads(json.dumps(report()))
    damage(document)
    path = tmp_path / "report.json"
    write(document, path)
    with pytest.raises(ReportError) as caught:
        read(path)
    assert message in str(caught.value)


def test_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(ReportError, match="is no JSON"):
        read(tmp_path / "report.json")


def test_diff_sorts_changes() -> None:
    new = report(
        [
            Result("DET-001", "", "default", "fail"),
            Result("DET-001", "in a plate", "default", "pass"),
            Result("DET-002", "", "default", "xfail", deviation=KNOWN),
            Result("PLATE-025", "", "default", "alternative"),
            Result("STORE-001", "", "default", "pass"),
            Result("DET-003", "", "default", "pass"),
        ]
    )
    change = compare(report(), new)
    assert change.worse == {("DET-001", "", "default"): ("pass", "fail")}
    assert list(change.better) == [("DET-001", "in a plate", "default"), ("STORE-001", "", "default")]
    assert set(change.other) == {("JIT-001", "", "default"), ("DET-003", "", "default")}
    assert "DET-001[in a plate] (default): fail -> pass" in change.text()
    assert compare(new, new).text().endswith("no verdict changed")


def test_clause_that_is_no_longer_offered_is_worse() -> None:
    change = compare(report(RESULTS[:1]), report([Result("DET-001", "", "default", "unsupported")]))
    assert change.worse
