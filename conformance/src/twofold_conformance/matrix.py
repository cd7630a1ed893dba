"""Clause by implementation: several reports set side by side as one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from twofold_conformance.clauses import Clause, load
from twofold_conformance.report import WORST_FIRST, by_clause

Standing = Literal["holds", "deviates", "fails", "error", "not offered", "untested", "absent"]
STANDINGS: Mapping[str, Standing] = {
    "pass": "holds",
    "alternative": "holds",
    "xfail": "deviates",
    "fail": "fails",
    "xpass": "fails",
    "error": "error",
    "unsupported": "not offered",
    "untested": "untested",
}
COLUMNS: Sequence[Standing] = ("holds", "deviates", "fails", "error", "not offered", "untested")
FORMAT = "twofold-conformance-matrix/1"


def assemble(reports: Sequence[Mapping[str, Any]], *, title: str = "Conformance matrix") -> dict[str, Any]:
    """The matrix of several reports of one version of the law.

    Args:
        reports: documents as ``report.read`` gives them.
        title: heading of the page.
    """
    spec = reports[0]["spec"]
    clauses = [_clause(clause, reports) for clause in load(spec).values()]
    return {
        "format": FORMAT,
        "title": title,
        "spec": spec,
        "kit": reports[0]["kit"],
        "implementations": [_implementation(report, position, clauses) for position, report in enumerate(reports)],
        "clauses": clauses,
    }


def table(document: Mapping[str, Any]) -> str:
    """The totals as text."""
    width = max(len(_label(made)) for made in document["implementations"]) + 2
    lines = [f"{'':<{width}}" + "".join(f"{name:>15}" for name in (*COLUMNS, "other flavour"))]
    for made in document["implementations"]:
        totals = shown_totals(made)
        lines.append(f"{_label(made):<{width}}" + "".join(f"{count:>15}" for count in totals.values()))
    disputed = sum(disagreement([cell["standing"] for cell in clause["cells"]]) > 0 for clause in document["clauses"])
    return "\n".join([*lines, f"{len(document['clauses'])} clauses, {disputed} on which implementations disagree"])


def disagreement(standings: Sequence[str]) -> int:
    """How many implementations are in the minority among those that the clause applies to."""
    held = sum(standing == "holds" for standing in standings)
    broken = sum(standing in ("deviates", "fails", "error") for standing in standings)
    return min(held, broken) * 10 + broken if held and broken else 0


def shown_totals(made: Mapping[str, Any]) -> dict[str, int]:
    """The totals of one implementation; clauses of the other flavour stand apart from those that it does not offer."""
    totals: dict[str, int] = {name: made["totals"].get(name, 0) for name in COLUMNS}
    totals["not offered"] -= made["other_flavour"]
    return {**totals, "other flavour": made["other_flavour"]}


def _label(made: Mapping[str, Any]) -> str:
    return f"{made['name']} {made['version']} ({made['flavour']})"


def _implementation(report: Mapping[str, Any], position: int, clauses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    areas: dict[str, Counter[str]] = {}
    for clause in clauses:
        areas.setdefault(clause["area"], Counter())[clause["cells"][position]["standing"]] += 1
    totals = sum(areas.values(), Counter())
    facts = {name: report[name] for name in ("claim", "python", "platform", "libraries", "seconds", "profile")}
    made = {name: report["implementation"][name] for name in ("name", "version", "flavour", "choices")}
    strange = (clause for clause in clauses if clause["flavour"] not in ("both", made["flavour"]))
    made["other_flavour"] = sum(clause["cells"][position]["standing"] == "not offered" for clause in strange)
    return {**made, **facts, "totals": dict(totals), "areas": {area: dict(counts) for area, counts in areas.items()}}


def _clause(clause: Clause, reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "id": clause.id,
        "area": clause.area,
        "statement": clause.statement,
        "level": clause.level,
        "tier": clause.tier,
        "flavour": clause.flavour,
        "provenance": dict(clause.provenance),
        "rationale": clause.rationale,
        "alternatives": dict(clause.alternatives),
        "needs": list(clause.needs),
        "cases": _cases(clause, reports),
        "cells": [_cell(clause, report) for report in reports],
    }


def _cases(clause: Clause, reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """The cases that were checked, each under its name."""
    rows = (row for report in reports for row in report["rows"] if row["clause"] == clause.id)
    return list(dict.fromkeys(row["case"] for row in rows if row["case"]))


def _cell(clause: Clause, report: Mapping[str, Any]) -> dict[str, Any]:
    rows = [row for row in report["rows"] if row["clause"] == clause.id]
    if not rows:
        return {"verdict": "", "standing": "absent", "evidence": [], "checks": 0}
    verdict = by_clause((row["clause"], row["verdict"]) for row in rows)[clause.id]
    telling = sorted((row for row in rows if _telling(row)), key=lambda row: WORST_FIRST.index(row["verdict"]))
    cell: dict[str, Any] = {
        "verdict": verdict,
        "standing": STANDINGS[verdict],
        "checks": len(rows),
        "evidence": [_evidence(row) for row in telling],
    }
    choice = report["implementation"]["choices"].get(clause.id, "")
    return {**cell, "alternative": choice} if choice and verdict == "alternative" else cell


def _telling(row: Mapping[str, Any]) -> bool:
    return row["verdict"] not in ("pass", "alternative")


def _evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("case", "mode", "verdict", "message", "model", "deviation")
    return {name: row[name] for name in kept if row.get(name)}
