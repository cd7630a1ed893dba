"""Seconds that an import adds to the import of its framework, in fresh interpreters."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from .measure import Result, Settings

__all__ = ["run"]

ALLOWED = 0.3

PROGRAM = """
import sys, time
__import__(sys.argv[1])
started = time.process_time()
for name in sys.argv[2:]:
    __import__(name)
print(time.process_time() - started)
"""


def run(settings: Settings) -> Iterator[Result]:
    for framework, package, peer, peer_name in (
        ("torch", "twofold_torch", "pyro", "Pyro"),
        ("jax", "twofold_jax", "numpyro", "NumPyro"),
    ):
        everything = [package, f"{package}.infer", f"{package}.optim", f"{package}.diagnostics"]
        programs = {"alone": [package], "all": everything, "peer": [peer]}
        turns: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(1 if settings.is_quick else 3):
            for name, modules in programs.items():
                turns[name].append(added_seconds(framework, modules))
        median = {name: statistics.median(figures) for name, figures in turns.items()}
        for name, title, allowed in (
            ("alone", f"import {package}", ALLOWED),
            ("all", f"import {package}, infer, optim, diagnostics", None),
        ):
            pair = {"ours": turns[name], "peer": turns["peer"]}
            yield Result("imports", title, "s", median[name], median["peer"], peer_name, allowed, pair)


def added_seconds(framework: str, modules: list[str]) -> float:
    """CPU time that the imports of ``modules`` add, in a new interpreter that has ``framework``."""
    command = [sys.executable, "-c", PROGRAM, framework, *modules]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])
