"""The pytest plugin: ``pytest --pyargs twofold_conformance --ppl package.module:Adapter``."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import twofold_conformance
from twofold_conformance.api import Adapter
from twofold_conformance.clauses import Clause, load, specs
from twofold_conformance.deviations import DeviationError, Deviations, read
from twofold_conformance.failure import describe
from twofold_conformance.loading import AdapterError, load_adapter
from twofold_conformance.registry import CHECKS, Check, Mode, load_checks
from twofold_conformance.report import build, write
from twofold_conformance.runner import Result, run_check
from twofold_conformance.suite import Selection, tasks, untested

PACKAGE = Path(twofold_conformance.__file__).parent
LAWS = PACKAGE / "laws"
MARKERS = {
    "must": "a clause that every implementation keeps",
    "should": "a clause that may be broken for a recorded reason",
    "variant": "a clause that leaves a choice, which the adapter declares",
    "tier1": "stated by the documents that the law was drawn from",
    "tier2": "implied by them, or modern and expected",
    "tier3": "further behaviour that users depend on",
    "stochastic": "draws many samples; fixed seeds, five sigma, one more attempt with ten times the draws",
    "slow": "takes more than a second on most implementations",
}
PROPERTY = "twofold_conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the group twofold-conformance."""
    group = parser.getgroup("twofold-conformance", "hold an implementation against the law")
    group.addoption("--ppl", metavar="ADAPTER", help="package.module:Name or path/to/file.py:Name")
    group.addoption("--clause", action="append", default=[], metavar="ID", help="only this clause (repeatable)")
    group.addoption("--area", action="append", default=[], metavar="AREA", help="only this area (repeatable)")
    group.addoption("--deviations", action="append", default=[], metavar="FILE", help="TOML list of known deviations")
    group.addoption("--spec", default=None, choices=specs(), help="version of the law (default: the adapter's)")
    group.addoption("--conformance-report", metavar="FILE", help="write report.json there")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and, with ``--ppl``, the session's state."""
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")
    for area in sorted({clause.area for spec in specs() for clause in load(spec).values()}):
        config.addinivalue_line("markers", f"area_{area.lower()}: clauses of the area {area}")
    asked = config.getoption("pyargs") and any(arg.partition(".")[0] == PACKAGE.name for arg in config.args)
    if asked and not config.getoption("--ppl"):
        raise pytest.UsageError("name the implementation: --ppl package.module:Adapter or --ppl file.py:Adapter")
    if config.getoption("--ppl"):
        config.pluginmanager.register(Conformance(config), "twofold_conformance_session")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector for each file of ``laws/``; nothing else in the kit holds tests."""
    if not parent.config.getoption("--ppl") or file_path.suffix != ".py" or LAWS not in file_path.parents:
        return None
    return LawFile.from_parent(parent, path=file_path)


class Conformance:
    """What one pytest session knows: the adapter, the selection, the deviations and the verdicts so far."""

    def __init__(self, config: pytest.Config) -> None:
        self.address: str = config.getoption("--ppl")
        self.report: str | None = config.getoption("--conformance-report")
        self.results: list[Result] = []
        self.started = time.perf_counter()
        try:
            self.adapter: Adapter = load_adapter(self.address)
            wanted = config.getoption("--spec")
            if wanted and wanted != self.adapter.spec:
                raise AdapterError(f"--spec {wanted}: {self.adapter.name} states spec {self.adapter.spec}")
            self.selection = _selection(config, self.adapter.spec)
            self.deviations: Deviations = read(config.getoption("--deviations"), self.adapter, load_checks().values())
        except (AdapterError, DeviationError) as error:
            raise pytest.UsageError(str(error)) from None
        self.tasks = tasks(self.selection, self.adapter.spec)
        self.is_worker = hasattr(config, "workerinput")

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect verdicts; under xdist they come from the workers."""
        for name, value in report.user_properties:
            if name == PROPERTY and report.when == "call" and isinstance(value, dict):
                self.results.append(_revived(value, self.deviations))

    @pytest.hookimpl
    def pytest_sessionfinish(self) -> None:
        """Write the report, on the controller only."""
        if self.report and not self.is_worker:
            profile = "extended" if self.selection == Selection() else "part"
            seconds = time.perf_counter() - self.started
            write(
                build(self.adapter, self.results, address=self.address, profile=profile, seconds=seconds), self.report
            )

    @pytest.hookimpl
    def pytest_report_header(self) -> str:
        return (
            f"conformance: {self.adapter.name} {self.adapter.version}, {self.adapter.flavour}, spec {self.adapter.spec}"
        )

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.results:
            terminalreporter.write_line(build(self.adapter, self.results, address=self.address)["claim"])


