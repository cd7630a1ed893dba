"""Known deviations: a strict list, owned by the implementation, of clauses that it does not keep."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from re import match, search
from typing import Any

from twofold_conformance.api import Adapter
from twofold_conformance.clauses import load
from twofold_conformance.registry import Check
from twofold_conformance.runner import Result

FIELDS = {"clause", "cases", "modes", "since", "until", "reason", "observed", "match", "url"}


class DeviationError(Exception):
    """A file of deviations says something that cannot be."""


@dataclass(frozen=True)
class Deviation:
    """One clause, or some of its cases, that an implementation is known to break."""

    clause: str
    reason: str
    observed: str
    """What was seen instead of what the clause says, in words."""
    cases: tuple[str, ...] = ("*",)
    modes: tuple[str, ...] = ("*",)
    since: str = ""
    until: str = ""
    """The first version in which it is mended."""
    match: str = ""
    """A regular expression that the failure's message must hold, so that no other failure hides behind this entry."""
    url: str = ""

    def covers(self, clause: str, case: str, mode: str) -> bool:
        """Whether it speaks of this case; a pattern matches as text or as a shell glob."""
        return (
            clause == self.clause
            and any(case == glob or fnmatchcase(case, glob) for glob in self.cases)
            and any(fnmatchcase(mode, glob) for glob in self.modes)
        )

    def judge(self, result: Result) -> Result:
        """fail becomes xfail, pass becomes xpass; a failure of another kind than the recorded one says so."""
        if result.verdict == "fail" and not search(self.match, result.message):
            told = f"a deviation is recorded, but not this one: `match` is {self.match!r}"
            return replace(result, message=f"{result.message}\n  recorded: {told}")
        if result.verdict == "fail":
            return replace(result, verdict="xfail", deviation=self)
        if result.verdict in ("pass", "alternative"):
            seen = f"  seen:     the clause holds\n  recorded: {self.observed}"
            message = f"a recorded deviation is gone: {self.reason}\n{seen}"
            return replace(result, verdict="xpass", message=message, deviation=self)
        return result


@dataclass(frozen=True)
class Deviations:
    """The deviations of one implementation."""

    entries: tuple[Deviation, ...] = ()

    def judge(self, result: Result) -> Result:
        """The verdict in the light of what is known."""
        entry = self.of(result.clause, result.case, result.mode)
        return entry.judge(result) if entry else result

    def of(self, clause: str, case: str, mode: str) -> Deviation | None:
        return next((entry for entry in self.entries if entry.covers(clause, case, mode)), None)

    def unused(self, checks: Iterable[Check]) -> list[Deviation]:
        """Entries whose clause has no such case or mode."""
        rows = [(check.clause, check.case, mode) for check in checks for mode in check.modes]
        return [entry for entry in self.entries if not any(entry.covers(*row) for row in rows)]


def read(paths: Sequence[str | Path], adapter: Adapter, checks: Iterable[Check]) -> Deviations:
    """The deviations of ``adapter``'s version from TOML files; ``DeviationError`` lists every mistake at once."""
    entries: list[Deviation] = []
    problems: list[str] = []
    for path in paths:
        for number, row in enumerate(_rows(Path(path)), 1):
            try:
                entry = _entry(row, adapter)
            except ValueError as error:
                problems.append(f"{path}, entry {number} ({row.get('clause', 'no clause')}): {error}")
            else:
                entries.extend([entry] if entry else [])
    checks = list(checks)
    known = Deviations(tuple(entries))
    problems += [
        f"{entry.clause}: no check has a case like {', '.join(entry.cases)} in mode {', '.join(entry.modes)}"
        for entry in known.unused(checks)
    ]
    if problems:
        raise DeviationError("\n".join(problems))
    return known


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DeviationError(f"there is no file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviationError(f"{path} is no TOML: {error}") from None
    unknown = set(table) - {"deviation"}
    rows = table.get("deviation", [])
    if unknown or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DeviationError(
            f"{path}: expected [[deviation]] entries only, seen also {', '.join(sorted(unknown)) or rows!r}"
        )
    return rows


def _entry(row: dict[str, Any], adapter: Adapter) -> Deviation | None:
    unknown = sorted(set(row) - FIELDS)
    if unknown:
        raise ValueError(f"unknown fields {', '.join(unknown)}; expected some of {', '.join(sorted(FIELDS))}")
    if row.get("clause") not in load(adapter.spec):
        raise ValueError(f"there is no clause {row.get('clause')!r} in spec {adapter.spec}")
    for name in ("reason", "observed"):
        if not str(row.get(name, "")).strip():
            raise ValueError(f"{name} is empty; say in words why the clause is broken and what was seen")
    patterns = {name: _patterns(row.get(name, "*")) for name in ("cases", "modes")}
    entry = Deviation(**{**row, **patterns})
    version, since, until = (_release(text or "0") for text in (adapter.version, entry.since, entry.until))
    if entry.until and version >= until:
        raise ValueError(f"it ended with version {entry.until}, this is {adapter.version}; remove the entry")
    return entry if version >= since else None


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version such as ``1.9.2`` or ``2.13.0+cpu``, for comparison; zeros at the end do not count."""
    numbers = match(r"v?(\d+(?:\.\d+)*)", version)
    if numbers is None:
        raise ValueError(f"version {version!r} does not begin with numbers such as 1.9.2")
    release = [int(number) for number in numbers[1].split(".")]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release)


def _patterns(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]
