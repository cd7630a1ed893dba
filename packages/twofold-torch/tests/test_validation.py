"""The one switch of all checks."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import torch

from twofold_torch import enable_validation, validation_enabled
from twofold_torch.validation import is_validation_enabled

REFUSED_WITHOUT_ASSERTS = """
import torch, twofold_torch as tt
from twofold_torch import distributions as dist, handlers
def twice():
    tt.sample("x", dist.Normal(0., 1.)); tt.sample("x", dist.Normal(0., 1.))
def collision():
    with tt.plate("a", 2, dim=-1), tt.plate("b", 2, dim=-1):
        pass
calls = [
    handlers.trace(twice).get_trace, collision, lambda: tt.plate("a", 0), lambda: tt.plate("a", -1),
    lambda: tt.plate("a", subsample_size=2), lambda: tt.module("a$$$b", torch.nn.Linear(1, 1)),
    lambda: handlers.seed(twice, rng_seed="s"), lambda: tt.get_param_store().set_state({"params": 1}),
    lambda: handlers.mask(twice, mask=0.5), lambda: handlers.scale(twice, scale=-1.0),
]
for number, call in enumerate(calls):
    try:
        call()
    except tt.TwofoldError:
        continue
    raise SystemExit(f"call {number} was accepted")
"""


def test_the_switch_of_validation_reaches_plain_torch_laws() -> None:
    enable_validation(False)
    torch.distributions.Normal(0.0, -1.0)
    enable_validation()
    with pytest.raises(ValueError, match="scale"):
        torch.distributions.Normal(0.0, -1.0)


def test_a_context_restores_both_switches_after_an_error() -> None:
    torch.distributions.Distribution.set_default_validate_args(False)
    with pytest.raises(KeyError), validation_enabled():  # noqa: PT012 - the error comes from inside of the block
        assert torch.distributions.Distribution._validate_args
        raise KeyError
    assert is_validation_enabled()
    assert not torch.distributions.Distribution._validate_args


def test_a_new_thread_starts_with_the_same_switches_and_no_handlers() -> None:
    seen: list[bool] = []
    with validation_enabled(False):
        thread = threading.Thread(target=lambda: seen.append(is_validation_enabled()))
        thread.start()
        thread.join()
    assert seen == [False]


def test_required_errors_hold_under_python_o() -> None:
    done = subprocess.run([sys.executable, "-O", "-c", REFUSED_WITHOUT_ASSERTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
