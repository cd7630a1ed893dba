"""What a stack of handlers makes of one site: an interpreter of the rule that the innermost is asked first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Layer = tuple[str, Any]
"""A handler and its one setting: scale (factor), mask (kept or not), condition (value), uncondition, block (hides or
not), infer_config (tag)."""


@dataclass
class Outcome:
    """How the site looks from outside the whole stack."""

    value: float | None
    """The observed value; None for a draw."""
    visible: bool = True
    scale: float = 1.0
    kept: bool = True
    tags: list[str] = field(default_factory=list)
    """What the infer dict holds, in the order in which it was written."""


def outcome(layers: Sequence[Layer], obs: float | None) -> Outcome:
    """The site after ``layers``, innermost first."""
    site = Outcome(obs)
    for name, setting in layers:
        match name:
            case "scale":
                site.scale *= setting
            case "mask":
                site.kept = site.kept and setting
            case "condition":
                site.value = setting
            case "uncondition":
                site.value = None
            case "infer_config":
                site.tags.append(setting)
            case "block" if setting:
                site.visible = False
                return site
    return site


def random_stacks(count: int, seed: int, offered: Sequence[str]) -> Iterator[list[Layer]]:
    """Stacks of two to five handlers, innermost first."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        names = rng.choice(list(offered), size=rng.integers(2, 6))
        yield [(str(name), _setting(str(name), rng)) for name in names]


def _setting(name: str, rng: np.random.Generator) -> Any:
    return {
        "scale": float(rng.integers(2, 6)),
        "mask": bool(rng.random() < 0.7),
        "condition": float(rng.integers(-3, 4)),
        "block": bool(rng.random() < 0.4),
        "infer_config": f"tag_{rng.integers(100)}",
    }.get(name)
