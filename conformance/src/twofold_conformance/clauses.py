"""The clause table: one TOML file an area, the single source of every statement of the law."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from twofold_conformance.api import CAPABILITIES, Flavour

Level = Literal["must", "should", "variant"]


@dataclass(frozen=True)
class Clause:
    """One statement of the law, with a permanent id."""

    id: str
    statement: str
    flavour: Literal["both", "stateful", "stateless"]
    level: Level
    tier: int
    since: str
    provenance: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    alternatives: Mapping[str, str] = field(default_factory=dict)
    rationale: str = ""
    untested: str = ""
    superseded_by: str = ""

    @property
    def area(self) -> str:
        return self.id.partition("-")[0]

    def applies_to(self, flavour: Flavour) -> bool:
        return self.flavour in ("both", flavour)


@cache
def specs() -> tuple[str, ...]:
    """The versions of the law that this kit holds, oldest first."""
    found = [entry.name for entry in (files("twofold_conformance") / "spec").iterdir() if entry.name[:1].isdigit()]
    return tuple(sorted(found, key=lambda name: tuple(map(int, name.split(".")))))


@cache
def load(spec: str = "1.0") -> Mapping[str, Clause]:
    """Every clause of one version of the law, by id, in the order of the files."""
    table: dict[str, Clause] = {}
    for file in sorted((files("twofold_conformance") / "spec" / spec).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            for clause_id, row in tomllib.loads(file.read_text(encoding="utf-8")).items():
                table[clause_id] = _clause(clause_id, row)
    return table


def _clause(clause_id: str, row: Mapping[str, Any]) -> Clause:
    lists = {key: tuple(row[key]) for key in ("needs", "faults", "hints") if key in row}
    unknown = set(lists.get("needs", ())) - set(CAPABILITIES)
    if unknown:
        raise ValueError(f"{clause_id}: unknown capabilities {sorted(unknown)}; the list is in twofold_conformance.api")
    return Clause(id=clause_id, **{**row, **lists})
