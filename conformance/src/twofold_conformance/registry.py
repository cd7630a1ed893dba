"""Checks: functions that hold an implementation against one clause."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from twofold_conformance.runner import Kit

Mode = Literal["default", "validation_off", "jit"]


@dataclass(frozen=True)
class Check:
    """One case of one clause."""

    clause: str
    case: str
    function: Callable[[Kit], None]
    modes: Sequence[Mode] = ("default",)
    stochastic: bool = False
    slow: bool = False
    needs: Sequence[str] = ()
    """Capabilities that this case needs beyond those of its clause."""

    @property
    def id(self) -> str:
        return f"{self.clause}[{self.case}]" if self.case else self.clause


CHECKS: dict[str, Check] = {}


def clause(
    clause_id: str,
    case: str = "",
    *,
    modes: Sequence[Mode] = ("default",),
    stochastic: bool = False,
    slow: bool = False,
    needs: Sequence[str] = (),
) -> Callable[[Callable[[Kit], None]], Callable[[Kit], None]]:
    """Register a function ``check(k)`` as one case of a clause; a function may carry one clause only."""

    def register(function: Callable[[Kit], None]) -> Callable[[Kit], None]:
        check = Check(clause_id, case, function, modes, stochastic, slow, needs)
        if check.id in CHECKS:
            raise ValueError(f"two checks are called {check.id}")
        CHECKS[check.id] = check
        return function

    return register


def load_checks() -> dict[str, Check]:
    """Import every file of ``laws/`` and return all checks."""
    import twofold_conformance.laws as laws

    for module in pkgutil.iter_modules(laws.__path__):
        importlib.import_module(f"{laws.__name__}.{module.name}")
    return CHECKS
