"""Known deviations are a strict list: it may neither grow stale nor hide anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from twofold_conformance.deviations import DeviationError, Deviations, read
from twofold_conformance.reference.adapter import StatefulReference
from twofold_conformance.registry import Check
from twofold_conformance.runner import Result

CHECKS = [
    Check("DET-001", "", lambda k: None),
    Check("DET-002", "in a plate", lambda k: None, ("default", "validation_off")),
    Check("DET-002", "masked [all]", lambda k: None),
]
WORDS = 'reason = "an old habit"\nobserved = "returns v + 1"\n'


def listed(tmp_path: Path, text: str) -> Deviations:
    path = tmp_path / "deviations.toml"
    path.write_text(text, encoding="utf-8")
    return read([path], StatefulReference(), CHECKS)


def entry(clause: str = "DET-002", more: str = "", words: str = WORDS) -> str:
    return f'[[deviation]]\nclause = "{clause}"\n{more}{words}'


def result(verdict="fail", case: str = "in a plate", mode="default", message: str = "scale of d") -> Result:
    return Result("DET-002", case, mode, verdict, message)


def test_failure_becomes_xfail_with_its_reason(tmp_path: Path) -> None:
    judged = listed(tmp_path, entry()).judge(result())
    assert judged.verdict == "xfail"
    assert judged.deviation.observed == "returns v + 1"


@pytest.mark.parametrize("verdict", ["pass", "alternative"])
def test_clause_that_holds_again_is_an_xpass(tmp_path: Path, verdict: str) -> None:
    judged = listed(tmp_path, entry()).judge(result(verdict))
    assert judged.verdict == "xpass"
    assert "an old habit" in judged.message


@pytest.mark.parametrize("verdict", ["error", "unsupported"])
def test_other_verdicts_stay(tmp_path: Path, verdict: str) -> None:
    assert listed(tmp_path, entry()).judge(result(verdict)).verdict == verdict


def test_case_is_matched_as_text_and_as_a_pattern(tmp_path: Path) -> None:
    known = listed(tmp_path, entry(more='cases = ["in *", "masked [all]"]\n'))
    assert known.judge(result()).verdict == "xfail"
    assert known.judge(result(case="masked [all]")).verdict == "xfail"
    assert known.judge(result(case="scaled")).verdict == "fail"


def test_mode_can_be_named(tmp_path: Path) -> None:
    known = listed(tmp_path, entry(more='modes = "validation_off"\n'))
    assert [known.judge(result(mode=mode)).verdict for mode in ("default", "validation_off")] == ["fail", "xfail"]


def test_another_failure_does_not_hide_behind_an_entry(tmp_path: Path) -> None:
    known = listed(tmp_path, entry(more='match = "^scale"\n'))
    assert known.judge(result()).verdict == "xfail"
    other = known.judge(result(message="an unexpected exception"))
    assert other.verdict == "fail"
    assert "`match` is '^scale'" in other.message


def test_entry_of_a_later_version_is_not_in_force(tmp_path: Path) -> None:
    assert listed(tmp_path, entry(more='since = "99.0"\n')).entries == ()


REFUSED = {
    "unknown clause": (entry("DET-999"), "there is no clause 'DET-999'"),
    "unknown case": (entry(more='cases = "in a box"\n'), "no check has a case like in a box"),
    "no reason": (entry(words='observed = "x"\n'), "reason is empty"),
    "blank reason": (entry(words='reason = "  "\nobserved = "x"\n'), "reason is empty"),
    "no observation": (entry(words='reason = "x"\n'), "observed is empty"),
    "passed version": (entry(more='until = "0.0.1"\n'), "it ended with version 0.0.1"),
    "no version": (entry(more='since = "soon"\n'), "soon"),
    "unknown field": (entry(more='excuse = "x"\n'), "unknown fields excuse"),
    "other table": ("[deviations]\n", "expected [[deviation]] entries only"),
    "no toml": ("deviation = [", "is no TOML"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DeviationError) as caught:
        listed(tmp_path, text)
    assert message in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DeviationError) as caught:
        listed(tmp_path, entry("DET-998") + entry("DET-999"))
    assert "DET-998" in str(caught.value)
    assert "DET-999" in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviationError, match=r"there is no file .*none\.toml"):
        read([tmp_path / "none.toml"], StatefulReference(), CHECKS)
