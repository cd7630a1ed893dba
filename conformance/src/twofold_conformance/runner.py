"""Runs one check on one adapter: the same code for pytest, the command line and the mutants."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType, SimpleNamespace
from typing import Any, Literal

import numpy as np

from twofold_conformance.api import Adapter, ArrayOps, Run
from twofold_conformance.clauses import Clause, load
from twofold_conformance.expect import Expect, Violation
from twofold_conformance.models import sources
from twofold_conformance.origin import adapter_files, lacking, mistake_of_check, raised_in
from twofold_conformance.registry import Check, Mode

Verdict = Literal["pass", "fail", "xfail", "xpass", "alternative", "unsupported", "untested", "error"]
RETRY_EFFORT = 10


class Kit:
    """What a check receives as ``k``.  ``ppl`` and ``dist`` are looked up anew at each use."""

    def __init__(self, adapter: Adapter, clause: Clause, mode: Mode = "default", effort: int = 1) -> None:
        self.adapter, self.clause, self.mode = adapter, clause, mode
        self.expect = Expect(adapter_files(adapter))
        self.effort = effort
        self.models: list[FunctionType] = []
        """The functions that the check handed over, for the report of a failure."""

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

    def draws(self, number: int) -> int:
        """How often a stochastic check should draw: ``number``, and ten times that when it is tried a second time."""
        return number * self.effort

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        return self.adapter.run(self._noted(model), *args, seed=seed, **kwargs)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.adapter.trace(self._noted(model), *args, seed=seed, **kwargs)

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.adapter.call(self._noted(fn), *args, seed=seed, **kwargs)

    def handler(self, name: str, fn: Any = None, **settings: Any) -> Any:
        return self.adapter.handler(name, None if fn is None else self._noted(fn), **settings)

    def joint(self, model: Callable[..., Any], **values: Any) -> np.ndarray:
        """The joint log density at real values of every latent site, by name.

        In the mode ``jit`` a compiled function of these values gives it, at its second call: nothing of the first one,
        at other values, may be left in it.
        """
        names, numbers = list(values), [np.asarray(value, dtype=float) for value in values.values()]
        self._noted(model)

        def density(*given: Any) -> Any:
            return self.adapter.log_density(model, dict(zip(names, given, strict=True)))

        if self.mode == "jit":
            density = self.adapter.compile(density)
            density(*(self.xp.array((number + 1.0).tolist()) for number in numbers))
        return self.numpy(density(*(self.xp.array(number.tolist()) for number in numbers)))

    def numpy(self, value: Any) -> np.ndarray:
        return self.xp.numpy(value)

    def _noted(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(fn, FunctionType) and fn not in self.models:
            self.models.append(fn)
        return fn


@dataclass(frozen=True)
class Result:
    """The verdict on one check in one mode."""

    clause: str
    case: str
    mode: Mode
    verdict: Verdict
    message: str = ""
    """What was seen and expected; why a clause was not checked; the traceback of an adapter's error."""
    seconds: float = 0.0
    model: str = ""
    """The source of the models that broke the clause."""
    alternative: str = ""
    """Which reading of a variant clause was declared and found."""
    deviation: Any = None
    """The recorded ``Deviation`` that the verdicts xfail and xpass speak of."""

    @property
    def id(self) -> str:
        return f"{self.clause}[{self.case}]" if self.case else self.clause


def run_check(check: Check, adapter: Adapter, mode: Mode = "default") -> Result:
    """Hold ``adapter`` against one check, on a clean slate."""
    clause = load(adapter.spec)[check.clause]
    obstacle = why_unsupported(clause, adapter, mode, check.needs)
    if obstacle:
        return Result(check.clause, check.case, mode, "unsupported", obstacle)
    started = time.perf_counter()
    verdict, message, kit = _attempt(check, clause, adapter, mode, 1)
    if verdict == "fail" and check.stochastic:
        verdict, message, kit = _attempt(check, clause, adapter, mode, RETRY_EFFORT)
    seconds = time.perf_counter() - started
    model = sources(kit.models, check.function) if verdict == "fail" else ""
    alternative = adapter.choices.get(clause.id, "") if clause.level == "variant" else ""
    if verdict == "pass" and alternative:
        verdict = "alternative"
    return Result(check.clause, check.case, mode, verdict, message, seconds, model, alternative)


def why_unsupported(clause: Clause, adapter: Adapter, mode: Mode, more: Sequence[str] = ()) -> str:
    """Why a clause says nothing about this implementation; empty if it does."""
    if not clause.applies_to(adapter.flavour):
        return f"a clause of the {clause.flavour} flavour"
    needs = [*clause.needs, *more, *(["jit"] if mode == "jit" else [])]
    missing = [capability for capability in needs if capability not in adapter.capabilities]
    return f"needs {', '.join(missing)}" if missing else ""


def _attempt(check: Check, clause: Clause, adapter: Adapter, mode: Mode, effort: int) -> tuple[Verdict, str, Kit]:
    kit = Kit(adapter, clause, mode, effort)
    if clause.level == "variant" and clause.alternatives and kit.choice not in clause.alternatives:
        offered = ", ".join(clause.alternatives)
        return "error", f"the adapter's choices must name one of {offered} for {clause.id}; seen {kit.choice!r}", kit
    finished = False
    try:
        with adapter.fresh():
            if mode == "validation_off" and "validation" in adapter.capabilities:
                adapter.set_validation(False)
            check.function(kit)
            finished = True
    except Violation as violation:
        return "fail", str(violation), kit
    except Exception as error:
        if finished:
            return (
                "fail",
                f"something is left behind after the check\n  seen:     {error}\n  expected: a clean slate",
                kit,
            )
        blame = _blame(error, adapter)
        if blame:
            return "error", f"{blame}\n" + "".join(traceback.format_exception(error)), kit
        return "fail", _unexpected(error, check), kit
    return "pass", "", kit


def _blame(error: Exception, adapter: Adapter) -> str:
    """Who made a mistake that says nothing about the implementation; empty if the implementation has to answer."""
    if raised_in(error, adapter_files(adapter)):
        return "the adapter raised"
    if lacking(error, adapter):
        return f"the adapter is not complete: {lacking(error, adapter)}"
    return "the check itself is wrong; please report it with this text" if mistake_of_check(error) else ""


def _unexpected(error: Exception, check: Check) -> str:
    """The last lines of the check before the implementation raised, and where that happened."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == check.function.__code__.co_filename]
    asked = f"\n  asked by: {own[-1].line} (line {own[-1].lineno})" if own else ""
    where = f"\n  raised:   {_shortened(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return (
        f"an unexpected exception\n  seen:     {type(error).__name__}: {error}\n  expected: no exception{asked}{where}"
    )


def _shortened(file: str) -> str:
    """An installed file from its package on, another one as seen from here, so that a report tells nothing else."""
    _, installed, inside = file.rpartition(f"site-packages{os.sep}")
    return inside if installed else file.removeprefix(os.getcwd() + os.sep)