class LawFile(pytest.File):
    """One file of checks."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each selected case and mode; the package's own file yields the clauses without a check."""
        session: Any = self.config.pluginmanager.get_plugin("twofold_conformance_session")
        for check_id, mode in session.tasks:
            check = CHECKS[check_id]
            if Path(check.function.__code__.co_filename) == self.path:
                yield CheckItem.build(self, check, mode, session)
        if self.path.name == "__init__.py":
            for row in untested(session.selection, session.adapter.spec):
                yield UntestedItem.build(self, row, session)


class ClauseItem(pytest.Item):
    """Anything that gives a verdict on a clause."""

    session_state: Conformance

    def mark(self, clause: Clause) -> None:
        for name in (clause.level, f"tier{clause.tier}", f"area_{clause.area.lower()}"):
            self.add_marker(name)

    def record(self, result: Result) -> None:
        """Hand the verdict to the report; only plain data crosses from an xdist worker."""
        kept = ("clause", "case", "mode", "verdict", "message", "seconds", "model", "alternative")
        self.user_properties.append((PROPERTY, {name: getattr(result, name) for name in kept}))


class CheckItem(ClauseItem):
    """One check in one mode."""

    check: Check
    mode: Mode

    @classmethod
    def build(cls, parent: LawFile, check: Check, mode: Mode, session: Conformance) -> CheckItem:
        item: CheckItem = cls.from_parent(parent, name=f"{check.id}-{mode}")
        item.check, item.mode, item.session_state = check, mode, session
        item.mark(load(session.adapter.spec)[check.clause])
        for name in ("stochastic", "slow"):
            if getattr(check, name):
                item.add_marker(name)
        return item

    def runtest(self) -> None:
        """Run the check once; the verdict decides how pytest sees it."""
        state = self.session_state
        raw = run_check(self.check, state.adapter, self.mode)
        result = state.deviations.judge(raw)
        self.record(raw)
        if result.verdict == "unsupported":
            pytest.skip(f"unsupported: {result.message}")
        if result.verdict == "xfail":
            pytest.xfail(f"{result.deviation.reason} (seen: {result.deviation.observed})")
        if result.verdict == "error":
            raise AdapterFailure(describe(result, state.adapter, state.address))
        if result.verdict in ("fail", "xpass"):
            raise Broken(describe(result, state.adapter, state.address))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """The story of the clause, without the kit's own frames."""
        if isinstance(excinfo.value, Broken | AdapterFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.check.function.__code__.co_firstlineno - 1, self.name


class UntestedItem(ClauseItem):
    """A clause that says why nothing can check it."""

    row: Result

    @classmethod
    def build(cls, parent: LawFile, row: Result, session: Conformance) -> UntestedItem:
        item: UntestedItem = cls.from_parent(parent, name=f"{row.clause}-untested")
        item.row, item.session_state = row, session
        item.mark(load(session.adapter.spec)[row.clause])
        return item

    def runtest(self) -> None:
        self.record(self.row)
        pytest.skip(f"untested: {self.row.message}")

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class Broken(Exception):  # noqa: N818 - a verdict
    """A clause is broken, or a recorded deviation is gone."""


class AdapterFailure(Exception):  # noqa: N818 - a verdict
    """The adapter raised."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Mark reports of adapter errors, so that the terminal counts them as errors."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, AdapterFailure):
        report.adapter_error = True
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """E, not F, for an adapter that raised."""
    return ("error", "E", "ERROR") if getattr(report, "adapter_error", False) else None


def _selection(config: pytest.Config, spec: str) -> Selection:
    clauses: Sequence[str] = [name.upper() for name in config.getoption("--clause")]
    areas: Sequence[str] = [name.upper() for name in config.getoption("--area")]
    unknown = [name for name in clauses if name not in load(spec)]
    unknown += [name for name in areas if name not in {clause.area for clause in load(spec).values()}]
    if unknown:
        raise pytest.UsageError(f"there is no clause or area {', '.join(unknown)} in spec {spec}")
    return Selection(areas=tuple(areas), clauses=tuple(clauses))


def _revived(row: dict[str, Any], deviations: Deviations) -> Result:
    return deviations.judge(Result(**row))
