"""``matrix`` and ``diff``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from twofold_conformance.comparison import compare
from twofold_conformance.exits import CONFORMING, FAILURES, UsageError
from twofold_conformance.html import page
from twofold_conformance.matrix import assemble, table
from twofold_conformance.report import read


def matrix(args: argparse.Namespace) -> int:
    """Print the totals of several reports side by side and write the page."""
    reports = [read(path) for path in args.reports]
    versions = {report["spec"] for report in reports}
    if len(versions) > 1:
        raise UsageError(f"the reports speak of different versions of the law: {', '.join(sorted(versions))}")
    document = assemble(reports, title=args.title)
    if args.json:
        _save(args.json, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if args.html:
        _save(args.html, page(document))
    print(table(document))
    return CONFORMING


def diff(args: argparse.Namespace) -> int:
    """Print what changed between two reports; a lost clause is a failure."""
    change = compare(read(args.old), read(args.new))
    print(change.text())
    return FAILURES if change.worse else CONFORMING


def _save(path: str, text: str) -> None:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"wrote {target}")
