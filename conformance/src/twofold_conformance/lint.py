"""Do clauses, checks and faults fit together?  Every finding is one line that names its place."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from twofold_conformance.clauses import Clause, load, specs
from twofold_conformance.registry import Check, load_checks

SEED_WORDS = 8
GAPS: Mapping[str, frozenset[int]] = {
    "HANDLER": frozenset(
        {8, 9, *range(14, 20), *range(24, 30), 48, 49, 59, 62, 63, 64, *range(71, 75), 84, 89, 93, 94, 98, 99, 103, 104}
    ),
    "MODULE": frozenset({17, 18, 19}),
    "PLATE": frozenset({57, 58, 59, *range(74, 80)}),
    "RMODULE": frozenset(range(12, 20)),
}
"""Numbers that the catalogue skipped between its groups before the first release; they stay unused."""


def findings(seeds: Path | None = None) -> list[str]:
    """Every mistake in this kit.

    Args:
        seeds: a folder of texts, none of whose wording the clauses may share.
    """
    checks = list(load_checks().values())
    found: list[str] = []
    for spec in specs():
        clauses = list(load(spec).values())
        found += ids(_raw_ids(spec))
        found += density(clauses)
        found += contents(clauses)
        found += named_faults(clauses, _fault_names())
        if seeds is not None:
            found += borrowed(clauses, {path.name: path.read_text("utf-8") for path in sorted(seeds.glob("*.txt"))})
    newest = load(specs()[-1])
    found += coverage(newest, checks)
    for path in law_files():
        found += bare_asserts(path.read_text(encoding="utf-8"), path.name)
    return found


def ids(raw: Iterable[tuple[str, str]]) -> list[str]:
    """Ids are well formed, stand in the file of their area, and are unique over all files."""
    found, homes = [], dict[str, str]()
    for clause_id, file in raw:
        if not re.fullmatch(r"[A-Z]+-\d{3}", clause_id):
            found.append(f"{file}: {clause_id!r} is no id; expected AREA-000")
        elif clause_id.partition("-")[0].lower() != file.removesuffix(".toml"):
            found.append(f"{file}: {clause_id} belongs into {clause_id.partition('-')[0].lower()}.toml")
        if clause_id in homes:
            found.append(f"{file}: {clause_id} stands in {homes[clause_id]} too")
        homes[clause_id] = file
    return found


def density(clauses: Sequence[Clause], gaps: Mapping[str, frozenset[int]] = GAPS) -> list[str]:
    """Numbers of an area run from 1 without gaps but the recorded ones, which stay empty."""
    found = []
    areas: dict[str, list[int]] = {}
    for clause in clauses:
        areas.setdefault(clause.area, []).append(int(clause.id.partition("-")[2]))
    for area, numbers in areas.items():
        recorded = gaps.get(area, frozenset())
        missing = set(range(1, max(numbers) + 1)) - set(numbers) - recorded
        found += [f"{area}-{number:03d} is missing; ids are never removed" for number in sorted(missing)]
        found += [
            f"{area}-{number:03d} uses a number that is recorded as a gap" for number in sorted({*numbers} & recorded)
        ]
        if numbers != sorted(numbers):
            found.append(f"{area}: the clauses are not in the order of their numbers")
    return found


def contents(clauses: Sequence[Clause]) -> list[str]:
    """Each clause says something of a known level; a variant has alternatives, and only a variant."""
    found = []
    for clause in clauses:
        if not clause.statement.strip():
            found.append(f"{clause.id}: the statement is empty")
        if clause.level not in ("must", "should", "variant"):
            found.append(f"{clause.id}: level {clause.level!r}; expected must, should or variant")
        if clause.flavour not in ("both", "stateful", "stateless"):
            found.append(f"{clause.id}: flavour {clause.flavour!r}; expected both, stateful or stateless")
        if clause.tier not in (1, 2, 3):
            found.append(f"{clause.id}: tier {clause.tier!r}; expected 1, 2 or 3")
        if clause.provenance.get("relation") not in ("stated", "implied", "modern"):
            found.append(f"{clause.id}: provenance must have a relation: stated, implied or modern")
        if (clause.level == "variant") != (len(clause.alternatives) >= 2):
            found.append(f"{clause.id}: a variant clause, and only that, names at least two alternatives")
    return found


def coverage(clauses: Mapping[str, Clause], checks: Sequence[Check]) -> list[str]:
    """Every clause has a check or says why not; every check has a clause."""
    checked = {check.clause for check in checks}
    found = []
    for clause in clauses.values():
        if clause.id not in checked and not clause.untested.strip():
            found.append(f'{clause.id} has no check; write one or give `untested = "reason"`')
        if clause.id in checked and clause.untested:
            found.append(f"{clause.id} has a check and says that it is untested")
    found += [f"check {check.id} speaks of no known clause" for check in checks if check.clause not in clauses]
    return found


def bare_asserts(source: str, name: str) -> list[str]:
    """Checks assert through ``k.expect`` only: an assert says nothing and vanishes under ``python -O``."""
    lines = [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
    return [f"{name}:{line}: a bare assert; use k.expect" for line in sorted(lines)]


def named_faults(clauses: Sequence[Clause], known: Iterable[str]) -> list[str]:
    """Faults that clauses name exist, and every fault is named by a clause."""
    known = set(known)
    named = {(clause.id, fault) for clause in clauses for fault in clause.faults}
    found = [
        f"{clause_id} names the fault {fault!r}, which does not exist"
        for clause_id, fault in sorted(named)
        if fault not in known
    ]
    found += [f"no clause names the fault {fault!r}" for fault in sorted(known - {fault for _, fault in named})]
    found += [
        f"{clause.id} is a must and names no fault that it would notice"
        for clause in clauses
        if clause.level == "must" and not clause.faults and not clause.untested
    ]
    return found


def borrowed(clauses: Sequence[Clause], texts: Mapping[str, str]) -> list[str]:
    """No clause repeats eight consecutive words of a page that the law was drawn from."""
    pages = {name: set(_runs(text)) for name, text in texts.items()}
    if not pages:
        return ["the folder of seed texts holds no .txt file"]
    found = []
    for clause in clauses:
        for name, runs in pages.items():
            shared = next((run for run in _runs(f"{clause.statement} {clause.rationale}") if run in runs), None)
            if shared:
                found.append(f"{clause.id} shares words with {name}: {' '.join(shared)!r}")
    return found


def law_files() -> list[Path]:
    """The source files of the checks."""
    folder = files("twofold_conformance") / "laws"
    return [Path(str(entry)) for entry in folder.iterdir() if entry.name.endswith(".py")]


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9_]+", text.lower())
    return (tuple(words[start : start + SEED_WORDS]) for start in range(len(words) - SEED_WORDS + 1))


def _raw_ids(spec: str) -> list[tuple[str, str]]:
    entries = [
        entry for entry in (files("twofold_conformance") / "spec" / spec).iterdir() if entry.name.endswith(".toml")
    ]
    tables: list[tuple[str, Mapping[str, Any]]] = [
        (entry.name, tomllib.loads(entry.read_text(encoding="utf-8"))) for entry in entries
    ]
    return [(clause_id, name) for name, table in tables for clause_id in table]


def _fault_names() -> list[str]:
    from twofold_conformance.faulty import faults

    return list(faults())
