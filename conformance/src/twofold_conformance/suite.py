"""Which checks to run, in which order, in how many processes."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase

from twofold_conformance.api import Adapter
from twofold_conformance.clauses import Clause, load
from twofold_conformance.loading import load_adapter
from twofold_conformance.registry import CHECKS, Check, Mode, load_checks
from twofold_conformance.runner import Result, run_check

Task = tuple[str, Mode]
"""The id of a check, and a mode."""


@dataclass(frozen=True)
class Selection:
    """A part of the law; an empty field does not restrict.  Areas and clauses unite, everything else narrows."""

    areas: Sequence[str] = ()
    clauses: Sequence[str] = ()
    case: str = ""
    modes: Sequence[str] = ()
    levels: Sequence[str] = ()
    tiers: Sequence[int] = ()
    profile: str = ""

    def wants(self, clause: Clause) -> bool:
        """Whether the clause belongs to it."""
        return (
            (not (self.areas or self.clauses) or clause.area in self.areas or clause.id in self.clauses)
            and (not self.levels or clause.level in self.levels)
            and (not self.tiers or clause.tier in self.tiers)
            and (not self.profile or in_profile(clause, self.profile))
        )

    def wants_case(self, case: str) -> bool:
        return not self.case or case == self.case or fnmatchcase(case, self.case)


def in_profile(clause: Clause, profile: str) -> bool:
    """core: must and variant clauses of tiers 1 and 2; extended: every clause."""
    return profile == "extended" or (clause.level != "should" and clause.tier <= 2)


def tasks(selection: Selection, spec: str) -> list[Task]:
    """The checks of a selection, clause by clause."""
    table, order = load(spec), {clause_id: number for number, clause_id in enumerate(load(spec))}
    chosen = [
        (check.id, mode)
        for check in load_checks().values()
        if check.clause in table and selection.wants(table[check.clause]) and selection.wants_case(check.case)
        for mode in check.modes
        if not selection.modes or mode in selection.modes
    ]
    return sorted(chosen, key=lambda task: order[CHECKS[task[0]].clause])


def untested(selection: Selection, spec: str) -> list[Result]:
    """One row for each selected clause that says why nothing can check it."""
    rows = (clause for clause in load(spec).values() if clause.untested and selection.wants(clause))
    return [Result(clause.id, "", "default", "untested", clause.untested) for clause in rows]


def run_tasks(
    address: str, chosen: Sequence[Task], *, shuffle: int | None = None, alone: bool = False, jobs: int = 1
) -> Iterator[Result]:
    """Run checks and give back their verdicts as they come.

    Args:
        address: where the adapter is.
        chosen: what to run.
        shuffle: seed of a random order; the default keeps the order of the clauses.
        alone: make a new adapter for each check.
        jobs: number of processes; with more than one the order of the verdicts is still that of ``chosen``.
    """
    ordered = list(chosen)
    if shuffle is not None:
        random.Random(shuffle).shuffle(ordered)
    if jobs <= 1:
        adapter = None if alone else load_adapter(address)
        for task in ordered:
            yield run_task(task, adapter or load_adapter(address))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=(address, alone)) as pool:
        yield from pool.map(_work, ordered, chunksize=max(1, min(8, len(ordered) // (4 * jobs))))


def run_task(task: Task, adapter: Adapter) -> Result:
    check: Check = load_checks()[task[0]]
    return run_check(check, adapter, task[1])


_worker_adapter: Callable[[], Adapter]


def _start_worker(address: str, alone: bool) -> None:
    global _worker_adapter
    shared = load_adapter(address)
    _worker_adapter = (lambda: load_adapter(address)) if alone else (lambda: shared)


def _work(task: Task) -> Result:
    return run_task(task, _worker_adapter())
