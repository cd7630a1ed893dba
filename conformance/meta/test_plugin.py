"""The pytest plugin: one item a check and mode, run once, with the verdicts as pytest's outcomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twofold_conformance.reference import adapter as _  # noqa: F401 - loaded for the same reason
from twofold_conformance.registry import load_checks

CHECKS = load_checks()
"""Loaded before any test: pytester forgets modules that are imported during one."""

REFERENCE = "twofold_conformance.reference.adapter:StatefulReference"
BROKEN = Path(__file__).with_name("broken.py")
WORDS = 'reason = "an old habit"\nobserved = "returns v + 1"\n'


@pytest.fixture
def kit(pytester: pytest.Pytester):
    """Run pytest with the plugin on the clauses of one area."""

    def run(*options: str, ppl: str = REFERENCE, area: str = "DET"):
        named = ["--ppl", ppl] if ppl else []
        areas = ["--area", area] if area else []
        plugin = ["-p", "twofold_conformance.plugin", "-p", "no:cacheprovider"]
        return pytester.runpytest_inprocess(*plugin, "--pyargs", "twofold_conformance", *named, *areas, *options)

    return run


def rows(area: str) -> int:
    return sum(len(check.modes) for check in CHECKS.values() if check.clause.startswith(area))


def test_conforming_implementation_passes_one_item_for_each_check_and_mode(kit) -> None:
    kit().assert_outcomes(passed=rows("DET"))


def test_failure_tells_the_clause_and_the_command(kit) -> None:
    outcome = kit("--clause", "DET-001", ppl=f"{BROKEN}:Loud")
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(
        ["loud * breaks DET-001*", "*expected:*", "Repeat with:", f"*--ppl {BROKEN}:Loud --clause*"]
    )


def test_adapter_that_raises_is_an_error_not_a_failure(kit) -> None:
    outcome = kit("--clause", "DET-002", ppl=f"{BROKEN}:Clumsy")
    counts = outcome.parseoutcomes()
    assert counts.get("errors", counts.get("error", 0)) >= 1
    assert "failed" not in counts
    assert outcome.ret == 1


def test_undeclared_capability_is_a_skip(kit) -> None:
    kit(ppl=f"{BROKEN}:Silent").assert_outcomes(skipped=rows("DET"))


def test_recorded_deviation_is_an_xfail(kit, pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", known=f'[[deviation]]\nclause = "DET-001"\n{WORDS}')
    outcome = kit("--clause", "DET-001", "--deviations", "known.toml", ppl=f"{BROKEN}:Loud")
    counts = outcome.parseoutcomes()
    assert counts.keys() >= {"xfailed"}


def test_deviation_that_is_gone_fails_the_run(kit, pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", known=f'[[deviation]]\nclause = "DET-001"\n{WORDS}')
    outcome = kit("--clause", "DET-001", "--deviations", "known.toml")
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(["*which is recorded as a deviation*"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clause", "DET-999"], "there is no clause or area DET-999"),
        (["--deviations", "none.toml"], "there is no file none.toml"),
        (["--ppl", "nowhere:Adapter"], "importing nowhere: there is no module"),
        (["--ppl", f"{BROKEN}:Boaster"], "unknown capabilities plate.levitating"),
    ],
)
def test_wrong_use_is_a_usage_error(kit, options: list[str], message: str) -> None:
    outcome = kit(*options)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    assert message in outcome.stderr.str()


def test_implementation_must_be_named(kit) -> None:
    outcome = kit(ppl="")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    assert "name the implementation" in outcome.stderr.str()


def test_each_check_runs_exactly_once(kit, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    slates = pytester.path / "slates.txt"
    monkeypatch.setenv("SLATES", str(slates))
    kit(ppl=f"{BROKEN}:Counted")
    assert len(slates.read_text(encoding="utf-8").splitlines()) == rows("DET")


def test_markers_select_by_level_tier_and_area(kit) -> None:
    chosen = kit("-m", "must and area_det and not stochastic", "--strict-markers", area="").parseoutcomes()
    every = kit("-m", "area_det").parseoutcomes()
    assert 0 < chosen["passed"] <= every["passed"]


def test_plain_test_run_collects_nothing_of_the_kit(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    pytester.runpytest_inprocess("-p", "twofold_conformance.plugin").assert_outcomes(passed=1)


def test_report_is_the_same_from_several_processes(kit, pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    verdicts = []
    for number, options in enumerate([[], ["-n", "2"]]):
        kit("--conformance-report", f"out{number}.json", *options)
        report = json.loads((pytester.path / f"out{number}.json").read_text(encoding="utf-8"))
        verdicts.append(sorted((row["clause"], row["case"], row["mode"], row["verdict"]) for row in report["rows"]))
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) == rows("DET")
