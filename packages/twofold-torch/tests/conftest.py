"""A clean slate for every test: empty store, validation on, seeded generators, no handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import torch

import twofold_torch
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.runtime import active_handlers
from twofold_torch.validation import is_validation_enabled


@pytest.fixture(autouse=True)
def clean_slate() -> Iterator[None]:
    twofold_torch.clear_param_store()
    twofold_torch.enable_validation()
    twofold_torch.set_rng_seed(0)
    yield
    assert active_handlers() == ()
    twofold_torch.clear_param_store()
    twofold_torch.enable_validation()


def _state() -> tuple[Any, ...]:
    """Everything that a failed program could leave behind."""
    store = twofold_torch.get_param_store()
    leaves = {name: leaf.detach().clone() for name, leaf in store.named_parameters()}
    return active_handlers(), leaves, is_validation_enabled(), _seeded_run()


def _seeded_run() -> Any:
    """What a small seeded program gives; it leaves the generator as it was."""

    def model() -> None:
        z = twofold_torch.sample("z", dist.Normal(0.0, 1.0))
        with twofold_torch.plate("rows", 6, subsample_size=2):
            twofold_torch.sample("x", dist.Normal(z, 1.0))

    with torch.random.fork_rng():
        sites = handlers.trace(handlers.seed(model, rng_seed=3)).get_trace()
        return [sites.nodes[name]["value"].tolist() for name in ("z", "rows", "x")], float(sites.log_prob_sum())


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
        after = _state()
        assert after[0] == before[0]
        assert list(after[1]) == list(before[1])
        assert all(torch.equal(after[1][name], leaf) for name, leaf in before[1].items())
        assert after[2:] == before[2:]

    return block
