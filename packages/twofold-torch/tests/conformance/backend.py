"""How the conformance kit drives twofold-torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

import twofold_torch
from twofold_conformance.adapters.torch_ops import TorchOps, as_numpy, torch_net
from twofold_conformance.api import CAPABILITIES, Flavour, Kind, PlateView, Run, SiteView
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.distributions import constraints
from twofold_torch.infer.enum import iter_discrete_traces
from twofold_torch.infer.reparam import LocScaleReparam
from twofold_torch.ops import jit
from twofold_torch.runtime import active_handlers
from twofold_torch.validation import is_validation_enabled

_STATEMENTS = "sample param plate plate_stack factor deterministic subsample module random_module get_mask"
_NOT_OFFERED = "sample.shape vmap"


class TorchAdapter:
    """Drives twofold-torch."""

    name = "twofold-torch"
    version = twofold_torch.__version__
    flavour: Flavour = "stateful"
    spec = "1.0"
    capabilities = frozenset(CAPABILITIES) - frozenset(_NOT_OFFERED.split())
    choices: ClassVar[Mapping[str, str]] = {"PLATE-025": "B", "RMODULE-011": "A", "VALID-010": "on"}

    def ppl(self) -> SimpleNamespace:
        return SimpleNamespace(**{name: getattr(twofold_torch, name) for name in _STATEMENTS.split()})

    def dist(self) -> Any:
        return dist

    def constraints(self) -> Any:
        return constraints

    def xp(self) -> TorchOps:
        return TorchOps()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        before = active_handlers()
        self._reset()
        try:
            yield
            left = [type(handler).__name__ for handler in active_handlers()[len(before) :]]
            if left:
                raise RuntimeError(f"handlers are still active: {left}")
        finally:
            for handler in reversed(active_handlers()[len(before) :]):
                handler.__exit__(None, None, None)
            self._reset()

    def _reset(self) -> None:
        twofold_torch.clear_param_store()
        twofold_torch.enable_validation()
        twofold_torch.set_rng_seed(0)

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trace = self.trace(model, *args, seed=seed, **kwargs)
            trace.compute_log_prob()
            joint = float(trace.log_prob_sum())
        sites = {name: _view(site) for name, site in trace.nodes.items() if name not in ("_INPUT", "_RETURN")}
        return Run(trace.nodes["_RETURN"]["value"], sites, joint, [str(warning.message) for warning in caught], trace)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.call(handlers.trace(model).get_trace, *args, seed=seed, **kwargs)

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        if seed is not None:
            twofold_torch.set_rng_seed(seed)
        return fn(*args, **kwargs)

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return getattr(handlers, name)(fn, **settings)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return handlers.trace(handlers.condition(model, data=data)).get_trace(*args, **kwargs).log_prob_sum()

    def set_validation(self, flag: bool | None) -> None:
        twofold_torch.enable_validation(*(() if flag is None else (flag,)))

    def validation_enabled(self, *args: bool) -> AbstractContextManager[None]:
        return twofold_torch.validation_enabled(*args)

    def is_validation_on(self) -> bool:
        return is_validation_enabled()

    def store(self) -> Any:
        return twofold_torch.get_param_store()

    def loc_scale_reparam(self, centered: float) -> Any:
        return LocScaleReparam(centered)

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> nn.Module:
        return torch_net(sizes, seed, kind)

    def compile(self, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return jit.trace(fn, **settings)

    def enum_traces(self, model: Callable[..., Any]) -> list[Any]:
        return list(iter_discrete_traces("flat", model))

    def enum_elbo(self, model: Callable[..., Any], guide: Callable[..., Any], max_plate_nesting: int) -> float:
        from twofold_torch.infer import TraceEnum_ELBO

        return -float(TraceEnum_ELBO(max_plate_nesting=max_plate_nesting).loss(model, guide))

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        from twofold_torch.infer import SVI, Trace_ELBO

        optimiser = twofold_torch.optim.PyroOptim(torch.optim.SGD, {"lr": learning_rate})
        return _Descent(SVI(model, guide, optimiser, Trace_ELBO()))


class _Descent:
    """Gradient descent on one-sample ELBO."""

    def __init__(self, svi: Any) -> None:
        self._svi = svi

    def init(self, seed: int, *args: Any) -> None:
        twofold_torch.set_rng_seed(seed)

    def step(self, *args: Any) -> float:
        return float(self._svi.step(*args))

    def evaluate(self, *args: Any) -> float:
        return float(self._svi.evaluate_loss(*args))

    def params(self) -> dict[str, np.ndarray]:
        return {name: TorchOps().numpy(value) for name, value in twofold_torch.get_param_store().items()}


def _kind(site: Mapping[str, Any]) -> Kind:
    if site["type"] != "sample":
        return site["type"]  # type: ignore[no-any-return]
    if type(site["fn"]).__name__ == "_Subsample":
        return "plate"
    if site["infer"].get("is_auxiliary") and site["is_observed"]:
        return "factor"
    return "observed" if site["is_observed"] else "latent"


def _view(site: Mapping[str, Any]) -> SiteView:
    infer = {key: value for key, value in site["infer"].items() if key != "_deterministic"}
    return SiteView(
        name=site["name"],
        kind=_kind(site),
        value=as_numpy(site["value"]),
        observed=bool(site["is_observed"]),
        log_prob=as_numpy(site.get("log_prob")),
        unscaled=as_numpy(site.get("unscaled_log_prob")),
        scale=as_numpy(site["scale"]),
        mask=as_numpy(site["mask"]),
        plates=tuple(PlateView(f.name, f.dim, f.size, f.counter) for f in site["cond_indep_stack"]),
        infer={key: as_numpy(value) for key, value in infer.items()},
        constraint=site["kwargs"].get("constraint") if site["type"] == "param" else None,
        raw=site,
    )
