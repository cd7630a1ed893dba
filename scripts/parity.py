"""Twin check: both packages have the same modules, public names and parameters, or ``docs/parity.toml`` says why not.

An object is compared once, at the shortest path that lists it.  Every entry of ``parity.toml`` has to be needed: one
that explains nothing any more fails the check too.

    python scripts/parity.py           # what is unexplained or out of date
    python scripts/parity.py --list    # every difference beside its reason
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"torch": "twofold_torch", "jax": "twofold_jax"}
KINDS = ("module", "only_in_torch", "only_in_jax", "parameters")


@dataclass(frozen=True)
class Difference:
    """What one package has and the other has not."""

    place: str
    """``module``, or ``module:name``; the root module is the empty string."""
    kind: str
    """``only_in_torch``, ``only_in_jax`` or ``parameters``."""
    torch: tuple[str, ...] = ()
    """Parameters that only the torch twin has."""
    jax: tuple[str, ...] = ()
    """Parameters that only the JAX twin has; both are empty where only the order differs."""

    def __str__(self) -> str:
        if self.kind != "parameters":
            return f"{self.place}: {self.kind.replace('_', ' ')}"
        extra = [f"{flavour} has {', '.join(names)}" for flavour, names in (("torch", self.torch), ("JAX", self.jax))]
        shown = [text for text, names in zip(extra, (self.torch, self.jax), strict=True) if names]
        return f"{self.place}: parameters: {'; '.join(shown) or 'another order'}"


@dataclass(frozen=True)
class Entry:
    """One table of ``parity.toml``: the places that a reason explains."""

    kind: str
    places: tuple[str, ...]
    reason: str
    torch: tuple[str, ...] = ()
    jax: tuple[str, ...] = ()

    def unused(self, found: list[Difference]) -> list[str]:
        """Places of this entry that no difference needs any more."""
        return [place for place in self.places if not any(self.explains(seen, place) for seen in found)]

    def explains(self, seen: Difference, place: str) -> bool:
        """Whether this entry, at one of its places, gives the reason of ``seen``."""
        if self.kind == "module":
            return fnmatchcase(seen.place.partition(":")[0], place)
        same = fnmatchcase(seen.place, place) and seen.kind == self.kind
        return same and (seen.torch, seen.jax) == (self.torch, self.jax)


def public_modules(package: str) -> dict[str, ModuleType]:
    """Every module of ``package`` that lists public names, by its path below the package."""
    root = importlib.import_module(package)
    found = {"": root}
    for info in pkgutil.walk_packages(root.__path__, prefix=f"{package}."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            found[info.name.removeprefix(f"{package}.")] = importlib.import_module(info.name)
    return {path: module for path, module in found.items() if hasattr(module, "__all__")}


def parameters(value: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of all parameters of a function or class, and of those that may be given by position.

    Nothing for other objects, and where Python cannot tell.
    """
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return (), ()
    try:
        found = [p for p in inspect.signature(value).parameters.values() if not p.name.startswith("_")]
    except (TypeError, ValueError):
        return (), ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in found), tuple(p.name for p in found if p.kind in positional)


def parameter_difference(place: str, torch: object, jax: object) -> Difference | None:
    """Parameters that one twin lacks; or only the place, if those that both take by position come in another order."""
    (left, left_order), (right, right_order) = parameters(torch), parameters(jax)
    extra = tuple(n for n in left if n not in right), tuple(n for n in right if n not in left)
    in_order = [[n for n in order if n in left_order and n in right_order] for order in (left_order, right_order)]
    return Difference(place, "parameters", *extra) if any(extra) or in_order[0] != in_order[1] else None


def differences() -> list[Difference]:
    """Every difference once, the shortest paths first."""
    left, right = (public_modules(package) for package in PACKAGES.values())
    found: list[Difference] = []
    compared: set[object] = set()
    for path in sorted(left.keys() | right.keys(), key=lambda path: (path.count(".") + bool(path), path)):
        if path not in right or path not in left:
            found.append(Difference(path, "only_in_torch" if path in left else "only_in_jax"))
        else:
            found += _name_differences(path, left[path], right[path], compared)
    return found


def _name_differences(path: str, left: ModuleType, right: ModuleType, compared: set[object]) -> list[Difference]:
    found = []
    for name in sorted({*left.__all__, *right.__all__}):
        mine, other = (getattr(module, name, None) if name in module.__all__ else None for module in (left, right))
        if (name, id(mine), id(other)) in compared:
            continue  # listed at a shorter path
        compared.add((name, id(mine), id(other)))
        place = f"{path}:{name}"
        if name not in right.__all__ or name not in left.__all__:
            found.append(Difference(place, "only_in_torch" if name in left.__all__ else "only_in_jax"))
        elif (difference := parameter_difference(place, mine, other)) is not None:
            found.append(difference)
    return found


def entries() -> list[Entry]:
    """The explanations of ``docs/parity.toml``."""
    table = tomllib.loads((ROOT / "docs" / "parity.toml").read_text(encoding="utf-8"))
    unknown = table.keys() - set(KINDS)
    if unknown:
        raise SystemExit(f"docs/parity.toml: unknown tables {sorted(unknown)}; there are {', '.join(KINDS)}")
    return [
        Entry(
            kind,
            tuple(record["places"]),
            record["reason"],
            tuple(record.get("torch", ())),
            tuple(record.get("jax", ())),
        )
        for kind in KINDS
        for record in table.get(kind, ())
    ]


def main() -> int:
    found, explanations = differences(), entries()
    open_ends = 0
    for seen in found:
        reason = next((e.reason for e in explanations for place in e.places if e.explains(seen, place)), None)
        if reason is None:
            open_ends += 1
            print(f"unexplained   {seen}")
        elif "--list" in sys.argv[1:]:
            print(f"{seen}\n    {reason}")
    stale = [f"{place} ({entry.kind})" for entry in explanations for place in entry.unused(found)]
    for place in stale:
        print(f"out of date   {place}")
    print(f"parity: {len(found)} differences, {open_ends} unexplained, {len(stale)} entries out of date")
    return 1 if open_ends or stale else 0


if __name__ == "__main__":
    sys.exit(main())
