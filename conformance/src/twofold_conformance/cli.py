"""The command line: ``twofold-conformance`` or ``python -m twofold_conformance``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from twofold_conformance.loading import AdapterError, load_adapter
from twofold_conformance.registry import load_checks
from twofold_conformance.runner import run_check


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="twofold-conformance")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--ppl", required=True)
    run.add_argument("--area", action="append", default=[])
    run.add_argument("--clause", action="append", default=[])
    run.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args(argv)
    try:
        adapter = load_adapter(args.ppl)
    except AdapterError as error:
        print(error, file=sys.stderr)
        return 3
    counts: Counter[str] = Counter()
    for check in load_checks().values():
        if args.clause and check.clause not in args.clause:
            continue
        if args.area and check.clause.partition("-")[0] not in args.area:
            continue
        for mode in check.modes:
            result = run_check(check, adapter, mode)
            counts[result.verdict] += 1
            if args.verbose or result.verdict in ("fail", "error"):
                print(f"{result.verdict:12} {check.id} ({mode}, {result.seconds:.2f} s)\n{result.message}")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no check selected")
    return 1 if counts["fail"] or counts["error"] else 0


if __name__ == "__main__":
    sys.exit(main())
