"""What a reader is told about a broken clause."""

from __future__ import annotations

import platform
import shlex
import textwrap

from twofold_conformance.api import Adapter
from twofold_conformance.clauses import Clause, load
from twofold_conformance.runner import Result

HEADLINES = {
    "fail": "breaks {id}",
    "xpass": "keeps {id}, which is recorded as a deviation",
    "error": "could not be held against {id}",
}


def describe(result: Result, adapter: Adapter, address: str = "") -> str:
    """The whole story of one verdict that needs attention.

    Args:
        result: the verdict.
        adapter: the implementation's adapter.
        address: how the adapter was named; the default derives it from the adapter's class.
    """
    clause = load(adapter.spec)[result.clause]
    headline = HEADLINES.get(result.verdict, f"{result.verdict} at {{id}}").format(id=result.id)
    parts = [
        f"{adapter.name} {adapter.version} {headline} (mode {result.mode})",
        textwrap.indent(statement(clause), "  "),
        result.message.rstrip(),
    ]
    if result.model:
        parts.append("The model:\n" + textwrap.indent(result.model, "    "))
    if clause.hints and result.verdict == "fail":
        parts.append("Look here first:\n" + "\n".join(f"  - {hint}" for hint in clause.hints))
    parts.append(
        f"Implementation: {adapter.name} {adapter.version}, {adapter.flavour}; Python {platform.python_version()}"
    )
    parts.append(f"Repeat with:\n  {command(result, adapter, address)}")
    return "\n".join(parts)


def statement(clause: Clause) -> str:
    """The clause in words, with its level, tier and origin."""
    origin = clause.provenance
    source = origin.get("source", "") or origin.get("relation", "")
    lines = [f"{clause.level}, tier {clause.tier}, {clause.flavour}, since {clause.since}; {source}"]
    lines += textwrap.wrap(clause.statement, 100)
    lines += [f"alternative {name}: {text}" for name, text in clause.alternatives.items()]
    return "\n".join(lines)


def command(result: Result, adapter: Adapter, address: str = "") -> str:
    """The exact command that repeats one check."""
    address = address or f"{type(adapter).__module__}:{type(adapter).__qualname__}"
    words = ["twofold-conformance", "run", "--ppl", address, "--clause", result.clause]
    if result.case:
        words += ["--case", result.case]
    if result.mode != "default":
        words += ["--mode", result.mode]
    return shlex.join(words)
