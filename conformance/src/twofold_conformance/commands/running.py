"""``run`` and ``adapter-check``."""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from typing import Any

from twofold_conformance import smoke
from twofold_conformance.api import Adapter
from twofold_conformance.clauses import load
from twofold_conformance.deviations import Deviations, read
from twofold_conformance.exits import ADAPTER, CONFORMING, FAILURES, UsageError
from twofold_conformance.failure import describe
from twofold_conformance.loading import AdapterError, load_adapter
from twofold_conformance.registry import load_checks
from twofold_conformance.report import BAD, WORST_FIRST, build, write
from twofold_conformance.runner import Result
from twofold_conformance.suite import Selection, run_tasks, tasks, untested


def run(args: argparse.Namespace) -> int:
    """Run checks, tell what was seen, write the report."""
    adapter = load_adapter(args.ppl)
    if args.spec and args.spec != adapter.spec:
        raise AdapterError(f"--spec {args.spec}: {adapter.name} states spec {adapter.spec}")
    selection = selection_of(args, adapter.spec)
    deviations = read(args.deviations, adapter, load_checks().values())
    chosen = tasks(selection, adapter.spec)
    skipped = [] if args.case or args.mode else untested(selection, adapter.spec)
    if not chosen and not skipped:
        raise UsageError("no check is selected; `twofold-conformance list --checks` shows them")
    started = time.perf_counter()
    stream = run_tasks(args.ppl, chosen, shuffle=args.shuffle, alone=args.alone, jobs=args.jobs)
    results = _watch(stream, len(chosen), deviations, adapter, args) + skipped
    whole = args.profile or "extended"
    complete = selection in (Selection(), Selection(profile=args.profile)) and not args.exitfirst
    profile = whole if complete else "part"
    document = build(adapter, results, address=args.ppl, profile=profile, seconds=time.perf_counter() - started)
    if args.report:
        write(document, args.report)
    _summarise(document, args.quiet)
    return status(results)


def selection_of(args: argparse.Namespace, spec: str) -> Selection:
    """The selection that the options describe; unknown ids are refused."""
    table = load(spec)
    areas = {clause.area for clause in table.values()}
    for known, given, what in ((table, args.clause, "clause"), (areas, args.area, "area")):
        unknown = [name for name in given if name not in known]
        if unknown:
            shown = ", ".join(sorted(areas)) if what == "area" else "`twofold-conformance list` shows them"
            raise UsageError(f"there is no {what} {', '.join(unknown)} in spec {spec}; {shown}")
    return Selection(
        areas=tuple(args.area),
        clauses=tuple(args.clause),
        levels=tuple(args.level),
        tiers=tuple(args.tier),
        case=getattr(args, "case", ""),
        modes=tuple(getattr(args, "mode", ())),
        profile=getattr(args, "profile", ""),
    )


def status(results: Iterable[Result]) -> int:
    """The exit status that a set of verdicts deserves."""
    verdicts = {result.verdict for result in results}
    if "error" in verdicts:
        return ADAPTER
    return FAILURES if verdicts & BAD else CONFORMING


def adapter_check(args: argparse.Namespace) -> int:
    """Smoke-test an adapter and say what to mend first."""
    adapter = load_adapter(args.ppl)
    failed: list[str] = []
    for title, problem in smoke.examine(adapter):
        print(f"{'ok     ' if problem is None else 'PROBLEM'}  {title}")
        if problem is not None:
            told = "the same again" if problem in failed else problem
            print("         " + told.replace("\n", "\n         "))
            failed.append(problem)
    advice = f"{len(failed)} problems; begin with the first" if failed else "the adapter is ready for `run`"
    print(f"{adapter.name} {adapter.version}: {advice}")
    return ADAPTER if failed else CONFORMING


def _watch(
    stream: Iterable[Result], total: int, deviations: Deviations, adapter: Adapter, args: argparse.Namespace
) -> list[Result]:
    results: list[Result] = []
    progress = sys.stderr.isatty() and not args.verbose and not args.quiet
    for number, raw in enumerate(stream, 1):
        result = deviations.judge(raw)
        results.append(result)
        if progress:
            print(f"\r{number}/{total} {result.clause:<12}", end="", file=sys.stderr)
        if args.verbose:
            print(f"{result.verdict:<12}{result.id} ({result.mode}, {result.seconds:.2f} s)")
        if result.verdict in BAD and not args.quiet:
            print(f"\n{describe(result, adapter, args.ppl)}\n", flush=True)
            if args.exitfirst:
                break
    if progress:
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    return results


def _summarise(document: dict[str, Any], quiet: bool) -> None:
    totals = document["totals"]
    if not quiet:
        columns = [verdict for verdict in WORST_FIRST if verdict in totals["clauses"]]
        print(f"{'clauses':<10}" + "".join(f"{name:>13}" for name in columns))
        for area, counts in totals["areas"].items():
            print(_line(area, counts, columns))
        print(_line("all", totals["clauses"], columns))
        checks = sum(totals["checks"].values())
        print(f"{checks} checks in {document['seconds']:.1f} s")
        for verdict in sorted(BAD):
            found = dict.fromkeys(row["clause"] for row in document["rows"] if row["verdict"] == verdict)
            if found:
                print(textwrap.fill(f"{verdict}: {', '.join(found)}", 118, subsequent_indent="  "))
    print(document["claim"])


def _line(name: str, counts: dict[str, int], columns: Sequence[str]) -> str:
    return f"{name:<10}" + "".join(f"{counts.get(column, '') or '':>13}" for column in columns)
