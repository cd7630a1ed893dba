"""``list``, ``explain``, ``lint`` and ``init-adapter``."""

from __future__ import annotations

import argparse
import inspect
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from twofold_conformance import lint as linter
from twofold_conformance.api import CAPABILITIES
from twofold_conformance.clauses import Clause, load, specs
from twofold_conformance.commands.running import selection_of
from twofold_conformance.exits import CONFORMING, FAILURES, UsageError
from twofold_conformance.faulty import descriptions
from twofold_conformance.registry import Check, load_checks
from twofold_conformance.scaffold import skeleton


def list_clauses(args: argparse.Namespace) -> int:
    """One line for each clause, check or capability."""
    if args.capabilities:
        for name, text in CAPABILITIES.items():
            print(f"{name:<24}{text}")
        return CONFORMING
    spec = args.spec or specs()[-1]
    selection = selection_of(args, spec)
    checks = [check for check in load_checks().values() if check.clause in load(spec)]
    if args.checks:
        for check in checks:
            if selection.wants(load(spec)[check.clause]):
                print(f"{check.id:<60} {' '.join(check.modes)}{' stochastic' if check.stochastic else ''}")
        return CONFORMING
    cases = Counter(check.clause for check in checks)
    for clause in load(spec).values():
        if selection.wants(clause):
            facts = (
                f"{clause.id:<13}{clause.level:<9}tier {clause.tier}  {clause.flavour:<10}{cases[clause.id]:>3} checks"
            )
            print(f"{facts}  " + textwrap.shorten(clause.statement, 90, placeholder=" ..."))
    return CONFORMING


def explain(args: argparse.Namespace) -> int:
    """Everything that the kit knows of one clause."""
    spec = args.spec or specs()[-1]
    clause = load(spec).get(args.clause)
    if clause is None:
        raise UsageError(f"there is no clause {args.clause} in spec {spec}; `twofold-conformance list` shows them")
    print(f"{clause.id}: {clause.level}, tier {clause.tier}, {clause.flavour}, since {clause.since}")
    print(textwrap.fill(clause.statement, 100, initial_indent="  ", subsequent_indent="  "))
    for title, lines in _sections(clause):
        if lines:
            print(f"\n{title}")
            print(textwrap.indent("\n".join(lines), "  "))
    return CONFORMING


def lint(args: argparse.Namespace) -> int:
    """Print every finding of the linter."""
    findings = linter.findings(seeds=Path(args.seeds) if args.seeds else None)
    print("\n".join([*findings, f"{len(findings)} findings" if findings else "the kit is in order"]))
    return FAILURES if findings else CONFORMING


def init_adapter(args: argparse.Namespace) -> int:
    """Write the skeleton of an adapter, never over an existing file."""
    text = skeleton(args.name, args.flavour)
    if not args.output:
        print(text, end="")
        return CONFORMING
    target = Path(args.output)
    if target.exists():
        raise UsageError(f"{target} exists; name another file")
    target.write_text(text, encoding="utf-8")
    print(f"wrote {target}; next: twofold-conformance adapter-check --ppl {target}:Adapter")
    return CONFORMING


def _sections(clause: Clause) -> Iterator[tuple[str, list[str]]]:
    yield "Origin", [f"{name}: {text}" for name, text in clause.provenance.items()]
    yield "Why", [clause.rationale] if clause.rationale else []
    yield "Alternatives", [f"{name}: {text}" for name, text in clause.alternatives.items()]
    yield "Asked only of", [f"{name}: {CAPABILITIES[name]}" for name in clause.needs]
    yield "Not checked", [clause.untested] if clause.untested else []
    yield "When it fails, look here", list(clause.hints)
    told = descriptions()
    yield "Faults of the reference that it must notice", [f"{name}: {told.get(name, '')}" for name in clause.faults]
    yield "Recorded deviations", _deviations(clause.id)
    yield "Checks", [_source(check) for check in load_checks().values() if check.clause == clause.id]


def _deviations(clause_id: str) -> list[str]:
    lines = []
    folder = files("twofold_conformance") / "deviations"
    for entry in sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []:
        if entry.name.endswith(".toml"):
            rows = tomllib.loads(entry.read_text(encoding="utf-8")).get("deviation", [])
            peer = entry.name.removesuffix(".toml")
            lines += [
                f"{peer}: {row['reason']} (seen: {row['observed']})" for row in rows if row["clause"] == clause_id
            ]
    return lines


def _source(check: Check) -> str:
    facts = ", ".join([*check.modes, *(["stochastic"] if check.stochastic else []), *(["slow"] if check.slow else [])])
    return f"{check.id} ({facts})\n{textwrap.indent(textwrap.dedent(inspect.getsource(check.function)), '    ')}"
