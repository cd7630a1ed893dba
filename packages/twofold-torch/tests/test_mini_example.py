"""The one-file explanation ``examples/mini_torch.py`` obeys the law that it explains."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from twofold_conformance.adapters.torch_ops import TorchOps, as_numpy
from twofold_conformance.api import PlateView, Run, SiteView
from twofold_conformance.registry import Check, load_checks
from twofold_conformance.runner import run_check

EXAMPLE = Path(__file__).parents[3] / "examples" / "mini_torch.py"
if not EXAMPLE.exists():
    pytest.skip("the examples are not part of the source distribution", allow_module_level=True)

spec = importlib.util.spec_from_file_location("mini_torch", EXAMPLE)
assert spec is not None
assert spec.loader is not None
mini = importlib.util.module_from_spec(spec)
sys.modules["mini_torch"] = mini
spec.loader.exec_module(mini)

CLAIMED = {
    "DET": "001 003",
    "ERR": "001 004 005 006 007 009",
    "HANDLER": ("001 002 003 004 010 011 013 020 021 030 031 043 045 050 051 052 053 054 055 065 068 090 092"),
    "LOGP": "004 008 009",
    "PARAM": "001 002 004 005 006 007 031 037",
    "PLATE": (
        "001 002 003 005 006 008 009 017 018 020 021 022 023 024 025 026 027 028 029 030 031 032 033 034 "
        "035 036 037 038 039 040 041 043 045 046 047 049 051 052 053 054 080 082"
    ),
    "SAMPLE": "001 002 004 005 018 019 020 021 022 027",
}
"""Numbers of the clauses by area: what a system needs before anything is made convenient."""
CHECKS = [c for c in load_checks().values() if c.clause[-3:] in CLAIMED.get(c.clause[:-4], "").split()]


class MiniAdapter:
    """Drives the example."""

    name, version, flavour, spec = "mini_torch", "1", "stateful", "1.0"
    capabilities = frozenset(
        [
            "param.lazy",
            "plate.subsample",
            "deterministic",
            "log_density",
            "handler.replay",
            "handler.seed",
            "handler.condition",
            "handler.substitute",
            "handler.block",
            "handler.scale",
        ]
    )
    choices: Mapping[str, str] = {"PLATE-025": "B"}

    def ppl(self) -> SimpleNamespace:
        return SimpleNamespace(**{name: getattr(mini, name) for name in ("sample", "param", "plate", "deterministic")})

    def dist(self) -> SimpleNamespace:
        return SimpleNamespace(Normal=mini.Normal)

    def constraints(self) -> SimpleNamespace:
        return SimpleNamespace()

    def xp(self) -> TorchOps:
        return TorchOps()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        mini.clear_param_store()
        torch.manual_seed(0)
        try:
            yield
            if mini.STACK.handlers:
                raise RuntimeError("handlers are still active")
        finally:
            mini.STACK.handlers.clear()
            mini.clear_param_store()

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        with mini.trace() as sites:
            value = self.call(model, *args, seed=seed, **kwargs)
        views = {name: _view(site) for name, site in sites.items()}
        return Run(value, views, mini.joint_log_density(sites).item(), [], sites)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        with mini.trace() as sites:
            self.call(model, *args, seed=seed, **kwargs)
        return sites

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        if seed is not None:
            torch.manual_seed(seed)
        return fn(*args, **kwargs)

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return getattr(mini, name)(fn, **settings)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any) -> Any:
        return mini.log_density(model, data, *args)

    def store(self) -> Any:
        return mini.STORE

    def validation_enabled(self, *args: bool) -> Any:
        return nullcontext()


def _view(site: Mapping[str, Any]) -> SiteView:
    kind = site["type"]
    if kind == "sample":
        kind = "observed" if site["is_observed"] else "latent"
    view = SiteView(site["name"], kind, as_numpy(site["value"]), site["is_observed"], scale=as_numpy(site["scale"]))
    view.plates = tuple(PlateView(*frame) for frame in site["cond_indep_stack"])
    if site["type"] == "sample":
        view.unscaled = as_numpy(site["fn"].log_prob(site["value"]))
        view.log_prob = view.scale * view.unscaled
    return view


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
def test_the_example_holds_the_clauses_that_it_claims(check: Check) -> None:
    result = run_check(check, MiniAdapter())  # type: ignore[arg-type]
    assert result.verdict in ("pass", "alternative", "unsupported"), result.message


def test_the_example_has_at_most_400_lines() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 400


def test_both_algorithms_of_the_example_agree_with_each_other() -> None:
    # Both estimates have a Monte Carlo error below 0.7 at these lengths; the mean-field guide adds a bias below 1.
    mini.clear_param_store()
    torch.manual_seed(1)
    mini.svi(mini.eight_schools, mini.mean_field, 1000, mini.ERRORS, mini.EFFECTS)
    draws = mini.hmc(mini.eight_schools, 600, mini.ERRORS, mini.EFFECTS)
    assert abs((mini.STORE["mean_loc"] - draws["mean"][100:].mean()).item()) < 2.0
