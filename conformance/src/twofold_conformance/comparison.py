"""What changed between two reports of one implementation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twofold_conformance.report import BAD

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Change:
    """Rows by clause, case and mode, each with its old and new verdict (empty: not there)."""

    old: str
    new: str
    worse: Mapping[Key, tuple[str, str]]
    better: Mapping[Key, tuple[str, str]]
    other: Mapping[Key, tuple[str, str]]

    def text(self) -> str:
        """The change in words."""
        lines = [f"{self.old} -> {self.new}"]
        for title, rows in (("worse", self.worse), ("better", self.better), ("changed", self.other)):
            lines += [f"{title} ({len(rows)})"] if rows else []
            for (clause, case, mode), (before, after) in rows.items():
                name = f"{clause}[{case}]" if case else clause
                lines.append(f"  {name} ({mode}): {before or 'absent'} -> {after or 'absent'}")
        return "\n".join(lines if len(lines) > 1 else [*lines, "no verdict changed"])


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    """Sort the rows whose verdicts differ: worse is a new failure, or a held row that is gone or no longer offered."""
    before, after = _rows(old), _rows(new)
    groups: dict[str, dict[Key, tuple[str, str]]] = {"worse": {}, "better": {}, "other": {}}
    for key in dict.fromkeys([*before, *after]):
        pair = before.get(key, ""), after.get(key, "")
        if pair[0] != pair[1]:
            groups[_kind(*pair)][key] = pair
    return Change(_name(old), _name(new), **groups)


HELD = ("pass", "alternative")


def _kind(before: str, after: str) -> str:
    if after in BAD or (before in HELD and after not in HELD):
        return "worse"
    return "better" if after in HELD and before else "other"


def _rows(report: Mapping[str, Any]) -> dict[Key, str]:
    return {(row["clause"], row["case"], row["mode"]): row["verdict"] for row in report["rows"]}


def _name(report: Mapping[str, Any]) -> str:
    made = report["implementation"]
    return f"{made['name']} {made['version']} (spec {report['spec']}, kit {report['kit']})"
