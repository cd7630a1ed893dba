"""The matrix as one page that needs no server, no network and, but for its filters, no script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from twofold_conformance.matrix import COLUMNS, disagreement, shown_totals

SYMBOLS = {
    "holds": "✓",
    "deviates": "≠",
    "fails": "✗",
    "error": "!",
    "not offered": "-",
    "untested": "?",
    "absent": "",
}
MEANINGS = {
    "holds": "every check passes",
    "deviates": "differs from the clause in a known, recorded way",
    "fails": "differs and nobody has recorded it, or a recorded difference is gone",
    "error": "the adapter failed, so nothing is known",
    "not offered": "a clause of the other flavour, or a capability that is not declared",
    "untested": "no check can reach it; the clause says why",
}


def page(document: Mapping[str, Any]) -> str:
    """The whole page of a matrix made by ``matrix.assemble``."""
    title = escape(document["title"])
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_resource('style.css')}</style></head><body>",
        '<a class="skip" href="#clauses">Skip to the clauses</a>',
        f"<header><h1>{title}</h1>",
        f"<p>{len(document['clauses'])} clauses of the law {escape(document['spec'])}, each held against every "
        f"implementation by twofold-conformance {escape(document['kit'])}. Open a clause for its origin and for what "
        "was seen.</p></header><main>",
        *_cards(document["implementations"]),
        *_areas(document["implementations"]),
        '<h2 id="clauses">Clauses</h2>',
        *_filters(document),
        *_clauses(document),
        "</main>",
        '<footer class="soft small"><p>What the marks mean:</p><dl>',
        *(f"<dt>{_badge(name)}</dt><dd>{escape(text)}</dd>" for name, text in MEANINGS.items()),
        f"</dl></footer><script>{_resource('script.js')}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _cards(implementations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2>Implementations</h2><ul class="cards">'
    for made in implementations:
        totals = made["totals"]
        asked = _asked(totals)
        yield f'<li class="card"><h3>{escape(made["name"])} {escape(made["version"])}</h3>'
        yield f'<div class="soft small">{escape(made["flavour"])}</div>'
        yield f'<div class="big">{totals.get("holds", 0)} <span class="soft">/ {asked}</span></div>'
        yield f'<div class="bar" aria-hidden="true">{"".join(_bar(totals, asked))}</div><ul class="key">'
        yield from (
            f'<li><i class="{_css(name)}"></i>{count} {name}</li>'
            for name, count in shown_totals(made).items()
            if count
        )
        choices = ", ".join(f"{clause_id} = {taken}" for clause_id, taken in made["choices"].items())
        libraries = ", ".join(f"{name} {version}" for name, version in made["libraries"].items())
        setting = f"Python {made['python']}; {libraries}; {made['seconds']:.0f} s"
        yield f'</ul><p class="soft small">{escape(setting)}</p>'
        yield f'<p class="soft small">Choices: {escape(choices)}</p></li>' if choices else "</li>"
    yield "</ul>"


def _bar(totals: Mapping[str, int], asked: int) -> Iterator[str]:
    for name in ("holds", "deviates", "fails", "error"):
        if totals.get(name):
            yield f'<span class="{name}" style="width:{100 * totals[name] / asked:.2f}%"></span>'


def _asked(totals: Mapping[str, int]) -> int:
    return sum(totals.get(name, 0) for name in ("holds", "deviates", "fails", "error"))


def _areas(implementations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2>Areas</h2><div class="scroll"><table class="areas"><caption class="soft small">Clauses that hold, of '
    yield 'those that apply</caption><thead><tr><th scope="col">Area</th>'
    yield from (f'<th scope="col">{_name(made)}</th>' for made in implementations)
    yield "</tr></thead><tbody>"
    for area in implementations[0]["areas"]:
        yield f'<tr><th scope="row"><button type="button" data-area="{area}">{area}</button></th>'
        for made in implementations:
            totals = made["areas"].get(area, {})
            held, asked = totals.get("holds", 0), _asked(totals)
            css = ' class="short"' if held < asked else ""
            yield f"<td{css}>{held} / {asked}</td>" if asked else '<td class="soft">-</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def _filters(document: Mapping[str, Any]) -> Iterator[str]:
    areas = dict.fromkeys(clause["area"] for clause in document["clauses"])
    made = [(str(number), _plain_name(entry)) for number, entry in enumerate(document["implementations"])]
    yield '<form class="filters" hidden role="search" aria-label="Filter the clauses">'
    yield '<label>Search<input type="search" name="search" placeholder="words of a clause or its evidence"></label>'
    yield _select("area", "Area", [("", "all"), *((area, area) for area in areas)])
    yield _select("level", "Level", [("", "all"), ("must", "must"), ("should", "should"), ("variant", "variant")])
    yield _select("verdict", "Verdict", [("", "all"), *((name, name) for name in COLUMNS)])
    yield _select("made", "Implementation", [("", "any"), *made])
    yield _select("order", "Order", [("", "by number"), ("disagreement", "most disagreement first")])
    yield '<label class="tick"><input type="checkbox" name="disputed">only where they disagree</label>'
    yield '<button type="reset">Reset</button><output aria-live="polite"></output></form>'


def _select(name: str, title: str, options: Iterable[tuple[str, str]]) -> str:
    made = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
    return f'<label>{title}<select name="{name}">{made}</select></label>'


def _clauses(document: Mapping[str, Any]) -> Iterator[str]:
    implementations = document["implementations"]
    yield '<table class="clauses" role="table"><thead role="rowgroup"><tr role="row">'
    yield '<th class="id" scope="col" role="columnheader">Id</th><th scope="col" role="columnheader">Clause</th>'
    for made in implementations:
        yield f'<th class="cell" scope="col" role="columnheader">{_name(made)}</th>'
    yield '</tr></thead><tbody role="rowgroup">'
    for clause in document["clauses"]:
        yield from _row(clause, implementations)
    yield "</tbody></table>"


def _row(clause: Mapping[str, Any], implementations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    standings = [cell["standing"] for cell in clause["cells"]]
    facts = f'data-area="{clause["area"]}" data-level="{clause["level"]}" data-standings="{"|".join(standings)}"'
    yield f'<tr role="row" {facts} data-disagreement="{disagreement(standings)}">'
    yield f'<th scope="row" role="rowheader" id="{clause["id"]}"><a href="#{clause["id"]}">{clause["id"]}</a>'
    yield f'<span class="tag">{clause["level"]}, tier {clause["tier"]}</span></th>'
    yield f'<td role="cell"><details><summary>{_prose(clause["statement"])}</summary><div class="more">'
    yield from _story(clause)
    for number, (made, cell) in enumerate(zip(implementations, clause["cells"], strict=True)):
        yield from _evidence(_anchor(clause, number), made, cell)
    yield "</div></details></td>"
    for number, (made, cell) in enumerate(zip(implementations, clause["cells"], strict=True)):
        name = escape(_plain_name(made), quote=True)
        badge = _badge(cell["standing"], cell.get("alternative", ""), f"#{_anchor(clause, number)}")
        yield f'<td class="cell" role="cell" data-name="{name}">{badge}</td>'
    yield "</tr>"


def _story(clause: Mapping[str, Any]) -> Iterator[str]:
    origin = clause["provenance"]
    facts = {
        "Applies to": {"both": "both flavours"}.get(clause["flavour"], f"the {clause['flavour']} flavour"),
        "Origin": " · ".join(dict.fromkeys(str(origin[name]) for name in ("relation", "source") if origin.get(name))),
        "Why": clause["rationale"],
        "Needs": ", ".join(clause["needs"]),
        "Cases": "; ".join(clause["cases"]),
    }
    facts |= {f"Alternative {name}": text for name, text in clause["alternatives"].items()}
    yield (
        "<dl>" + "".join(f"<dt>{title}</dt><dd>{_prose(text)}</dd>" for title, text in facts.items() if text) + "</dl>"
    )


def _evidence(anchor: str, made: Mapping[str, Any], cell: Mapping[str, Any]) -> Iterator[str]:
    badge = _badge(cell["standing"], cell.get("alternative", ""))
    checks = f"{cell['checks']} check{'s' if cell['checks'] != 1 else ''}"
    yield f'<section class="evidence" id="{anchor}" tabindex="-1"><h3>{_name(made)} {badge}'
    yield f'<span class="soft small"> {checks}</span></h3>'
    told: set[str] = set()
    for row in cell["evidence"]:
        known, finding = "".join(_recorded(row)), "".join(_finding(row))
        if known not in told:
            yield known
        if finding not in told:
            yield _label(row) + finding
        told |= {known, finding}
    yield "</section>"


def _label(row: Mapping[str, Any]) -> str:
    """Which case and mode a finding is of; what is not offered is so in every case."""
    if row["verdict"] in ("unsupported", "untested"):
        return ""
    text = ", ".join(filter(None, [row.get("case", ""), row["mode"] if row["mode"] != "default" else ""]))
    return f'<p class="soft small">{escape(text)}</p>' if text else ""


def _recorded(row: Mapping[str, Any]) -> Iterator[str]:
    known = row.get("deviation")
    if known:
        yield f"<p><strong>Observed:</strong> {_prose(known['observed'])}</p><p>{_prose(known['reason'])}</p>"
        if str(known.get("url", "")).startswith("https://"):
            yield f'<p><a href="{escape(known["url"], quote=True)}">More about this deviation</a></p>'


def _finding(row: Mapping[str, Any]) -> Iterator[str]:
    if row["verdict"] in ("unsupported", "untested"):
        yield f'<p class="soft">{_prose(row.get("message", ""))}</p>'
    elif row.get("message"):
        yield f"<pre>{escape(row['message'])}</pre>"
    if row.get("model"):
        yield f"<details><summary>The model</summary><pre>{escape(row['model'])}</pre></details>"


def _badge(standing: str, alternative: str = "", target: str = "") -> str:
    text = f"{SYMBOLS[standing]} {standing}" + (f" ({escape(alternative)})" if alternative else "")
    css = f'class="verdict {_css(standing)}"'
    return f'<a {css} href="{target}">{text}</a>' if target else f"<span {css}>{text}</span>"


def _anchor(clause: Mapping[str, Any], number: int) -> str:
    return f"{clause['id']}-{number}"


def _css(standing: str) -> str:
    return standing.replace(" ", "-")


def _name(made: Mapping[str, Any]) -> str:
    return f"{escape(made['name'])} {escape(made['version'])}"


def _plain_name(made: Mapping[str, Any]) -> str:
    return f"{made['name']} {made['version']}"


def _prose(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _resource(name: str) -> str:
    return (files("twofold_conformance") / "page" / name).read_text(encoding="utf-8")
