"""Short forms in the names of public functions, classes and arguments stand in the glossary."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "docs" / "glossary.md").read_text().partition("## Short forms")[2]
GLOSSARY = {form for cell in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE) for form in re.findall(r"`(\w+)`", cell)}
LISTED = {part for form in GLOSSARY for part in form.split("_")} | GLOSSARY
VOWELS = re.compile(r"[aeiouy]")
FRAMEWORK = {"by", "lbfgs", "lr", "mp", "nth", "sgd", "sm3"}
"""A word of English, and what torch and optax call their own."""


def names_of(path: Path) -> set[str]:
    """Names of functions, classes and arguments that the file defines, without private ones."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("package", ["twofold-torch", "twofold-jax"])
def test_a_word_without_a_vowel_stands_in_the_glossary(package: str) -> None:
    unknown: dict[str, str] = {}
    for path in sorted((ROOT / "packages" / package / "src").rglob("*.py")):
        for name in names_of(path):
            for word in re.findall(r"[a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()):
                is_symbol = len(word.rstrip("0123456789")) < 2
                if not is_symbol and not VOWELS.search(word) and word not in LISTED | FRAMEWORK:
                    unknown[word] = f"{name} in {path.name}"
    assert not unknown
