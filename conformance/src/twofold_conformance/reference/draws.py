"""Randomness: one global generator for the stateful flavour, keys that are values for the stateless one.

Every draw is an operation on the tape.  Its first input is a key; the key ``GLOBAL`` stands for the generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from twofold_conformance.reference.tensor import Op, Tensor, apply, tensor


class Generator:
    """The global generator.  ``state`` is all there is to it."""

    def __init__(self) -> None:
        self.seed(0)

    def seed(self, number: int) -> None:
        self.bits = np.random.PCG64(number)

    @property
    def state(self) -> Any:
        return self.bits.state

    @state.setter
    def state(self, value: Any) -> None:
        self.bits.state = value


GENERATOR: Final = Generator()
GLOBAL: Final = Tensor(np.zeros(0, dtype=np.uint32))
"""The empty key: draw from the global generator."""


def make_key(number: Any) -> Tensor:
    """The key of a number; a key is its own key."""
    value = tensor(number)
    return value if is_key(value) else apply(_MAKE_KEY, value)


def is_key(value: Any) -> bool:
    return isinstance(value, Tensor) and value.shape == (2,) and value.dtype == np.uint32


def fold_in(key: Tensor, count: int) -> Tensor:
    """A new key for each ``count``, unrelated to all others and to ``key``."""
    return apply(_FOLD_IN, key, count=count)


def _entropy(*words: Any) -> np.ndarray:
    return np.random.SeedSequence([int(word) for word in words]).generate_state(2)


_MAKE_KEY = Op(lambda number: _entropy(number))
_FOLD_IN = Op(lambda key, *, count: _entropy(*key, count))


def _source(key: np.ndarray) -> np.random.Generator:
    return np.random.Generator(GENERATOR.bits if key.size == 0 else np.random.PCG64(key))


def _drawing(draw: Callable[..., Any]) -> Op:
    return Op(lambda key, *params, shape: draw(_source(key), shape, *params))


_NORMAL = _drawing(lambda source, shape: source.standard_normal(shape))
_UNIFORM = _drawing(lambda source, shape: source.random(shape))
_GAMMA = _drawing(lambda source, shape, concentration: source.standard_gamma(concentration, shape))
_POISSON = _drawing(lambda source, shape, rate: source.poisson(rate, shape))
_PERMUTATION = _drawing(lambda source, shape: source.permutation(shape[0]))


def normal(key: Tensor, shape: tuple[int, ...]) -> Tensor:
    return apply(_NORMAL, key, shape=shape)


def uniform(key: Tensor, shape: tuple[int, ...]) -> Tensor:
    return apply(_UNIFORM, key, shape=shape)


def gamma(key: Tensor, shape: tuple[int, ...], concentration: Any) -> Tensor:
    return apply(_GAMMA, key, concentration, shape=shape)


def poisson(key: Tensor, shape: tuple[int, ...], rate: Any) -> Tensor:
    return apply(_POISSON, key, rate, shape=shape)


def random_subset(key: Tensor, size: int, count: int) -> Tensor:
    """``count`` distinct numbers of ``range(size)``, every subset equally likely."""
    return apply(_PERMUTATION, key, shape=(size,))[:count]
