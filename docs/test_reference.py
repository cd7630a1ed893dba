"""Every public name stands in the reference.

Public is what these modules list in ``__all__``: the packages, and the modules that a package lists.  A page shows the
classes and functions of a module that stands there as ``::: module``; anything else (instances, aliases, what torch
brings) has to be written there in backticks.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "scripts"))

from parity import PACKAGES, public_modules  # noqa: E402

MACHINERY = [
    place for entry in tomllib.loads((DOCS / "parity.toml").read_text())["module"] for place in entry["places"]
]


def is_public(path: str, modules: dict[str, ModuleType]) -> bool:
    """Whether users import from the module at this path below a package."""
    parent, _, name = path.rpartition(".")
    if any(fnmatchcase(path, place) for place in MACHINERY):
        return False
    return hasattr(modules[path], "__path__") or (parent in modules and name in modules[parent].__all__)


def names_on_the_pages(flavour: str) -> set[str]:
    """Last components of all names that the reference of one package has."""
    package, found = PACKAGES[flavour], set()
    text = "\n".join(page.read_text() for page in sorted((DOCS / "reference").glob(f"{flavour}*.md")))
    for path in re.findall(r"^::: (\S+)$", text, re.MULTILINE):
        module = importlib.import_module(path)
        for name in getattr(module, "__all__", vars(module)):
            value = getattr(module, name)
            is_shown = inspect.isclass(value) or inspect.isroutine(value)
            if is_shown and value.__module__.startswith(package):
                found.add(name)
    for words in re.findall(r"`([^`\n]+)`", text):
        found.update(re.findall(r"\w+", words.rpartition(".")[2]))
    return found


@pytest.mark.parametrize("flavour", PACKAGES)
def test_every_public_name_stands_in_the_reference(flavour: str) -> None:
    on_the_pages = names_on_the_pages(flavour)
    modules = public_modules(PACKAGES[flavour])
    missing = [
        f"{path or '(root)'}: {name}"
        for path, module in modules.items()
        if is_public(path, modules)
        for name in module.__all__
        if name not in on_the_pages
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("flavour", PACKAGES)
def test_every_listed_name_is_there(flavour: str) -> None:
    for path, module in public_modules(PACKAGES[flavour]).items():
        absent = [name for name in module.__all__ if not hasattr(module, name)]
        assert not absent, f"{path}: {absent}"
