"""The command line: ``twofold-conformance`` or ``python -m twofold_conformance``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twofold_conformance import __version__
from twofold_conformance.clauses import specs
from twofold_conformance.commands import inspecting, measuring, reporting, running
from twofold_conformance.deviations import DeviationError
from twofold_conformance.exits import ADAPTER, USAGE, UsageError
from twofold_conformance.loading import AdapterError
from twofold_conformance.report import ReportError

EPILOG = "exit status: 0 conforming, 1 failures, 2 wrong use, 3 the adapter failed"
PPL = "the adapter: package.module:Name or path/to/file.py:Name"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.action
    try:
        return command(args)
    except (UsageError, DeviationError, ReportError) as error:
        print(f"twofold-conformance {args.command}: {error}", file=sys.stderr)
        return USAGE
    except AdapterError as error:
        print(f"twofold-conformance {args.command}: {error}", file=sys.stderr)
        return ADAPTER
    except BrokenPipeError:
        sys.stderr.close()
        return USAGE


def parser() -> argparse.ArgumentParser:
    """The whole command line, with its help."""
    top = argparse.ArgumentParser(
        prog="twofold-conformance",
        description="Hold an implementation of the language against the law, clause by clause.",
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(commands)
    _inspect(commands)
    _adapters(commands)
    _reports(commands)
    _kit(commands)
    return top


def _command(
    commands: Any, name: str, action: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, epilog=EPILOG)
    made.set_defaults(action=action)
    return made


def _selection(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group(
        "selection (each may be given several times; areas and clauses unite, the others narrow)"
    )
    group.add_argument("--area", action="append", default=[], type=str.upper, help="such as PLATE")
    group.add_argument("--clause", action="append", default=[], type=str.upper, help="such as PLATE-008")
    group.add_argument("--level", action="append", default=[], choices=["must", "should", "variant"])
    group.add_argument("--tier", action="append", default=[], type=int, choices=[1, 2, 3])
    command.add_argument(
        "--spec", default="", choices=["", *specs()], help="version of the law (default: the adapter's)"
    )


def _run(commands: Any) -> None:
    run = _command(commands, "run", running.run, "Run the checks on one implementation.")
    run.add_argument("--ppl", required=True, metavar="ADAPTER", help=PPL)
    _selection(run)
    run.add_argument("--case", default="", help="only the case of this name, or like this shell pattern")
    run.add_argument("--mode", action="append", default=[], choices=["default", "validation_off", "jit"])
    run.add_argument(
        "--profile", default="", choices=["core", "extended"], help="core: must and variant of tiers 1 and 2"
    )
    run.add_argument("--deviations", action="append", default=[], metavar="FILE", help="TOML list of known deviations")
    run.add_argument("--report", default="", metavar="FILE", help="write report.json there")
    run.add_argument("--shuffle", type=int, metavar="SEED", help="run in a random order")
    run.add_argument("--alone", action="store_true", help="make a new adapter for each check")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")
    run.add_argument("-x", "--exitfirst", action="store_true", help="stop at the first failure")
    loudness = run.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="one line for each check")
    loudness.add_argument("-q", "--quiet", action="store_true", help="the claim only")


def _inspect(commands: Any) -> None:
    listing = _command(commands, "list", inspecting.list_clauses, "List clauses, their checks or the capabilities.")
    _selection(listing)
    listing.add_argument("--checks", action="store_true", help="every case and mode of the clauses")
    listing.add_argument("--capabilities", action="store_true", help="what an adapter may declare")
    explain = _command(commands, "explain", inspecting.explain, "Explain a clause: law, origin, checks, faults, peers.")
    explain.add_argument("clause", type=str.upper, help="such as PLATE-008")
    explain.add_argument("--spec", default="", choices=["", *specs()])
    lint = _command(commands, "lint", inspecting.lint, "Check the kit itself: clauses, checks and faults fit together.")
    lint.add_argument(
        "--seeds", default="", metavar="DIR", help="also: no clause shares 8 words in a row with these texts"
    )


def _adapters(commands: Any) -> None:
    init = _command(commands, "init-adapter", inspecting.init_adapter, "Write the skeleton of an adapter.")
    init.add_argument("name", help="name of the implementation, such as mylang")
    init.add_argument("--flavour", default="stateful", choices=["stateful", "stateless"])
    init.add_argument("--output", default="", metavar="FILE", help="default: standard output")
    check = _command(
        commands, "adapter-check", running.adapter_check, "Smoke-test an adapter before the law is held to it."
    )
    check.add_argument("--ppl", required=True, metavar="ADAPTER", help=PPL)


def _reports(commands: Any) -> None:
    matrix = _command(commands, "matrix", reporting.matrix, "Set the reports of several implementations side by side.")
    matrix.add_argument("reports", nargs="+", metavar="report.json")
    matrix.add_argument("--html", default="", metavar="FILE", help="a self-contained page")
    matrix.add_argument("--json", default="", metavar="FILE", help="the same as data")
    matrix.add_argument("--title", default="Conformance matrix")
    diff = _command(commands, "diff", reporting.diff, "What changed between two reports of one implementation.")
    diff.add_argument("old")
    diff.add_argument("new")


def _kit(commands: Any) -> None:
    mutants = _command(
        commands, "mutants", measuring.mutants, "Which planted faults of the reference the checks notice."
    )
    mutants.add_argument("--fault", action="append", default=[], help="only this fault")
    mutants.add_argument("--output", default="", metavar="FILE", help="write the kill matrix there")
    mutants.add_argument(
        "--check", default="", metavar="FILE", help="compare with this kill matrix; differing is a failure"
    )
    mutants.add_argument("--full", action="store_true", help="every check on every fault (slow)")
    mutants.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")


if __name__ == "__main__":
    sys.exit(main())
