"""What the checks of parameters and their store need: the leaves behind the names, and a file that is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twofold_conformance.runner import Kit


def leaf(k: Kit, name: str) -> Any:
    """The unconstrained leaf that the store lists under ``name``."""
    leaves = dict(k.adapter.store().named_parameters())
    k.expect.contains(leaves, name, "names of the store's leaves")
    return leaves[name]


def shift(k: Kit, name: str, by: float) -> None:
    """Add ``by`` to every entry of the leaf, in place, as an optimiser would."""
    parameter = leaf(k, name)
    k.xp.assign(parameter, k.numpy(parameter) + by)


def constrained(k: Kit) -> dict[str, np.ndarray]:
    """The constrained values of all parameters in the store."""
    return {name: k.numpy(value) for name, value in k.adapter.store().items()}


def expect_positive(k: Kit, name: str) -> None:
    """The parameter is positive wherever its leaf goes; the leaf is put back."""
    before = k.numpy(leaf(k, name))
    for value in (-3.0, 3.0):
        k.xp.assign(leaf(k, name), np.full(before.shape, value))
        seen = k.numpy(k.adapter.store()[name])
        k.expect.true(np.all(seen > 0), f"{name} is positive when its leaf is {value}", seen=seen)
    k.xp.assign(leaf(k, name), before)


@contextmanager
def scratch_file(name: str = "store") -> Iterator[str]:
    """A path in a directory of its own."""
    with TemporaryDirectory() as folder:
        yield str(Path(folder) / name)
