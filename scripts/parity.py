"""Twin check: both packages have the same modules, public names and parameters, or ``docs/parity.toml`` says why not.

Every entry of ``parity.toml`` is used exactly as long as it is needed: a difference that is gone fails the check too.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import tomllib
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("twofold_torch", "twofold_jax")


def public_modules(package: str) -> dict[str, ModuleType]:
    """Every module of ``package`` that lists public names, by its path below the package."""
    root = importlib.import_module(package)
    found = {"": root}
    for info in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            found[info.name.removeprefix(f"{package}.")] = importlib.import_module(info.name)
    return {path: module for path, module in found.items() if hasattr(module, "__all__")}


def parameters(value: object) -> list[str] | None:
    """Names of the parameters of a function or class, or None where Python cannot tell."""
    if not callable(value):
        return None
    try:
        return [name for name in inspect.signature(value).parameters if not name.startswith("_")]
    except (TypeError, ValueError):
        return None


def differences() -> list[str]:
    """One line a difference: ``module:name: only in twofold_torch`` or ``module:name: parameters``."""
    left, right = (public_modules(package) for package in PACKAGES)
    found = []
    for path in sorted(left.keys() | right.keys()):
        missing = [package for package, modules in zip(PACKAGES, (left, right), strict=True) if path not in modules]
        if missing:
            found.append(f"{path}: only in {PACKAGES[1 - PACKAGES.index(missing[0])]}")
            continue
        names = set(left[path].__all__), set(right[path].__all__)
        for name in sorted(names[0] | names[1]):
            place = f"{path}:{name}"
            if name not in names[1]:
                found.append(f"{place}: only in {PACKAGES[0]}")
            elif name not in names[0]:
                found.append(f"{place}: only in {PACKAGES[1]}")
            elif parameters(getattr(left[path], name)) != parameters(getattr(right[path], name)):
                found.append(f"{place}: parameters")
    return found


def main() -> int:
    table = tomllib.loads((ROOT / "docs" / "parity.toml").read_text(encoding="utf-8"))
    allowed = {line: reason for reason, lines in table.items() for line in lines["differences"]}
    seen = differences()
    unexplained = [line for line in seen if line not in allowed]
    stale = [line for line in allowed if line not in seen]
    for line in unexplained:
        print(f"unexplained difference   {line}")
    for line in stale:
        print(f"difference that is gone  {line}")
    print(f"parity: {len(seen)} differences, {len(unexplained)} unexplained, {len(stale)} entries out of date")
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main())
