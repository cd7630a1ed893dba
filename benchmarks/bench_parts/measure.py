"""Comparing two programs on a machine that others use too.

The figure is CPU time of the process, not wall-clock time, so that waiting for a busy core does not count.  The two
programs take turns, so that a core that slows down slows both; each figure is the median over the turns.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Result", "Settings", "compare", "cpu_seconds", "microseconds"]

Program = Callable[[], Any]


@dataclass(frozen=True)
class Settings:
    """How long to look.

    Args:
        repeats: turns of each program.
        turn: seconds that one turn lasts at least.
        is_quick: whether long benchmarks shorten themselves.
    """

    repeats: int = 5
    turn: float = 0.04
    is_quick: bool = False


QUICK = Settings(repeats=3, turn=0.015, is_quick=True)


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    group: str
    name: str
    unit: str
    ours: float
    """Median."""
    peer: float | None
    """Median; None where the peer has nothing to compare with."""
    peer_name: str
    demanded: float | None = None
    """Largest ratio (or, in seconds added by an import, largest figure) that the project allows itself."""
    turns: dict[str, list[float]] = field(default_factory=dict, repr=False)
    """Every single figure."""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's: below 1 is faster."""
        return None if self.peer is None else self.ours / self.peer

    @property
    def holds(self) -> bool | None:
        """Whether the demand is met; None if there is none."""
        if self.demanded is None:
            return None
        figure = self.ours if self.group == "imports" else self.ratio
        return figure is not None and figure <= self.demanded


def cpu_seconds(program: Program, times: int = 1) -> float:
    """CPU time of the process for ``times`` runs, without garbage collection."""
    gc.collect()
    with _no_collection():
        started = time.process_time()
        for _ in range(times):
            program()
        return time.process_time() - started


def microseconds(
    ours: Program, peer: Program, per: int, settings: Settings
) -> tuple[float, float, dict[str, list[float]]]:
    """Median microseconds of both programs, divided by ``per``, and all turns.

    Args:
        ours: run once without being measured, then in every turn as often as ``settings.turn`` needs.
        peer: likewise.
        per: such as the number of sites in one run.
        settings: number and length of the turns.
    """
    programs = {"ours": ours, "peer": peer}
    times = {name: _times(program, settings.turn) for name, program in programs.items()}
    turns: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(settings.repeats):
        for name in programs if turn % 2 else reversed(programs):
            seconds = cpu_seconds(programs[name], times[name])
            turns[name].append(1e6 * seconds / (times[name] * per))
    return statistics.median(turns["ours"]), statistics.median(turns["peer"]), turns


def compare(
    group: str,
    name: str,
    ours: Program,
    peer: Program,
    *,
    peer_name: str,
    settings: Settings,
    per: int = 1,
    unit: str = "us/site",
    demanded: float | None = None,
) -> Result:
    """A line of the table from two programs that do the same; see `microseconds`."""
    our_figure, peer_figure, turns = microseconds(ours, peer, per, settings)
    return Result(group, name, unit, our_figure, peer_figure, peer_name, demanded, turns)


def _times(program: Program, turn: float) -> int:
    """How many runs last about ``turn`` seconds; the first, which may fill caches, counts only if it is far longer."""
    for limit in (4 * turn, 0.0):
        started = time.perf_counter()
        program()
        seconds = time.perf_counter() - started
        if seconds > limit:
            break
    return max(1, round(turn / max(seconds, 1e-9)))


@contextmanager
def _no_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
