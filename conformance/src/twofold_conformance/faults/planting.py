"""How a fault is described and planted: small functions of the reference are replaced for a while."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from twofold_conformance.reference.adapter import _Reference

Patch = AbstractContextManager[Any]
_PACKAGE = "twofold_conformance.reference"


@dataclass(frozen=True)
class Fault:
    """One way in which an implementation can be broken."""

    name: str
    description: str
    """What the broken implementation does."""
    area: str
    pattern: str
    """Every clause that names this fault must fail with a message that this regular expression matches."""
    patches: Callable[[], Iterable[Patch]]

    @contextmanager
    def apply(self) -> Iterator[None]:
        """Break the reference inside the ``with`` block."""
        with ExitStack() as planted:
            for one in self.patches():
                planted.enter_context(one)
            yield


FAULTS: dict[str, Fault] = {}
"""Every fault by name."""


def area(name: str) -> Callable[..., Callable[[Callable[[], Iterable[Patch]]], None]]:
    """A decorator ``fault(name, description, pattern)`` for the faults of one area."""

    def fault(fault_name: str, description: str, pattern: str) -> Callable[[Callable[[], Iterable[Patch]]], None]:
        def register(patches: Callable[[], Iterable[Patch]]) -> None:
            if fault_name in FAULTS:
                raise ValueError(f"two faults are called {fault_name}")
            FAULTS[fault_name] = Fault(fault_name, description, name, pattern, patches)

        return register

    return fault


def swap(owner: Any, attribute: str, replacement: Any) -> Patch:
    """Replace a method of a class, or one attribute of an object."""
    return patch.object(owner, attribute, replacement)


@contextmanager
def everywhere(function: Any, replacement: Any) -> Iterator[None]:
    """Replace a function in every module of the reference that knows it."""
    modules = [module for name, module in sys.modules.items() if name.startswith(_PACKAGE)]
    with ExitStack() as planted:
        for module in modules:
            for name, value in list(vars(module).items()):
                if value is function:
                    planted.enter_context(patch.object(module, name, replacement))
        yield


def forgotten_between_checks(forget: Callable[[], object]) -> Patch:
    """Let what a fault remembers end with the check: the adapter's clean slate is clean."""
    reset = _Reference._reset

    def resetting(self: Any) -> None:
        forget()
        reset(self)

    return swap(_Reference, "_reset", resetting)


def altered(msg: Any, **fields: Any) -> Any:
    """A copy of a message with other fields."""
    return {**msg, **fields}


def nothing(*args: Any, **kwargs: Any) -> None:
    """In the place of a check: refuses nothing."""
