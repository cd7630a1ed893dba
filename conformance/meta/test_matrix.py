"""The matrix page: complete, readable without a network, and honest about what was seen."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from twofold_conformance.clauses import load
from twofold_conformance.deviations import Deviation
from twofold_conformance.html import page
from twofold_conformance.matrix import assemble, disagreement, shown_totals, table
from twofold_conformance.reference.adapter import StatefulReference, StatelessReference
from twofold_conformance.report import build
from twofold_conformance.runner import Result

KNOWN = Deviation("DET-002", "an old <habit>", "returns `v + 1`", url="javascript:alert(1)")
DOCUMENT = assemble(
    [
        build(
            StatefulReference(),
            [
                Result("DET-001", "", "default", "pass"),
                Result(
                    "DET-002", "in a plate", "default", "xfail", "scale <3>", model="def m(): 1 < 2", deviation=KNOWN
                ),
                Result("PLATE-025", "", "default", "alternative", alternative="B"),
            ],
        ),
        build(StatelessReference(), [Result("DET-001", "", "default", "fail", "value of d")]),
    ],
    title="A matrix of <two>",
)
PAGE = page(DOCUMENT)
VOID = {"meta", "input", "br", "link", "img"}


class Reader(HTMLParser):
    """Checks that elements nest, and collects ids and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def reader() -> Reader:
    made = Reader()
    made.feed(PAGE)
    return made


def test_elements_nest(reader: Reader) -> None:
    assert reader.open == []


def test_ids_are_unique_and_every_inner_link_has_its_target(reader: Reader) -> None:
    ids = [value for _, name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for _, name, value in reader.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(ids)


def test_page_needs_nothing_from_outside(reader: Reader) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", PAGE)
    loaded = [(tag, value) for tag, name, value in reader.attributes if name in ("src", "srcset", "data", "action")]
    assert loaded == []
    assert "link" not in {tag for tag, _, _ in reader.attributes}


def test_text_of_others_is_escaped() -> None:
    assert "A matrix of &lt;two&gt;" in PAGE
    assert "an old &lt;habit&gt;" in PAGE
    assert "scale &lt;3&gt;" in PAGE
    assert "javascript:" not in PAGE


def test_every_clause_is_there_with_its_origin_and_evidence() -> None:
    for clause_id in load():
        assert f'id="{clause_id}"' in PAGE
    assert "Observed:" in PAGE
    assert "returns <code>v + 1</code>" in PAGE


def test_verdicts_are_words_not_only_colours() -> None:
    for standing in ("holds", "deviates", "fails"):
        assert re.search(rf'class="verdict {standing}"[^>]*>\S+ {standing}', PAGE)
    assert "holds (B)" in PAGE


def test_fields_of_the_filter_have_labels(reader: Reader) -> None:
    fields = re.findall(r"<label[^>]*>[^<]*<(?:select|input)", PAGE)
    named = [value for tag, name, value in reader.attributes if name == "name" and tag in ("select", "input")]
    assert len(fields) + PAGE.count('<label class="tick"><input') >= len(named) > 0


def test_clauses_of_the_other_flavour_stand_apart() -> None:
    foreign = Result("STORE-001", "", "default", "unsupported", "a clause of the stateful flavour")
    lacking = Result("DET-001", "", "default", "unsupported", "needs deterministic")
    (made,) = assemble([build(StatelessReference(), [foreign, lacking])])["implementations"]
    totals = shown_totals(made)
    assert (totals["other flavour"], totals["not offered"]) == (1, 1)


def test_recorded_difference_is_told_once_for_all_cases() -> None:
    rows = [Result("DET-002", case, "default", "xfail", f"scale {case}", deviation=KNOWN) for case in ("one", "two")]
    text = page(assemble([build(StatefulReference(), rows)]))
    assert (text.count("Observed:"), text.count("scale one"), text.count("scale two")) == (1, 1, 1)


def test_standings_are_counted() -> None:
    first, second = DOCUMENT["implementations"]
    assert (first["totals"]["holds"], first["totals"]["deviates"]) == (2, 1)
    assert second["totals"]["fails"] == 1
    assert first["areas"]["DET"]["deviates"] == 1
    assert "1 on which implementations disagree" in table(DOCUMENT)


@pytest.mark.parametrize(
    ("standings", "number"),
    [(["holds", "holds"], 0), (["fails", "fails"], 0), (["holds", "not offered"], 0)],
)
def test_no_disagreement(standings: list[str], number: int) -> None:
    assert disagreement(standings) == number


def test_an_even_split_is_the_greatest_disagreement() -> None:
    assert disagreement(["holds", "holds", "fails", "fails"]) > disagreement(["holds", "holds", "holds", "fails"]) > 0
