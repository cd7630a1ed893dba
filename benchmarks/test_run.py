"""The runner: it takes turns, reports medians, and writes what it found.  How fast anything is, no test says."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import run
from bench_parts import report
from bench_parts.imports import added_seconds
from bench_parts.measure import Result, Settings, compare, cpu_seconds
from bench_parts.models import NUM_SITES, Language, load, small_models

TINY = Settings(repeats=3, turn=0.0, is_quick=True)


def result(**changes):
    values = {"group": "g", "name": "n", "unit": "us", "ours": 1.0, "peer": 4.0, "peer_name": "p", "demanded": 0.5}
    return Result(**{**values, **changes})


def test_ours_and_theirs_take_turns_and_change_who_begins():
    calls = []
    found = compare(
        "g", "n", lambda: calls.append("ours"), lambda: calls.append("peer"), peer_name="p", settings=TINY, per=10
    )
    assert calls[-6:] == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert [len(found.turns[key]) for key in ("ours", "peer")] == [3, 3]
    assert found.ours == sorted(found.turns["ours"])[1]


def test_cpu_seconds_counts_work_and_not_waiting():
    import time

    assert cpu_seconds(lambda: time.sleep(0.05)) < 0.04
    assert cpu_seconds(lambda: sum(range(10**6))) > 1e-4


def test_a_demand_is_on_the_ratio_and_for_imports_on_the_seconds():
    assert result().holds
    assert not result(peer=1.5).holds
    assert result(demanded=None).holds is None
    assert result(group="imports", ours=0.2, peer=0.1, demanded=0.3).holds
    assert result(peer=None, demanded=None).ratio is None


def test_a_missed_demand_stands_in_the_table():
    assert "MISSED" in report.line(result(peer=1.5))
    assert "MISSED" not in report.line(result())
    assert "0.25" in report.line(result())


def test_every_small_model_has_a_hundred_sites():
    class Primitives:
        names: list[str] = []

        def sample(self, name, law):
            self.names.append(name)
            return law

        def plate(self, name, size):
            import contextlib

            return contextlib.nullcontext()

    class Laws:
        def __getattr__(self, name):
            return lambda *args: 0.0

    for model in small_models(Language(Primitives(), Laws()), 0.0).values():
        Primitives.names.clear()
        model()
        assert len(set(Primitives.names)) == len(Primitives.names) == NUM_SITES


def test_the_data_of_the_fits_are_there():
    sigma, y = load("eight_schools", list)
    assert len(sigma) == len(y) == 8
    num_counties, county, *columns = load("radon", list)
    assert (num_counties, max(county), [len(column) for column in columns]) == (85, 84, [919] * 3)


def test_an_import_of_nothing_costs_nothing():
    assert 0 <= added_seconds("json", ["json"]) < 0.1


def test_the_runner_writes_results_versions_and_machine(tmp_path, monkeypatch, capsys):
    found = compare("torch-sites", "nothing", lambda: None, lambda: None, peer_name="p", settings=TINY, demanded=0.5)
    monkeypatch.setattr(run, "results_of", lambda group, settings: iter([found]))
    path = tmp_path / "out" / "benchmarks.json"
    assert run.main(["--quick", "--only", "torch-sites", "--output", str(path)]) == 0
    document = json.loads(path.read_text())
    assert {"versions", "machine", "results", "quick", "seconds"} <= set(document)
    (row,) = document["results"]
    assert row["ratio"] == pytest.approx(row["ours"] / row["peer"])
    assert len(row["turns"]["ours"]) == TINY.repeats
    assert "nothing" in capsys.readouterr().out


def test_an_unknown_group_is_refused(capsys):
    with pytest.raises(SystemExit):
        run.main(["--only", "torch-sights"])
    assert "torch-sites" in capsys.readouterr().err


def test_sites_are_measured_in_torch_beside_pyro():
    pytest.importorskip("pyro")
    names = [found.name for found in run.results_of("torch-sites", Settings(repeats=1, turn=0.0))]
    assert len(names) == len(set(names)) == 30
