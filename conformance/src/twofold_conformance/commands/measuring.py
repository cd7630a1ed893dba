"""``mutants``."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from twofold_conformance import mutants as kills
from twofold_conformance.exits import CONFORMING, FAILURES, UsageError
from twofold_conformance.faulty import faults


def mutants(args: argparse.Namespace) -> int:
    """Plant faults, tell who notices, write or compare the kill matrix."""
    unknown = [name for name in args.fault if name not in faults()]
    if unknown:
        raise UsageError(f"there is no fault {', '.join(unknown)}; known are {', '.join(sorted(faults()))}")
    if args.fault and (args.output or args.check):
        raise UsageError("--output and --check need every fault; leave out --fault")
    started = time.perf_counter()
    autopsies = []
    for autopsy in kills.examine_all(args.fault or sorted(faults()), full=args.full, jobs=args.jobs):
        autopsies.append(autopsy)
        print(
            f"{'killed  ' if autopsy.kills else 'SURVIVES'} {autopsy.fault}: {', '.join(autopsy.killers)}", flush=True
        )
    document = kills.matrix(autopsies)
    found = [problem for autopsy in autopsies for problem in autopsy.problems()]
    if not args.fault:
        found = kills.problems(autopsies)
    if args.check:
        found += kills.differences(document, Path(args.check))
    if args.output:
        Path(args.output).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    seconds = time.perf_counter() - started
    print("\n".join([*found, f"{document['killed']} of {len(autopsies)} faults killed in {seconds:.1f} s"]))
    return FAILURES if found else CONFORMING
