"""``report.json``: everything that one run has seen, and what follows from it."""

from __future__ import annotations

import json
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twofold_conformance import __version__
from twofold_conformance.api import Adapter
from twofold_conformance.clauses import Clause, load
from twofold_conformance.runner import Result, Verdict
from twofold_conformance.schema import problems, report_schema

FORMAT = "twofold-conformance-report/1"
WORST_FIRST: Sequence[Verdict] = ("error", "fail", "xpass", "xfail", "alternative", "pass", "untested", "unsupported")
BAD: frozenset[str] = frozenset({"error", "fail", "xpass"})
LIBRARIES = ("numpy", "torch", "jax", "jaxlib", "pyro", "numpyro", "funsor")


class ReportError(Exception):
    """A file is no report of this kit."""


def build(
    adapter: Adapter, results: Sequence[Result], *, address: str = "", profile: str = "part", seconds: float = 0.0
) -> dict[str, Any]:
    """The report as a JSON document.

    Args:
        adapter: the implementation's adapter.
        results: its verdicts.
        address: how the adapter was named.
        profile: ``core`` or ``extended`` if the results are those of a whole profile.
        seconds: wall time of the run.
    """
    table = load(adapter.spec)
    verdicts = by_clause((result.clause, result.verdict) for result in results)
    document = {
        "format": FORMAT,
        "kit": __version__,
        "spec": adapter.spec,
        "implementation": {
            "name": adapter.name,
            "version": adapter.version,
            "flavour": adapter.flavour,
            "address": address or f"{type(adapter).__module__}:{type(adapter).__qualname__}",
            "capabilities": sorted(adapter.capabilities),
            "choices": dict(sorted(adapter.choices.items())),
        },
        "libraries": {name: str(sys.modules[name].__version__) for name in LIBRARIES if _versioned(name)},
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "profile": profile,
        "seconds": round(seconds, 3),
        "totals": {
            "clauses": _counts(verdicts.values()),
            "checks": _counts(result.verdict for result in results),
            "areas": _grouped(verdicts, table, lambda clause: clause.area),
            "tiers": _grouped(verdicts, table, lambda clause: str(clause.tier)),
        },
        "rows": [_row(result) for result in results],
    }
    return {**document, "claim": claim(document)}


def by_clause(rows: Iterable[tuple[str, Verdict]]) -> dict[str, Verdict]:
    """One verdict a clause: the worst of its cases and modes."""
    worst: dict[str, Verdict] = {}
    for clause_id, verdict in rows:
        known = worst.get(clause_id, verdict)
        worst[clause_id] = min(known, verdict, key=WORST_FIRST.index)
    return worst


def claim(document: Mapping[str, Any]) -> str:
    """What an implementation may say of itself, in one line."""
    made = document["implementation"]
    counts = Counter(document["totals"]["clauses"])
    checked = sum(counts.values()) - counts["unsupported"] - counts["untested"]
    held = counts["pass"] + counts["alternative"]
    profile = document["profile"]
    scope = f"{profile}-{made['flavour']}" if profile != "part" else f"a part of {made['flavour']}"
    choices = [f"{clause_id}={name}" for clause_id, name in made["choices"].items()]
    parts = [f"spec {document['spec']} {scope}", f"{held}/{checked} clauses", f"{counts['xfail']} recorded deviations"]
    return f"{made['name']} {made['version']}: " + ", ".join(parts + choices)


def write(document: Mapping[str, Any], path: str | Path) -> None:
    """Write a report; the folder is made if it is missing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: str | Path) -> dict[str, Any]:
    """A report from a file, checked against the schema."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError(f"there is no file {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path} is no JSON: {error}") from None
    found = problems(document, report_schema())
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise ReportError(f"{path} is no report of this kit: {'; '.join(found[:3])}{more}")
    checked: dict[str, Any] = document
    return checked


def _row(result: Result) -> dict[str, Any]:
    row: dict[str, Any] = {
        "clause": result.clause,
        "case": result.case,
        "mode": result.mode,
        "verdict": result.verdict,
        "message": result.message,
        "seconds": round(result.seconds, 4),
    }
    row |= {name: value for name in ("model", "alternative") if (value := getattr(result, name))}
    if result.deviation is not None:
        facts = asdict(result.deviation)
        row["deviation"] = {
            name: facts[name] for name in ("reason", "observed", "since", "until", "url") if facts[name]
        }
    return row


def _counts(verdicts: Iterable[str]) -> dict[str, int]:
    counted = Counter(verdicts)
    return {verdict: counted[verdict] for verdict in WORST_FIRST if counted[verdict]}


def _grouped(
    verdicts: Mapping[str, Verdict], table: Mapping[str, Clause], key: Callable[[Clause], str]
) -> dict[str, dict[str, int]]:
    groups: dict[str, list[Verdict]] = {}
    for clause_id, verdict in verdicts.items():
        groups.setdefault(key(table[clause_id]), []).append(verdict)
    return {name: _counts(members) for name, members in groups.items()}


def _versioned(name: str) -> bool:
    return isinstance(getattr(sys.modules.get(name), "__version__", None), str)
