"""One check, one verdict: who is to blame is told apart, and a failure tells its whole story."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from twofold_conformance import origin
from twofold_conformance.api import Adapter
from twofold_conformance.clauses import load
from twofold_conformance.failure import command, describe
from twofold_conformance.loading import load_adapter
from twofold_conformance.reference.adapter import StatefulReference, StatelessReference
from twofold_conformance.registry import Check
from twofold_conformance.runner import Kit, _shortened, run_check

BROKEN = Path(__file__).with_name("broken.py")


def bent(name: str) -> Adapter:
    return load_adapter(f"{BROKEN}:{name}")


def law_normal(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("x", k.dist.Normal(0.0, 1.0))

    k.expect.equal(list(k.run(model).sites), ["x"], "names of the sites")


def law_wrong(k: Kit) -> None:
    def model() -> None:
        k.ppl.sample("x", k.dist.Normal(0.0, 1.0))

    k.expect.equal(list(k.run(model).sites), ["y"], "names of the sites")


def law_raising(k: Kit) -> None:
    k.run(lambda: k.ppl.sample("x", "no distribution at all", obs=1.0))


def law_leaving(k: Kit) -> None:
    k.handler("trace").__enter__()


def check(function, clause: str = "SAMPLE-002", **settings) -> Check:
    return Check(clause, "", function, **settings)


def test_pass() -> None:
    result = run_check(check(law_normal), StatefulReference())
    assert (result.verdict, result.message, result.model) == ("pass", "", "")


def test_violation_is_a_failure_with_the_models_source() -> None:
    result = run_check(check(law_wrong), StatefulReference())
    assert result.verdict == "fail"
    assert "seen:     ['x']" in result.message
    assert result.model.startswith("def model() -> None:\n    k.ppl.sample")


def test_exception_of_the_implementation_is_a_failure() -> None:
    result = run_check(check(law_raising), StatefulReference())
    assert result.verdict == "fail"
    assert "an unexpected exception" in result.message
    assert "asked by: k.run(lambda" in result.message


def test_exception_of_the_adapter_is_an_error() -> None:
    result = run_check(check(law_normal), bent("Clumsy"))
    assert result.verdict == "error"
    assert "misspelt attribute" in result.message


def law_misspelt(k: Kit) -> None:
    k.run(lambda: undefined_name)


def law_asking_too_much_of_the_kit(k: Kit) -> None:
    k.expect.raises(lambda: k.no_such_tool, "anything")


def law_asking_the_array_operations(k: Kit) -> None:
    k.xp.no_such_operation(1.0)


def law_asking_the_implementation(k: Kit) -> None:
    k.run(lambda: k.ppl.no_such_statement("x"))


@pytest.mark.parametrize(
    ("law", "verdict", "told"),
    [
        (law_misspelt, "error", "the check itself is wrong"),
        (law_asking_too_much_of_the_kit, "error", "the check itself is wrong"),
        (law_asking_the_array_operations, "error", "NumpyOps lacks 'no_such_operation'"),
        (law_asking_the_implementation, "fail", "no_such_statement"),
    ],
)
def test_mistake_is_laid_at_the_right_door(law, verdict, told, monkeypatch) -> None:
    monkeypatch.setattr(origin, "CHECK_FOLDERS", frozenset([str(Path(__file__).parent)]))
    result = run_check(check(law), StatefulReference())
    assert result.verdict == verdict
    assert told in result.message


def test_handler_left_on_the_stack_is_a_failure() -> None:
    result = run_check(check(law_leaving), StatefulReference())
    assert result.verdict == "fail"
    assert "is left behind" in result.message


def test_clause_of_another_flavour_is_unsupported() -> None:
    result = run_check(check(law_normal, "STORE-001"), StatelessReference())
    assert (result.verdict, result.message) == ("unsupported", "a clause of the stateful flavour")


def test_missing_capability_is_unsupported_and_named() -> None:
    result = run_check(check(law_normal, "DET-001"), bent("Silent"))
    assert result.verdict == "unsupported"
    assert "deterministic" in result.message


def test_case_may_need_more_than_its_clause() -> None:
    result = run_check(check(law_normal, needs=["handler.enum"]), bent("Silent"))
    assert (result.verdict, result.message) == ("unsupported", "needs handler.enum")


def test_variant_shows_the_choice_that_was_verified() -> None:
    result = run_check(check(law_normal, "PLATE-025"), StatefulReference())
    assert (result.verdict, result.alternative) == ("alternative", StatefulReference.choices["PLATE-025"])


def test_variant_without_a_declared_choice_is_an_error_of_the_adapter() -> None:
    result = run_check(check(law_normal, "PLATE-025"), bent("Undecided"))
    assert result.verdict == "error"
    assert "must name one of A, B for PLATE-025" in result.message


def test_stochastic_check_is_tried_again_with_more_draws() -> None:
    asked: list[int] = []

    def law(k: Kit) -> None:
        asked.append(k.draws(100))
        k.expect.true(asked[-1] > 100, "enough draws")

    assert run_check(check(law, stochastic=True), StatefulReference()).verdict == "pass"
    assert asked == [100, 1000]
    assert run_check(check(law), StatefulReference()).verdict == "fail"


def test_validation_off_mode_switches_validation_off_and_back_on() -> None:
    adapter = StatefulReference()
    seen: list[bool] = []
    run_check(check(lambda k: seen.append(k.adapter.is_validation_on())), adapter, "validation_off")
    run_check(check(lambda k: seen.append(k.adapter.is_validation_on())), adapter)
    assert seen == [False, True]


class Watched(StatefulReference):
    """Counts what is compiled."""

    def __init__(self) -> None:
        self.compiled = 0

    def compile(self, fn=None, **settings):
        self.compiled += 1
        return super().compile(fn, **settings)


@pytest.mark.parametrize(("mode", "compiled"), [("default", 0), ("jit", 1)])
def test_joint_is_compiled_in_the_mode_jit_only(mode, compiled) -> None:
    def law(k: Kit) -> None:
        joint = k.joint(lambda: k.ppl.sample("x", k.dist.Normal(0.0, 1.0)), x=2.0)
        k.expect.close(joint, -2.0 - 0.5 * np.log(2.0 * np.pi), "joint log density at x = 2")

    adapter = Watched()
    assert run_check(check(law), adapter, mode).verdict == "pass"
    assert adapter.compiled == compiled


def test_failure_names_installed_files_from_their_package_on() -> None:
    assert _shortened("/somewhere/site-packages/mylang/core.py") == "mylang/core.py".replace("/", os.sep)
    assert _shortened(str(Path.cwd() / "mine.py")) == "mine.py"


def test_description_holds_everything_that_a_reader_needs() -> None:
    adapter = StatefulReference()
    result = run_check(Check("SAMPLE-002", "two words", law_wrong), adapter, "validation_off")
    text = describe(result, adapter, "here.py:Adapter")
    clause = load()["SAMPLE-002"]
    for needed in (
        "SAMPLE-002[two words]",
        "mode validation_off",
        f"{clause.level}, tier {clause.tier}",
        clause.statement[:40],
        "expected: ['y']",
        'k.ppl.sample("x"',
        f"{adapter.name} {adapter.version}",
        "twofold-conformance run --ppl here.py:Adapter --clause SAMPLE-002 --case 'two words' --mode validation_off",
    ):
        assert needed in text
    assert all(hint in text for hint in clause.hints)


def test_command_derives_the_address_from_the_class() -> None:
    result = run_check(check(law_normal), StatefulReference())
    address = "twofold_conformance.reference.adapter:StatefulReference"
    assert command(result, StatefulReference()) == f"twofold-conformance run --ppl {address} --clause SAMPLE-002"


@pytest.mark.parametrize("mode", ["default", "validation_off"])
def test_slate_is_clean_again_after_a_failure(mode) -> None:
    adapter = StatefulReference()
    run_check(check(law_leaving), adapter, mode)
    run_check(check(law_raising), adapter, mode)
    assert run_check(check(law_normal), adapter, mode).verdict == "pass"
