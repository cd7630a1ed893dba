"""The command line: what it prints, and the status it ends with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twofold_conformance.cli import main
from twofold_conformance.exits import ADAPTER, CONFORMING, FAILURES, USAGE
from twofold_conformance.report import read

REFERENCE = "twofold_conformance.reference.adapter:StatefulReference"
BROKEN = Path(__file__).with_name("broken.py")
WORDS = 'reason = "an old habit"\nobserved = "returns v + 1"\n'

STATUSES = {
    "conforming": (["run", "--ppl", REFERENCE, "--area", "det"], CONFORMING),
    "failures": (["run", "--ppl", f"{BROKEN}:Loud", "--area", "DET"], FAILURES),
    "adapter raises": (["run", "--ppl", f"{BROKEN}:Clumsy", "--area", "DET"], ADAPTER),
    "adapter unknown": (["run", "--ppl", "nowhere:Adapter"], ADAPTER),
    "adapter without a name": (["run", "--ppl", "nowhere"], ADAPTER),
    "adapter cannot be made": (["run", "--ppl", f"{BROKEN}:Unfinished"], ADAPTER),
    "adapter boasts": (["run", "--ppl", f"{BROKEN}:Boaster"], ADAPTER),
    "clause unknown": (["run", "--ppl", REFERENCE, "--clause", "DET-999"], USAGE),
    "area unknown": (["run", "--ppl", REFERENCE, "--area", "DOT"], USAGE),
    "nothing selected": (["run", "--ppl", REFERENCE, "--clause", "DET-001", "--case", "no such case"], USAGE),
    "deviations missing": (["run", "--ppl", REFERENCE, "--deviations", "none.toml"], USAGE),
    "list": (["list", "--area", "DET"], CONFORMING),
    "list checks": (["list", "--area", "DET", "--checks"], CONFORMING),
    "list capabilities": (["list", "--capabilities"], CONFORMING),
    "explain": (["explain", "plate-025"], CONFORMING),
    "explain unknown": (["explain", "PLATE-999"], USAGE),
    "adapter sound": (["adapter-check", "--ppl", REFERENCE], CONFORMING),
    "adapter unsound": (["adapter-check", "--ppl", f"{BROKEN}:Clumsy"], ADAPTER),
    "skeleton": (["init-adapter", "mylang"], CONFORMING),
    "skeleton without a name": (["init-adapter", "my lang"], USAGE),
    "report missing": (["diff", "none.json", "none.json"], USAGE),
    "fault unknown": (["mutants", "--fault", "nobody"], USAGE),
}


@pytest.mark.parametrize(("words", "status"), STATUSES.values(), ids=STATUSES)
def test_status(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == status
    told = capsys.readouterr()
    assert told.out or told.err
    if status == USAGE:
        assert told.err.startswith(f"twofold-conformance {words[0]}: ")


def test_run_ends_with_the_clauses_that_broke(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--ppl", f"{BROKEN}:Loud", "--area", "DET"])
    assert re.search(r"^fail: DET-\d{3}", capsys.readouterr().out, re.MULTILINE)


def test_adapter_check_tells_one_mistake_once(capsys: pytest.CaptureFixture[str]) -> None:
    main(["adapter-check", "--ppl", f"{BROKEN}:Clumsy"])
    told = capsys.readouterr().out
    assert told.count("AttributeError: the adapter has") == 1
    assert "the same again" in told


@pytest.mark.parametrize("words", [[], ["walk"], ["run"], ["run", "--ppl", REFERENCE, "--mode", "turbo"]])
def test_malformed_command_is_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == USAGE
    assert "usage:" in capsys.readouterr().err


def test_help_names_every_command_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for command in ("run", "list", "explain", "init-adapter", "adapter-check", "matrix", "diff", "mutants", "lint"):
        assert re.search(rf"^  +{command}\b", told, re.MULTILINE)
    assert "0 conforming, 1 failures, 2 wrong use, 3 the adapter failed" in told


def test_module_can_be_executed() -> None:
    done = subprocess.run([sys.executable, "-m", "twofold_conformance", "--version"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "twofold-conformance" in done.stdout


def test_run_prints_the_story_of_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--ppl", f"{BROKEN}:Loud", "--clause", "DET-001"])
    told = capsys.readouterr().out
    assert "breaks DET-001" in told
    assert f"--ppl {BROKEN}:Loud --clause DET-001" in told


def test_deviations_turn_failures_into_a_conforming_run(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    report = tmp_path / "deep" / "report.json"
    words = ["run", "--ppl", f"{BROKEN}:Loud", "--clause", "DET-001", "--report", str(report)]
    main([*words, "-q"])
    failing = sorted({row["case"] for row in read(report)["rows"] if row["verdict"] == "fail"})
    known.write_text(f'[[deviation]]\nclause = "DET-001"\ncases = {json.dumps(failing)}\n{WORDS}', encoding="utf-8")
    assert main([*words, "--deviations", str(known)]) == CONFORMING
    rows = [row for row in read(report)["rows"] if row["verdict"] == "xfail"]
    assert rows
    assert all(row["deviation"]["observed"] == "returns v + 1" for row in rows)


def test_deviation_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(f'[[deviation]]\nclause = "DET-001"\n{WORDS}', encoding="utf-8")
    assert main(["run", "--ppl", REFERENCE, "--clause", "DET-001", "--deviations", str(known)]) == FAILURES


def test_exitfirst_stops_at_the_first_failure(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--ppl", f"{BROKEN}:Loud", "--area", "DET", "-x"])
    assert capsys.readouterr().out.count("Repeat with:") == 1


def test_explain_shows_law_origin_choice_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "PLATE-025"])
    told = capsys.readouterr().out
    for needed in ("variant", "Origin", "A: left of all enclosing", "Checks", "@clause("):
        assert needed in told


def test_skeleton_is_never_written_over_a_file(tmp_path: Path) -> None:
    target = tmp_path / "adapter.py"
    assert main(["init-adapter", "mylang", "--output", str(target)]) == CONFORMING
    assert main(["init-adapter", "mylang", "--output", str(target)]) == USAGE


def test_processes_give_the_verdicts_of_one(tmp_path: Path) -> None:
    verdicts = []
    for jobs in ("1", "2"):
        report = tmp_path / f"{jobs}.json"
        assert main(["run", "--ppl", REFERENCE, "--area", "DET", "--jobs", jobs, "--report", str(report)]) == CONFORMING
        verdicts.append([(row["clause"], row["case"], row["mode"], row["verdict"]) for row in read(report)["rows"]])
    assert verdicts[0] == verdicts[1]
