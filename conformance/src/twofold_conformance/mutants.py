"""Do the checks notice?  Plants one fault of the reference at a time and runs the clauses that must see it."""

from __future__ import annotations

import json
import multiprocessing
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
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

    @property
    def headline(self) -> str:
        """The first line of the message: which quantity was wrong."""
        return self.message.strip().partition("\n")[0]


@dataclass(frozen=True)
class Plan:
    """Which clauses are asked about one fault."""

    expected: tuple[str, ...]
    """The clauses that name it."""
    clauses: frozenset[str] | None
    """Those to run; None: all."""
    first_only: bool
    """Stop at the first clause that notices."""

    @classmethod
    def of(cls, name: str, *, full: bool) -> Plan:
        """The named clauses; all of them if ``full`` is asked, and until one notices if none is named."""
        named = tuple(clause.id for clause in load(SPEC).values() if name in clause.faults)
        return cls(named, None if full or not named else frozenset(named), first_only=not full and not named)


@dataclass(frozen=True)
class Autopsy:
    """What the checks say of one planted fault."""

    fault: str
    description: str
    expected: tuple[str, ...]
    """The clauses that name it."""
    kills: tuple[Kill, ...] = ()
    pattern: str = ""
    """What the messages of these clauses must match."""

    @property
    def killers(self) -> list[str]:
        """The clauses that notice."""
        return sorted({kill.clause for kill in self.kills})

    def problems(self) -> list[str]:
        """A fault that survives or that nobody names; clauses that name it and miss it, or tell something else."""
        if not self.kills:
            return [f"{self.fault} survives: {self.description}"]
        found = [] if self.expected else [f"{self.fault}: no clause names it"]
        for clause_id in self.expected:
            own = [kill for kill in self.kills if kill.clause == clause_id]
            if not own:
                found.append(f"{self.fault}: {clause_id} names it and does not notice it")
            elif all(kill.verdict == "error" for kill in own):
                found.append(f"{self.fault}: {clause_id} ends in an adapter error instead of a failure")
            elif self.pattern and not any(re.search(self.pattern, kill.message) for kill in own):
                told = f"says {own[0].headline!r}, expected a match of {self.pattern!r}"
                found.append(f"{self.fault}: {clause_id} {told}")
        return found


def examine(name: str, *, full: bool = False) -> Autopsy:
    """Plant one fault and run the clauses of its plan on both flavours of the reference."""
    fault, plan = faults()[name], Plan.of(name, full=full)
    kills: list[Kill] = []
    with fault.apply(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for address in REFERENCES:
            if not (kills and plan.first_only):
                kills += _kills(address, plan)
    return Autopsy(name, fault.description, plan.expected, tuple(kills), fault.pattern)


def examine_all(names: Sequence[str], *, full: bool = False, jobs: int = 1) -> Iterator[Autopsy]:
    """The autopsy of each named fault, in order."""
    work = _examine_full if full else examine
    if jobs <= 1:
        yield from map(work, names)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(work, names, chunksize=4)


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
                "killed_by": {kill.clause: kill.headline for kill in sorted(row.kills, key=lambda kill: kill.clause)},
            }
            for row in sorted(rows, key=lambda row: row.fault)
        },
    }


def problems(autopsies: Sequence[Autopsy]) -> list[str]:
    """Everything that is wrong: surviving faults, clauses that miss theirs, must-clauses that notice nothing."""
    found = [problem for autopsy in autopsies for problem in autopsy.problems()]
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


def _kills(address: str, plan: Plan) -> Iterator[Kill]:
    adapter = load_adapter(address)
    dead: set[str] = set()
    for check in _ordered(plan):
        if check.clause in dead or why_unsupported(load(SPEC)[check.clause], adapter, "default", check.needs):
            continue
        for mode in check.modes:
            result = run_check(check, adapter, mode)
            if result.verdict in ("fail", "error"):
                dead.add(check.clause)
                yield Kill(check.clause, adapter.flavour, check.id, result.verdict, result.message)
                break
        if dead and plan.first_only:
            return


def _ordered(plan: Plan) -> list[Check]:
    """The checks to run, quick ones first.  Slow ones ask another process, which knows of no fault, and are left out
    unless their clause names the fault."""
    wanted = [check for check in load_checks().values() if plan.clauses is None or check.clause in plan.clauses]
    asked = [check for check in wanted if not check.slow or check.clause in plan.expected]
    return sorted(asked, key=lambda check: (check.slow, check.stochastic))
