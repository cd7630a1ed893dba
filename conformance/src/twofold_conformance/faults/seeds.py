"""Faults of ``seed`` and of the keys that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twofold_conformance.faults.planting import Patch, altered, area, everywhere, nothing, swap
from twofold_conformance.reference import draws, mechanism, stateful, stateless
from twofold_conformance.reference.draws import GENERATOR
from twofold_conformance.reference.mechanism import KeySequence

fault = area("HANDLER")


@fault("seed_ignored", "stateful: seed does not seed", "values with equal seeds")
def _() -> Iterator[Patch]:
    def noting(self: Any) -> None:
        self.before = GENERATOR.state

    yield swap(stateful.seed, "start", noting)
    yield _keys(lambda self: KeySequence(np.random.default_rng().integers(1000)))


@fault("seed_no_restore", "stateful: seed does not give the generator back", "draw around a seed handler")
def _() -> Iterator[Patch]:
    yield swap(stateful.seed, "finish", nothing)


@fault(
    "seed_no_restore_on_error",
    "stateful: seed does not give the generator back after an exception",
    "draw after a failed seeded",
)
def _() -> Iterator[Patch]:
    finish = stateful.seed.finish
    yield swap(stateful.seed, "finish", lambda self, *, failed: None if failed else finish(self, failed=failed))


@fault("seed_same_for_all", "every seed is the same seed", "values with different seeds")
def _() -> Iterator[Patch]:
    init = stateful.seed.__init__

    def constant(self: Any, fn: Any = None, rng_seed: Any = None) -> None:
        init(self, fn, rng_seed)
        self.rng_seed = 0

    yield swap(stateful.seed, "__init__", constant)
    yield _keys(lambda self: KeySequence(0))


def _keys(make: Any) -> Patch:
    def start(self: Any) -> None:
        self.keys = make(self)

    return swap(stateless.seed, "start", start)


@fault("seed_same_key", "stateless: all sites get the same key", "number of different draws")
def _() -> Iterator[Patch]:
    yield swap(KeySequence, "next", lambda self: self.root)


@fault("seed_any_type", "a seed may be of any type", "seed")
def _() -> Iterator[Patch]:
    yield swap(stateful.seed, "check", nothing)
    yield swap(stateless.seed, "check", nothing)
    yield _keys(lambda self: KeySequence(_as_number(self.rng_seed)))
    init = stateful.seed.__init__
    yield swap(stateful.seed, "__init__", lambda self, fn=None, rng_seed=None: init(self, fn, _as_number(rng_seed)))


def _as_number(seed: Any) -> Any:
    if isinstance(seed, str):
        return len(seed)
    return int(seed) if isinstance(seed, float) else seed


@fault("seed_refuses_arrays", "stateless: a seed must be a Python number", "TypeError: a seed")
def _() -> Iterator[Patch]:
    def strict(self: Any, rng_seed: Any) -> None:
        if not isinstance(rng_seed, int):
            raise TypeError(f"a seed is a number, seen: {rng_seed!r}")

    yield swap(stateless.seed, "check", strict)


@fault(
    "seed_key_differs_from_number",
    "stateless: a key gives other values than its number",
    r"draw with the seed Tensor\(",
)
def _() -> Iterator[Patch]:
    yield _keys(lambda self: KeySequence(_shifted(self.rng_seed)))


def _shifted(seed: Any) -> Any:
    return draws.fold_in(seed, 0) if draws.is_key(seed) else seed


@fault(
    "seed_context_differs",
    "stateless: seed as a context manager gives other keys than around a function",
    "result of the context manager|draw inside a seed context",
)
def _() -> Iterator[Patch]:
    yield _keys(lambda self: KeySequence(self.rng_seed if self.fn else draws.fold_in(draws.make_key(self.rng_seed), 0)))


@fault(
    "seed_continues",
    "stateless: a second call of a seeded function goes on with the sequence",
    "the second call repeats",
)
def _() -> Iterator[Patch]:
    yield _keys(lambda self: getattr(self, "keys", None) or KeySequence(self.rng_seed))


@fault("seed_outer_wins", "stateless: of nested seeds the outer one decides", "draw inside seed")
def _() -> Iterator[Patch]:
    def greedy(self: Any, msg: Any) -> None:
        if mechanism.takes_key(altered(msg, rng_key=None)) or msg["type"] == "prng_key":
            msg["rng_key"] = self.keys.next()

    yield swap(stateless.seed, "process", greedy)


@fault("seed_skips_observed", "stateless: a site that draws nothing uses up no key", "a later draw")
def _() -> Iterator[Patch]:
    process = stateless.seed.process
    yield swap(stateless.seed, "process", lambda self, msg: None if msg["is_observed"] else process(self, msg))


@fault("seed_hide_types_ignored", "stateless: hide_types of seed has no effect", "a subsampled plate whose key")
def _() -> Iterator[Patch]:
    init = stateless.seed.__init__
    yield swap(stateless.seed, "__init__", lambda self, fn=None, rng_seed=None, hide_types=(): init(self, fn, rng_seed))


@fault("keys_collide_after_many", "stateless: keys repeat with period 1 for later sites", "number of different draws")
def _() -> Iterator[Patch]:
    fold_in = draws.fold_in
    yield everywhere(fold_in, lambda key, count: fold_in(key, min(count, 2)))
