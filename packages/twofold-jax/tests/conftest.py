"""What all tests share: a block that must be refused, and leave everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

import twofold_jax
from twofold_jax import distributions as dist
from twofold_jax import handlers
from twofold_jax.runtime import active_handlers
from twofold_jax.validation import is_validation_enabled


def _state() -> tuple[Any, ...]:
    """Everything that a failed program could leave behind."""
    return active_handlers(), is_validation_enabled(), _seeded_run()


def _seeded_run() -> Any:
    """What a small seeded program gives."""

    def model() -> None:
        z = twofold_jax.sample("z", dist.Normal(0.0, 1.0))
        with twofold_jax.plate("rows", 6, subsample_size=2):
            twofold_jax.sample("x", dist.Normal(z, 1.0))

    sites = handlers.trace(handlers.seed(model, rng_seed=3)).get_trace()
    return [(name, site["value"].tolist(), site["scale"]) for name, site in sites.items()]


@pytest.fixture
def refuses() -> Callable[..., AbstractContextManager[None]]:
    """A block that must raise an error with these words, seen, expected and remedy, and leave everything as it was."""

    @contextmanager
    def block(error: type[Exception], *words: str) -> Iterator[None]:
        before = _state()
        with pytest.raises(error) as caught:
            yield
        message = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
        for word in (*words, "\n  seen: ", "\n  expected: ", "\n  try: "):
            assert word in message, f"{word!r} is not in: {message}"
        assert _state() == before

    return block
