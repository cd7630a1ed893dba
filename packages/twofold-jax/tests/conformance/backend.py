"""How the conformance kit drives twofold-jax."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import jax

import twofold_jax
import twofold_jax.distributions as dist
from twofold_conformance.adapters.jax_ops import JaxOps, as_numpy, stax_net
from twofold_conformance.api import CAPABILITIES, Flavour, Kind, PlateView, Run, SiteView
from twofold_jax import handlers, infer, optim
from twofold_jax.distributions import constraints
from twofold_jax.infer.reparam import LocScaleReparam
from twofold_jax.messages import joint_log_density, site_log_density
from twofold_jax.runtime import active_handlers
from twofold_jax.validation import enable_validation, is_validation_enabled, validation_enabled

_NOT_OFFERED = "sample.callable plate.custom_subsample plate.unsized plate.sequential plate.device store store.persist"
_STATEMENTS = "sample param plate plate_stack factor deterministic subsample module random_module get_mask prng_key"
_LAWS = (
    "Normal HalfNormal LogNormal Exponential Gamma Beta Uniform Bernoulli Categorical Poisson MultivariateNormal Delta"
)
_CONSTRAINTS = "real positive unit_interval simplex lower_cholesky interval greater_than"


class JaxAdapter:
    """Drives twofold-jax."""

    name = "twofold-jax"
    version = twofold_jax.__version__
    flavour: Flavour = "stateless"
    spec = "1.0"
    capabilities = frozenset(CAPABILITIES) - frozenset(_NOT_OFFERED.split())
    choices: ClassVar[Mapping[str, str]] = {
        "SAMPLE-009": "B",
        "PLATE-025": "B",
        "HANDLER-036": "A",
        "HANDLER-038": "B",
        "VALID-010": "on",
    }

    def ppl(self) -> SimpleNamespace:
        return _named(twofold_jax, _STATEMENTS)

    def dist(self) -> SimpleNamespace:
        return _named(dist, _LAWS)

    def constraints(self) -> SimpleNamespace:
        return _named(constraints, _CONSTRAINTS)

    def xp(self) -> JaxOps:
        return JaxOps()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        before = active_handlers()
        enable_validation()
        try:
            yield
            if active_handlers() != before:
                raise RuntimeError(f"handlers are still active: {[type(h).__name__ for h in active_handlers()]}")
        finally:
            for handler in reversed(active_handlers()[len(before) :]):
                handler.__exit__(None, None, None)
            enable_validation()

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        returned: list[Any] = []

        def keeping(*args: Any, **kwargs: Any) -> None:
            returned.append(model(*args, **kwargs))

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trace = self.trace(keeping, *args, seed=seed, **kwargs)
            sites = {name: _view(site) for name, site in trace.items()}
            joint = joint_log_density(trace)
        return Run(returned[-1], sites, float(joint), [str(warning.message) for warning in caught], trace)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return handlers.trace(self._seeded(model, seed)).get_trace(*args, **kwargs)

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self._seeded(fn, seed)(*args, **kwargs)

    def _seeded(self, fn: Callable[..., Any], seed: int | None) -> Callable[..., Any]:
        return fn if seed is None else handlers.seed(fn, rng_seed=seed)

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return getattr(handlers, name)(fn, **settings)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return infer.log_density(model, args, kwargs, data)[0]

    def set_validation(self, flag: bool | None) -> None:
        twofold_jax.enable_validation(*(() if flag is None else (flag,)))

    def validation_enabled(self, *args: bool) -> AbstractContextManager[None]:
        return validation_enabled(*args)

    def is_validation_on(self) -> bool:
        return is_validation_enabled()

    def loc_scale_reparam(self, centered: float) -> Any:
        return LocScaleReparam(centered)

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> Any:
        return stax_net(sizes)

    def compile(self, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        return jax.jit(fn, **settings)

    def vmap(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return jax.vmap(fn)

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        return _Inference(infer.SVI(model, guide, optim.SGD(learning_rate), infer.Trace_ELBO()))


class _Inference:
    """SVI with its state kept in ``state``."""

    def __init__(self, algorithm: Any) -> None:
        self._algorithm, self.state = algorithm, None

    def init(self, seed: int, *args: Any) -> None:
        self.state = self._algorithm.init(jax.random.key(seed), *args)

    def step(self, *args: Any) -> float:
        self.state, loss = self._algorithm.update(self.state, *args)
        return float(loss)

    def evaluate(self, *args: Any) -> float:
        return float(self._algorithm.evaluate(self.state, *args))

    def params(self) -> dict[str, Any]:
        return {name: as_numpy(value) for name, value in self._algorithm.get_params(self.state).items()}


def _named(owner: Any, names: str) -> SimpleNamespace:
    return SimpleNamespace(**{name: getattr(owner, name) for name in names.split() if hasattr(owner, name)})


def _view(site: Mapping[str, Any]) -> SiteView:
    kind = _kind(site)
    view = SiteView(
        name=site["name"],
        kind=kind,
        value=as_numpy(site["value"]),
        observed=site["is_observed"],
        scale=1.0 if site["scale"] is None else as_numpy(site["scale"]),
        plates=tuple(PlateView(f.name, f.dim, f.size) for f in reversed(site["cond_indep_stack"])),
        infer=dict(site["infer"]),
        constraint=site["kwargs"].get("constraint"),
        raw=site,
    )
    if site["type"] == "sample":
        view.log_prob = as_numpy(site_log_density(site))
        view.unscaled = as_numpy(site_log_density({**site, "scale": None}))
    return view


def _kind(site: Mapping[str, Any]) -> Kind:
    if site["type"] != "sample":
        return site["type"]  # type: ignore[no-any-return]
    if site["infer"].get("is_auxiliary"):
        return "factor"
    return "observed" if site["is_observed"] else "latent"
