"""The reference, bent: adapters that break, fail or promise too much."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from twofold_conformance.reference.adapter import StatefulReference


class Loud(StatefulReference):
    """Keeps the law, but its deterministic statement returns another value."""

    name = "loud"

    def ppl(self) -> SimpleNamespace:
        ppl = super().ppl()
        inner = ppl.deterministic
        return SimpleNamespace(**{**vars(ppl), "deterministic": lambda name, value: inner(name, value) + 1})


class Counted(StatefulReference):
    """Keeps the law, and notes every slate in the file that the environment names."""

    name = "counted"

    @contextmanager
    def fresh(self) -> Iterator[None]:
        with open(os.environ["SLATES"], "a", encoding="utf-8") as notes:
            notes.write("slate\n")
        with super().fresh():
            yield


class Clumsy(StatefulReference):
    """Its own code raises."""

    name = "clumsy"

    def run(self, model, *args, seed=0, **kwargs):
        raise AttributeError("the adapter has a misspelt attribute")


class Boaster(StatefulReference):
    """Promises a capability that nobody knows."""

    name = "boaster"
    capabilities = frozenset({"plate.levitating"})


class Silent(StatefulReference):
    """Offers nothing beyond the core."""

    name = "silent"
    capabilities: frozenset[str] = frozenset()


class Undecided(StatefulReference):
    """Declares none of the choices."""

    name = "undecided"
    choices: dict[str, str] = {}


class Unfinished(StatefulReference):
    """Cannot be made."""

    def __init__(self) -> None:
        raise RuntimeError("no licence")
