"""Runs one check on one adapter: the same code for pytest, the command line and the mutants."""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from twofold_conformance.api import Adapter, ArrayOps, Run
from twofold_conformance.clauses import Clause, load
from twofold_conformance.expect import Expect, Violation
from twofold_conformance.registry import Check, Mode

Verdict = Literal["pass", "fail", "error", "unsupported", "alternative"]


class Kit:
    """What a check receives as ``k``.  ``ppl`` and ``dist`` are looked up anew at each use."""

    def __init__(self, adapter: Adapter, clause: Clause, mode: Mode = "default") -> None:
        self.adapter, self.clause, self.mode = adapter, clause, mode
        self.expect = Expect()

    @property
    def ppl(self) -> SimpleNamespace:
        return self.adapter.ppl()

    @property
    def dist(self) -> SimpleNamespace:
        return self.adapter.dist()

    @property
    def constraints(self) -> SimpleNamespace:
        return self.adapter.constraints()

    @property
    def xp(self) -> ArrayOps:
        return self.adapter.xp()

    @property
    def stateful(self) -> bool:
        return self.adapter.flavour == "stateful"

    @property
    def choice(self) -> str:
        """The alternative that the implementation declares for this variant clause."""
        return self.adapter.choices.get(self.clause.id, "")

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        return self.adapter.run(model, *args, seed=seed, **kwargs)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.adapter.trace(model, *args, seed=seed, **kwargs)

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.adapter.call(fn, *args, seed=seed, **kwargs)

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return self.adapter.handler(name, fn, **settings)

    def numpy(self, value: Any) -> np.ndarray:
        return self.xp.numpy(value)


@dataclass(frozen=True)
class Result:
    """The verdict on one check in one mode."""

    clause: str
    case: str
    mode: Mode
    verdict: Verdict
    message: str = ""
    seconds: float = 0.0


def _raised_by(adapter: Adapter, error: Exception) -> bool:
    """Whether the adapter's own code raised ``error``, not the implementation that it drives."""
    innermost = traceback.extract_tb(error.__traceback__)[-1].filename
    return innermost in (inspect.getsourcefile(type(adapter)), __file__, inspect.getsourcefile(Expect))


def run_check(check: Check, adapter: Adapter, mode: Mode = "default") -> Result:
    """Hold ``adapter`` against one check, on a clean slate."""
    clause = load(adapter.spec)[check.clause]
    if not clause.applies_to(adapter.flavour) or not set(clause.needs) <= adapter.capabilities:
        return Result(check.clause, check.case, mode, "unsupported")
    started = time.perf_counter()
    verdict: Verdict = "pass"
    message = ""
    try:
        with adapter.fresh():
            if mode == "validation_off":
                adapter.set_validation(False)
            check.function(Kit(adapter, clause, mode))
    except Violation as violation:
        verdict, message = "fail", str(violation)
    except Exception as error:
        verdict = "error" if _raised_by(adapter, error) else "fail"
        message = f"{clause.id}: the program of the check raised unexpectedly\n{traceback.format_exc()}"
    return Result(check.clause, check.case, mode, verdict, message, time.perf_counter() - started)
