"""The reference as implementations under test: one adapter for each flavour."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from twofold_conformance import __version__
from twofold_conformance.api import CAPABILITIES, Flavour, Kind, PlateView, Run, SiteView
from twofold_conformance.reference import (
    compiled,
    constraints,
    draws,
    enumeration,
    handlers,
    infer,
    laws,
    network,
    stateful,
    stateless,
    statements,
    tensor,
    traces,
    trees,
    validation,
)
from twofold_conformance.reference.mechanism import STACK
from twofold_conformance.reference.store import STORE
from twofold_conformance.reference.tensor import Tensor

_LAWS = (
    "Normal HalfNormal LogNormal Exponential Gamma Beta Uniform Bernoulli Categorical Poisson MultivariateNormal Delta"
)


class NumpyOps:
    """``ArrayOps`` on the tensors of the reference."""

    exp = staticmethod(tensor.exp)
    log = staticmethod(tensor.log)
    where = staticmethod(tensor.where)
    stack = staticmethod(tensor.stack)

    def array(self, value: Any, dtype: str | None = None) -> Tensor:
        wanted = {"float": "float64", "int": "int64"}.get(dtype or "", dtype)
        return Tensor(np.array(tensor.array(value), dtype=wanted))

    def numpy(self, value: Any) -> np.ndarray:
        data = np.array(value._leave() if isinstance(value, Tensor) else value)
        return data.astype(np.float64) if data.dtype.kind == "f" else data

    def sum(self, value: Any) -> Tensor:
        return tensor.tensor(value).sum()

    def stop_grad(self, value: Any) -> Tensor:
        return tensor.tensor(value).detach()

    def is_array(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def shape(self, value: Any) -> tuple[int, ...]:
        return tensor.array(value).shape

    def dtype(self, value: Any) -> str:
        return str(tensor.array(value).dtype)

    def key(self, seed: int) -> Tensor:
        return draws.make_key(seed)

    def leaf(self, value: Any) -> Tensor:
        return Tensor(np.array(tensor.array(value), dtype=float), requires_grad=True)

    def is_leaf(self, value: Any) -> bool:
        return bool(value.is_leaf)

    def requires_grad(self, value: Any) -> bool:
        return bool(value.requires_grad)

    def assign(self, leaf: Any, value: Any) -> None:
        leaf.data[...] = tensor.array(value)

    def backward(self, loss: Any) -> None:
        loss.backward()

    def grad_of(self, leaf: Any) -> np.ndarray | None:
        return None if leaf.grad is None else np.array(leaf.grad)

    def grad(self, fn: Callable[[Any], Any], at: Any) -> Any:
        """The gradient; of a tree of arrays, the tree of gradients."""
        point = trees.mapped(self.leaf, at)
        slopes = tensor.gradients(fn(point))
        return trees.mapped(lambda leaf: slopes.get(leaf, np.zeros(leaf.shape)), point)


class _Reference(ABC):
    """What both adapters share."""

    version = __version__
    spec = "1.0"
    flavour: Flavour
    language: Any
    """The module of the flavour."""

    def ppl(self) -> SimpleNamespace:
        names = ("sample", "param", "plate", "plate_stack", "factor", "module", "random_module")
        return SimpleNamespace(
            deterministic=statements.deterministic,
            subsample=statements.subsample,
            get_mask=statements.get_mask,
            **{name: getattr(self.language, name) for name in names},
        )

    def dist(self) -> SimpleNamespace:
        return SimpleNamespace(**{name: getattr(laws, name) for name in _LAWS.split()})

    def constraints(self) -> Any:
        return constraints

    def xp(self) -> NumpyOps:
        return NumpyOps()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        self._reset()
        try:
            yield
            left = [type(handler).__name__ for handler in STACK.handlers]
            if left:
                raise RuntimeError(f"handlers are still active: {left}")
        finally:
            self._reset()

    def _reset(self) -> None:
        """By hand, so that a fault planted in the language cannot keep anything from one check to the next."""
        STACK.handlers.clear()
        STORE.leaves, STORE.constraints = {}, {}
        validation.SWITCH.on = True
        draws.GENERATOR.seed(0)

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        returned: list[Any] = []

        def keeping(*args: Any, **kwargs: Any) -> None:
            returned.append(model(*args, **kwargs))

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trace = self.trace(keeping, *args, seed=seed, **kwargs)
            joint = float(trace.log_prob_sum().data)
            sites = {name: _view(site) for name, site in trace.items() if site["type"] in handlers.SITES}
        return Run(returned[-1], sites, joint, [str(warning.message) for warning in caught], trace)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.call(self.handler("trace", model).get_trace, *args, seed=seed, **kwargs)

    @abstractmethod
    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        """Run without a trace, seeded in the flavour's manner."""

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        for module in (self.language, handlers, traces, enumeration):
            if hasattr(module, name):
                return getattr(module, name)(fn, **settings)
        raise LookupError(f"the reference has no handler {name!r}")

    def set_validation(self, flag: bool | None) -> None:
        validation.enable_validation(*(() if flag is None else (flag,)))

    def validation_enabled(self, *args: bool) -> AbstractContextManager[None]:
        return validation.validation_enabled(*args)

    def is_validation_on(self) -> bool:
        return validation.is_validation_enabled()

    def loc_scale_reparam(self, centered: float) -> Any:
        return handlers.LocScaleReparam(centered)

    def compile(self, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return compiled.trace(fn, **settings)


class StatefulReference(_Reference):
    """Drives the stateful flavour."""

    name = "reference-stateful"
    flavour: Flavour = "stateful"
    language = stateful
    capabilities = frozenset(CAPABILITIES) - {"sample.shape", "vmap"}
    choices: ClassVar[Mapping[str, str]] = {"PLATE-025": "B", "RMODULE-011": "A", "VALID-010": "on"}

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        if seed is not None:
            draws.GENERATOR.seed(seed)
        return fn(*args, **kwargs)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return traces.trace(stateful.condition(model, data=data)).get_trace(*args, **kwargs).log_prob_sum()

    def store(self) -> Any:
        return stateful.get_param_store()

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> network.Module:
        return network.make_module(sizes, seed, kind)

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        return infer.StatefulSVI(model, guide, learning_rate)

    def enum_elbo(self, model: Callable[..., Any], guide: Callable[..., Any], max_plate_nesting: int) -> float:
        return enumeration.enumerated_elbo(model, guide, max_plate_nesting)

    def enum_traces(self, model: Callable[..., Any]) -> Sequence[Any]:
        return list(enumeration.enumerated_traces(model))


class StatelessReference(_Reference):
    """Drives the stateless flavour."""

    name = "reference-stateless"
    flavour: Flavour = "stateless"
    language = stateless
    capabilities = frozenset(CAPABILITIES) - {
        "sample.callable",
        "plate.custom_subsample",
        "plate.unsized",
        "plate.sequential",
        "plate.device",
        "store",
        "store.persist",
        "handler.enum",
        "handler.markov",
        "svi.enum",
    }
    choices: ClassVar[Mapping[str, str]] = {
        "SAMPLE-009": "B",
        "PLATE-025": "B",
        "HANDLER-036": "A",
        "HANDLER-038": "B",
        "VALID-010": "on",
    }

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return fn(*args, **kwargs) if seed is None else stateless.seed(fn, rng_seed=seed)(*args, **kwargs)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self.call(traces.trace(model).get_trace, *args, seed=seed, **kwargs)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return stateless.log_density(model, args, kwargs, data)[0]

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> Any:
        return network.make_pair(sizes)

    def vmap(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return compiled.vmap(fn)

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        return infer.StatelessSVI(model, guide, learning_rate)


def _view(site: Mapping[str, Any]) -> SiteView:
    """A recorded message as the checks see it."""
    view = SiteView(
        name=site["name"],
        kind=_kind(site),
        value=_plain(site["value"]),
        observed=bool(site["is_observed"]),
        scale=_plain(site["scale"]),
        mask=_plain(site["mask"]),
        plates=tuple(PlateView(*frame) for frame in site["cond_indep_stack"]),
        infer={key: _plain(value) for key, value in site["infer"].items()},
        constraint=site["kwargs"]["constraint"] if site["type"] == "param" else None,
        raw=site,
    )
    if traces.has_density(site):
        view.unscaled, view.log_prob = _plain(traces.unscaled_log_prob(site)), _plain(traces.site_log_prob(site))
    return view


def _kind(site: Mapping[str, Any]) -> Kind:
    if site["type"] != "sample":
        return site["type"]  # type: ignore[no-any-return]
    if isinstance(site["fn"], laws.Unit):
        return "factor"
    return "observed" if site["is_observed"] else "latent"


def _plain(value: Any) -> Any:
    """Every array of a tree as NumPy; anything else as it is."""
    ops = NumpyOps()
    numbers = Tensor | np.ndarray | bool | int | float
    return trees.mapped(lambda leaf: ops.numpy(leaf) if isinstance(leaf, numbers) else leaf, value)
