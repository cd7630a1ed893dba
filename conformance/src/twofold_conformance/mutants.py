"""Do the checks notice?  Plants one fault of the reference at a time and runs the clauses that must see it."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twofold_conformance.clauses import load
from twofold_conformance.faulty import faults
from twofold_conformance.loading import load_adapter
from twofold_conformance.registry import Check, load_checks
from twofold_conformance.runner import run_check, why_unsupported

REFERENCES = (
    "twofold_conformance.reference.adapter:StatefulReference",
    "twofold_conformance.reference.adapter:StatelessReference",
)
SPEC = "1.0"
FORMAT = "twofold-conformance-kills/1"


@dataclass(frozen=True)
class Kill:
    """One clause's answer to one fault."""

    clause: str
    flavour: str
    check: str
    verdict: str
    message: str


@dataclass(frozen=True)
class Autopsy:
    """What the checks say of one planted fault."""

    fault: str
    description: str
    expected: tuple[str, ...]
    """The clauses that name it."""
    kills: tuple[Kill, ...] = ()
    pattern: str = ""
    problems: tuple[str, ...] = field(default=())

    @property
    def killers(self) -> list[str]:
        return sorted({kill.clause for kill in self.kills})


def examine(name: str, *, full: bool = False) -> Autopsy:
    """Plant one fault and run the clauses that name it, or all clauses if none does or ``full`` is asked."""
    fault = faults()[name]
    expected = tuple(clause.id for clause in load(SPEC).values() if name in clause.faults)
    wanted = None if full or not expected else set(expected)
    kills = []
    with fault.apply():
        for address in REFERENCES:
            kills += list(_kills(address, wanted, full))
    pattern = getattr(fault, "pattern", "")
    autopsy = Autopsy(name, fault.description, expected, tuple(kills), pattern)
    return Autopsy(name, fault.description, expected, tuple(kills), pattern, tuple(_problems(autopsy)))


def examine_all(names: Sequence[str], *, full: bool = False, jobs: int = 1) -> Iterator[Autopsy]:
    """The autopsy of each named fault, in order."""
    if jobs <= 1:
        yield from (examine(name, full=full) for name in names)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(_examine_full if full else examine, names)


def matrix(autopsies: Iterable[Autopsy]) -> dict[str, Any]:
    """The kill matrix as a JSON document."""
    rows = list(autopsies)
    return {
        "format": FORMAT,
        "spec": SPEC,
        "killed": sum(bool(row.kills) for row in rows),
        "faults": {
            row.fault: {
                "description": row.description,
                "killed_by": {kill.clause: _headline(kill) for kill in sorted(row.kills, key=lambda kill: kill.clause)},
            }
            for row in sorted(rows, key=lambda row: row.fault)
        },
    }


def problems(autopsies: Sequence[Autopsy]) -> list[str]:
    """Everything that is wrong: surviving faults, clauses that miss theirs, must-clauses that notice nothing."""
    found = [problem for autopsy in autopsies for problem in autopsy.problems]
    killers = {clause_id for autopsy in autopsies for clause_id in autopsy.killers}
    idle = [clause.id for clause in load(SPEC).values() if clause.level == "must" and not clause.untested]
    return found + [f"{clause_id} is a must and kills no fault" for clause_id in idle if clause_id not in killers]


def differences(new: Mapping[str, Any], path: Path) -> list[str]:
    """Where a fresh kill matrix departs from the committed one; wording apart."""
    if not path.is_file():
        return [f"there is no file {path}"]
    old = json.loads(path.read_text(encoding="utf-8"))
    before = {name: set(row["killed_by"]) for name, row in old.get("faults", {}).items()}
    after = {name: set(row["killed_by"]) for name, row in new["faults"].items()}
    found = [f"{name}: not in {path.name}" for name in sorted(after.keys() - before.keys())]
    found += [f"{name}: in {path.name}, but there is no such fault" for name in sorted(before.keys() - after.keys())]
    for name in sorted(before.keys() & after.keys()):
        found += [f"{name}: {clause_id} kills it no longer" for clause_id in sorted(before[name] - after[name])]
        found += [f"{name}: {clause_id} kills it now" for clause_id in sorted(after[name] - before[name])]
    return found


def _examine_full(name: str) -> Autopsy:
    return examine(name, full=True)


def _kills(address: str, wanted: set[str] | None, full: bool) -> Iterator[Kill]:
    adapter = load_adapter(address)
    dead: set[str] = set()
    for check in _ordered(wanted):
        if check.clause in dead or why_unsupported(load(SPEC)[check.clause], adapter, "default"):
            continue
        for mode in check.modes:
            result = run_check(check, adapter, mode)
            if result.verdict in ("fail", "error"):
                dead.add(check.clause)
                yield Kill(check.clause, adapter.flavour, check.id, result.verdict, result.message)
                break
        if wanted is None and not full and dead:
            return


def _ordered(wanted: set[str] | None) -> list[Check]:
    """The checks of the wanted clauses; the quick ones first."""
    chosen = [check for check in load_checks().values() if wanted is None or check.clause in wanted]
    return sorted(chosen, key=lambda check: (check.slow, check.stochastic))


def _problems(autopsy: Autopsy) -> Iterator[str]:
    if not autopsy.kills:
        yield f"{autopsy.fault} survives: {autopsy.description}"
    for clause_id in autopsy.expected:
        own = [kill for kill in autopsy.kills if kill.clause == clause_id]
        if not own and autopsy.kills:
            yield f"{autopsy.fault}: {clause_id} names it and does not notice it"
        if own and all(kill.verdict == "error" for kill in own):
            yield f"{autopsy.fault}: {clause_id} ends in an adapter error instead of a failure"
        if own and autopsy.pattern and not any(re.search(autopsy.pattern, kill.message) for kill in own):
            yield f"{autopsy.fault}: {clause_id} says {_headline(own[0])!r}, expected a match of {autopsy.pattern!r}"


def _headline(kill: Kill) -> str:
    return kill.message.strip().partition("\n")[0]
