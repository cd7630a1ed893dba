"""The table, and the file with all figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .measure import Result

__all__ = ["HEADING", "facts", "line", "write"]

PACKAGES = ("twofold-torch", "twofold-jax", "torch", "jax", "jaxlib", "numpy", "optax", "pyro-ppl", "numpyro")
WIDTH = 54
HEADING = f"{'':<{WIDTH}}{'twofold':>10}{'peer':>10} {'unit':<16}{'ratio':>7}  demanded"


def line(result: Result) -> str:
    """One line of the table."""
    peer = "-" if result.peer is None else _number(result.peer)
    ratio = "-" if result.ratio is None else f"{result.ratio:.2f}"
    text = f"  {result.name:<{WIDTH - 2}}{_number(result.ours):>10}{peer:>10} {result.unit:<16}{ratio:>7}"
    if result.demanded is None:
        return text
    demand = f"{result.demanded:g} s" if result.group == "imports" else f"{result.demanded:g}"
    return f"{text}  {demand:<6}{'' if result.holds else 'MISSED'}".rstrip()


def _number(figure: float) -> str:
    return f"{figure:.3f}" if figure < 1 else f"{figure:.2f}" if figure < 10 else f"{figure:.1f}"


def facts() -> dict[str, Any]:
    """What the figures depend on: versions and the machine."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    machine = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }
    return {"versions": versions, "machine": machine}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return names[0] if names else platform.processor()


def write(path: Path, results: Iterable[Result], seconds: float, is_quick: bool) -> None:
    """All results, every turn of them, with the facts, as JSON."""
    rows = [{**asdict(result), "ratio": result.ratio, "holds": result.holds} for result in results]
    document = {**facts(), "quick": is_quick, "seconds": round(seconds, 1), "results": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
