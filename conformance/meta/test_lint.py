"""The linter finds each kind of mistake, and none in the kit as it stands."""

from __future__ import annotations

from dataclasses import replace

from twofold_conformance import lint
from twofold_conformance.clauses import load
from twofold_conformance.registry import Check

DET = [clause for clause in load().values() if clause.area == "DET"]
ONE = DET[0]


def check(clause_id: str) -> Check:
    return Check(clause_id, "", lambda k: None)


def test_kit_is_in_order() -> None:
    assert lint.findings() == []


def test_ids_that_are_double_malformed_or_in_the_wrong_file() -> None:
    found = lint.ids([("DET-001", "det.toml"), ("DET-001", "det.toml"), ("DET-1", "det.toml"), ("ERR-001", "det.toml")])
    assert found == [
        "det.toml: DET-001 stands in det.toml too",
        "det.toml: 'DET-1' is no id; expected AREA-000",
        "det.toml: ERR-001 belongs into err.toml",
    ]


def test_number_that_is_missing() -> None:
    assert lint.density([DET[0], DET[2]]) == ["DET-002 is missing; ids are never removed"]


def test_number_that_is_a_recorded_gap() -> None:
    assert lint.density([DET[0], DET[2]], gaps={"DET": frozenset({2})}) == []
    found = lint.density(DET[:2], gaps={"DET": frozenset({2})})
    assert found == ["DET-002 uses a number that is recorded as a gap"]


def test_order_of_the_numbers() -> None:
    assert lint.density([DET[1], DET[0]]) == ["DET: the clauses are not in the order of their numbers"]


def test_contents() -> None:
    assert lint.contents(DET) == []
    wrong = {
        "statement": (" ", "the statement is empty"),
        "level": ("may", "level 'may'"),
        "flavour": ("torch", "flavour 'torch'"),
        "tier": (4, "tier 4"),
        "provenance": ({}, "provenance must have a relation"),
        "alternatives": ({"A": "x", "B": "y"}, "a variant clause, and only that"),
    }
    for name, (value, message) in wrong.items():
        found = lint.contents([replace(ONE, **{name: value})])
        assert len(found) == 1, name
        assert found[0].startswith(f"{ONE.id}: {message}")


def test_variant_without_alternatives() -> None:
    assert len(lint.contents([replace(ONE, level="variant", alternatives={"A": "only one"})])) == 1


def test_clause_without_a_check_must_say_why() -> None:
    assert lint.coverage({ONE.id: ONE}, []) == [f'{ONE.id} has no check; write one or give `untested = "reason"`']
    assert lint.coverage({ONE.id: replace(ONE, untested="needs a second machine")}, []) == []


def test_clause_with_a_check_is_not_untested() -> None:
    found = lint.coverage({ONE.id: replace(ONE, untested="why not")}, [check(ONE.id)])
    assert found == [f"{ONE.id} has a check and says that it is untested"]


def test_check_without_a_clause() -> None:
    assert lint.coverage({}, [check("DET-999")]) == ["check DET-999 speaks of no known clause"]


def test_bare_assert() -> None:
    source = "def law(k):\n    k.expect.true(1, 'x')\n    assert 1\n"
    assert lint.bare_asserts(source, "plate.py") == ["plate.py:3: a bare assert; use k.expect"]


def test_faults_that_do_not_exist_or_that_nobody_names() -> None:
    clause = replace(ONE, level="should", faults=("a_fault", "a_ghost"))
    assert lint.named_faults([clause], ["a_fault", "an_orphan"]) == [
        f"{ONE.id} names the fault 'a_ghost', which does not exist",
        "no clause names the fault 'an_orphan'",
    ]


def test_must_that_names_no_fault() -> None:
    found = lint.named_faults([replace(ONE, level="must", faults=())], [])
    assert found == [f"{ONE.id} is a must and names no fault that it would notice"]


def test_words_shared_with_a_seed_page() -> None:
    page = "Note that, under these terms, a plate yields one tensor of indices when entered, like a range."
    copied = replace(ONE, statement="It holds that a plate yields one tensor of indices when entered.")
    found = lint.borrowed([copied], {"page.txt": page})
    assert found == [f"{ONE.id} shares words with page.txt: 'a plate yields one tensor of indices when'"]
    assert (
        lint.borrowed([replace(ONE, statement="A plate yields one tensor of its indices when entered.")], {"p": page})
        == []
    )
    assert lint.borrowed([ONE], {}) == ["the folder of seed texts holds no .txt file"]
