"""A clean slate for every test: empty store, validation on, seeded generators, no handlers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import twofold_torch
from twofold_torch.runtime import active_handlers


@pytest.fixture(autouse=True)
def clean_slate() -> Iterator[None]:
    twofold_torch.clear_param_store()
    twofold_torch.enable_validation()
    twofold_torch.set_rng_seed(0)
    yield
    assert active_handlers() == ()
    twofold_torch.clear_param_store()
    twofold_torch.enable_validation()
