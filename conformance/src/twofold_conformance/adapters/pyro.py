"""Pyro as an implementation under test, driven through its public functions.

Only ``fresh`` reaches further, to the handler stack, which it must find empty and leave empty.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pyro
import pyro.distributions as dist
import pyro.ops.jit
import torch
from pyro import poutine
from pyro.contrib.autoname import scope
from pyro.distributions import constraints
from pyro.infer import SVI, Trace_ELBO, TraceEnum_ELBO
from pyro.infer.enum import iter_discrete_traces
from pyro.infer.reparam import LocScaleReparam
from pyro.optim import PyroOptim
from torch import nn

from twofold_conformance.adapters.torch_ops import TorchOps, as_numpy, torch_net
from twofold_conformance.api import CAPABILITIES, Flavour, Kind, PlateView, Run, SiteView

_STATEMENTS = "sample param plate plate_stack factor deterministic subsample module random_module".split()  # noqa: SIM905
_MARKS: Mapping[str, Kind] = {"_deterministic": "deterministic", "is_auxiliary": "factor"}


class PyroAdapter:
    """Drives Pyro."""

    name = "pyro"
    version = pyro.__version__
    flavour: Flavour = "stateful"
    spec = "1.0"
    capabilities = frozenset(CAPABILITIES) - {"sample.shape", "vmap"}
    choices: ClassVar[Mapping[str, str]] = {"PLATE-025": "B", "RMODULE-011": "A", "VALID-010": "on"}

    def ppl(self) -> SimpleNamespace:
        return SimpleNamespace(**{name: getattr(pyro, name) for name in _STATEMENTS}, get_mask=poutine.get_mask)

    def dist(self) -> Any:
        return dist

    def constraints(self) -> Any:
        return constraints

    def xp(self) -> TorchOps:
        return TorchOps()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        self._reset()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined,unused-ignore]
                yield
            left = [type(handler).__name__ for handler in poutine.runtime._PYRO_STACK]
            if left:
                raise RuntimeError(f"handlers are still active: {left}")
        finally:
            self._reset()

    def _reset(self) -> None:
        poutine.runtime._PYRO_STACK.clear()
        poutine.runtime._DIM_ALLOCATOR._stack.clear()
        pyro.clear_param_store()
        pyro.enable_validation(True)
        pyro.set_rng_seed(0)

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trace = self.trace(model, *args, seed=seed, **kwargs)
            trace.compute_log_prob(lambda name, node: hasattr(node["fn"], "log_prob"))
            joint = trace.log_prob_sum(lambda name, node: hasattr(node["fn"], "log_prob"))
        sites = {name: _view(node) for name, node in trace.nodes.items() if node["type"] in ("sample", "param")}
        returned = trace.nodes["_RETURN"]["value"]
        return Run(returned, sites, float(as_numpy(joint)), [str(warning.message) for warning in caught], trace)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.call(poutine.trace(model).get_trace, *args, seed=seed, **kwargs)

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        if seed is not None:
            pyro.set_rng_seed(seed)
        return fn(*args, **kwargs)

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        make = scope if name == "scope" else getattr(poutine, name)
        return make(**settings) if fn is None else make(fn, **settings)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return poutine.trace(poutine.condition(model, data=dict(data))).get_trace(*args, **kwargs).log_prob_sum()

    def set_validation(self, flag: bool | None) -> None:
        pyro.enable_validation(*(() if flag is None else (flag,)))

    def validation_enabled(self, *args: bool) -> AbstractContextManager[None]:
        return pyro.validation_enabled(*args)

    def is_validation_on(self) -> bool:
        return bool(pyro.settings.get("validate_distributions_pyro"))

    def store(self) -> Any:
        return pyro.get_param_store()

    def loc_scale_reparam(self, centered: float) -> Any:
        return LocScaleReparam(centered)

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> nn.Module:
        return torch_net(sizes, seed, kind)

    def compile(self, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return pyro.ops.jit.trace(fn, **settings)

    def enum_elbo(self, model: Callable[..., Any], guide: Callable[..., Any], max_plate_nesting: int) -> float:
        return -float(TraceEnum_ELBO(max_plate_nesting=max_plate_nesting).loss(model, guide))

    def enum_traces(self, model: Callable[..., Any]) -> list[Any]:
        return list(iter_discrete_traces("flat", model))

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        return _Descent(SVI(model, guide, PyroOptim(torch.optim.SGD, {"lr": learning_rate}), Trace_ELBO()))


class _Descent:
    """Gradient descent on one-sample ELBO."""

    def __init__(self, svi: SVI) -> None:
        self._svi = svi

    def init(self, seed: int, *args: Any) -> None:
        pyro.set_rng_seed(seed)

    def step(self, *args: Any) -> float:
        return float(self._svi.step(*args))

    def evaluate(self, *args: Any) -> float:
        return float(self._svi.evaluate_loss(*args))

    def params(self) -> dict[str, np.ndarray]:
        return {name: TorchOps().numpy(value) for name, value in pyro.get_param_store().items()}


def _kind(node: Mapping[str, Any]) -> Kind:
    if node["type"] == "param":
        return "param"
    if type(node["fn"]).__name__ == "_Subsample":
        return "plate"
    for mark, kind in _MARKS.items():
        if node["infer"].get(mark) and node["is_observed"]:
            return kind
    return "observed" if node["is_observed"] else "latent"


def _infer(node: Mapping[str, Any]) -> dict[str, Any]:
    items = ((key, value) for key, value in (node["infer"] or {}).items() if key != "_deterministic")
    return {key: as_numpy(value) if torch.is_tensor(value) else value for key, value in items}


def _view(node: Mapping[str, Any]) -> SiteView:
    return SiteView(
        name=node["name"],
        kind=_kind(node),
        value=as_numpy(node["value"]),
        observed=bool(node["is_observed"]),
        log_prob=as_numpy(node.get("log_prob")),
        unscaled=as_numpy(node.get("unscaled_log_prob")),
        scale=as_numpy(node["scale"]),
        mask=as_numpy(node["mask"]),
        plates=tuple(
            PlateView(frame.name, frame.dim, int(frame.size), frame.counter) for frame in node["cond_indep_stack"]
        ),
        infer=_infer(node),
        constraint=node["kwargs"].get("constraint", constraints.real) if node["type"] == "param" else None,
        raw=node,
    )
