"""Settings, validation and seeds of the process."""

from __future__ import annotations

import random
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from twofold_torch import enable_validation, set_rng_seed, settings, validation_enabled
from twofold_torch.util import get_rng_state, set_rng_state
from twofold_torch.validation import is_validation_enabled


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


def test_settings_are_read_changed_and_put_back() -> None:
    assert settings.get("validation") is True
    assert set(settings.get()) >= {"validation", "validate_distributions_torch"}
    with pytest.raises(ZeroDivisionError), settings.context(validation=False):  # noqa: PT012 - the error comes from inside of the block
        assert not is_validation_enabled()
        _ = 1 / 0
    assert is_validation_enabled()
    settings.set(validation=False)
    assert settings.get("validation") is False


def test_an_unknown_setting_or_value_changes_nothing() -> None:
    for values in ({"validatoin": False}, {"validation": "off"}, {"validation": False, "other": 1}):
        with pytest.raises(KeyError):
            settings.set(**values)
    assert is_validation_enabled()
    with pytest.raises(KeyError, match="already"):
        settings.register("validation", lambda: 1, lambda value: None, lambda value: True)


def test_a_seed_reaches_all_generators_and_states_are_put_back() -> None:
    def draws() -> tuple[float, float, float]:
        return torch.rand(()).item(), random.random(), float(np.random.rand())

    set_rng_seed(7)
    state, first = get_rng_state(), draws()
    set_rng_seed(7)
    assert draws() == first
    set_rng_state(state)
    assert draws() == first
    set_rng_seed(2**40)


def test_a_new_thread_starts_with_the_same_switches_and_no_handlers() -> None:
    seen: list[bool] = []
    with validation_enabled(False):
        thread = threading.Thread(target=lambda: seen.append(is_validation_enabled()))
        thread.start()
        thread.join()
    assert seen == [False]


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


def test_required_errors_hold_under_python_o() -> None:
    done = subprocess.run([sys.executable, "-O", "-c", REFUSED_WITHOUT_ASSERTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
