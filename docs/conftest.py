"""Runs the Python blocks of every page, in order: one namespace a page for plain blocks, and one for each tab title.

So the tabs "torch" and "JAX" of a page are two programs, and a block may use what an earlier one of its tab has made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import pad
from sybil.parsers.markdown import CodeBlockParser

_TAB = re.compile(r'^=== "(.+)"$', re.MULTILINE)


class TabbedPythonParser:
    """Finds the blocks marked ``python``; indented ones belong to the content tab above them."""

    def __call__(self, document: Document) -> Iterator[Region]:
        for region in CodeBlockParser("python", evaluator=_nothing)(document):
            line_start = document.text.rfind("\n", 0, region.start) + 1
            is_indented = document.text[line_start : line_start + 4] == "    "
            tabs = _TAB.findall(document.text, 0, region.start) if is_indented else []
            region.evaluator = partial(_run, tab=tabs[-1] if tabs else "")
            yield region


def _nothing(example: Example) -> None:
    """Stands in until the tab of a block is known."""


def _run(example: Example, tab: str) -> None:
    __tracebackhide__ = True
    namespace = example.namespace["tabs"].setdefault(tab, {"__name__": f"page_{tab}"})
    source = pad(example.parsed, example.line + example.parsed.line_offset)
    exec(compile(source, example.path, "exec", dont_inherit=True), namespace)


def _begin_page(namespace: dict[str, Any]) -> None:
    """No page inherits what another one left: neither names, nor parameters, nor random numbers."""
    import twofold_torch

    namespace["tabs"] = {}
    twofold_torch.clear_param_store()
    twofold_torch.set_rng_seed(0)


pytest_collect_file = Sybil(parsers=[TabbedPythonParser()], patterns=["*.md"], setup=_begin_page).pytest()
