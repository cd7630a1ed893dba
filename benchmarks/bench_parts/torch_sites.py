"""torch: microseconds that one site costs bare, under trace, and under trace with its log density."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyro
import pyro.distributions
import pyro.poutine
import torch

import twofold_torch
import twofold_torch.distributions
import twofold_torch.handlers

from .measure import Result, Settings, compare
from .models import NUM_SITES, Language, small_models

__all__ = ["run"]

DEMANDED = 0.5


def run(settings: Settings) -> Iterator[Result]:
    zero = torch.zeros(())
    ours = small_models(Language(twofold_torch, twofold_torch.distributions), zero)
    theirs = small_models(Language(pyro, pyro.distributions), zero)
    for is_validated in (True, False):
        twofold_torch.enable_validation(is_validated)
        pyro.enable_validation(is_validated)
        for name in ours:
            our_modes = _modes(ours[name], twofold_torch.handlers)
            peer_modes = _modes(theirs[name], pyro.poutine)
            for mode in our_modes:
                yield compare(
                    "torch-sites",
                    f"{name}, {mode}, {'checked' if is_validated else 'unchecked'}",
                    our_modes[mode],
                    peer_modes[mode],
                    peer_name="Pyro",
                    settings=settings,
                    per=NUM_SITES,
                    demanded=DEMANDED,
                )
    twofold_torch.enable_validation(True)
    pyro.enable_validation(True)


def _modes(model: Callable[[], Any], handlers: Any) -> dict[str, Callable[[], Any]]:
    return {
        "bare": model,
        "trace": lambda: handlers.trace(model).get_trace(),
        "trace + log density": lambda: handlers.trace(model).get_trace().log_prob_sum(),
    }
