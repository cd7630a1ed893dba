"""NumPyro as an implementation under test, driven through its public functions.

Only ``fresh`` reaches further, to the handler stack, which it must find empty and leave empty.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro import handlers
from numpyro.distributions import constraints
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.reparam import LocScaleReparam
from numpyro.infer.util import log_density

from twofold_conformance.adapters.jax_ops import JaxOps, as_numpy, stax_net
from twofold_conformance.api import CAPABILITIES, Flavour, Kind, PlateView, Run, SiteView

_NOT_OFFERED = (
    "sample.callable plate.custom_subsample plate.unsized plate.sequential plate.device store store.persist "
    "module.random handler.enum handler.markov svi.enum"
)
"""``module.random`` needs flax, which is not installed with NumPyro."""

_STATEMENTS = "sample param plate plate_stack factor deterministic subsample module get_mask prng_key"
_HANDLERS = "trace replay seed condition uncondition substitute block do lift mask scale reparam scope infer_config"
_LAWS = (
    "Normal HalfNormal LogNormal Exponential Gamma Beta Uniform Bernoulli Categorical Poisson MultivariateNormal Delta"
)
_CONSTRAINTS = "real positive unit_interval simplex lower_cholesky interval greater_than"


class NumpyroAdapter:
    """Drives NumPyro."""

    name = "numpyro"
    version = numpyro.__version__
    flavour: Flavour = "stateless"
    spec = "1.0"
    capabilities = frozenset(CAPABILITIES) - frozenset(_NOT_OFFERED.split())
    choices: ClassVar[Mapping[str, str]] = {
        "SAMPLE-009": "B",
        "PLATE-025": "B",
        "HANDLER-036": "A",
        "HANDLER-038": "A",
        "VALID-010": "on",
    }

    def ppl(self) -> SimpleNamespace:
        return _named(numpyro, _STATEMENTS)

    def dist(self) -> SimpleNamespace:
        return _named(dist, _LAWS)

    def constraints(self) -> SimpleNamespace:
        return _named(constraints, _CONSTRAINTS)

    def xp(self) -> JaxOps:
        return JaxOps()

    @contextmanager
    def fresh(self) -> Iterator[None]:
        stack = numpyro.primitives._PYRO_STACK
        stack.clear()
        numpyro.enable_validation(True)
        try:
            yield
            if stack:
                left, stack[:] = [type(handler).__name__ for handler in stack], []
                raise RuntimeError(f"handlers are still active: {left}")
        finally:
            stack.clear()
            numpyro.enable_validation(True)

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        returned: list[Any] = []

        def keeping(*args: Any, **kwargs: Any) -> None:
            returned.append(model(*args, **kwargs))

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            joint, trace = log_density(self._seeded(keeping, seed), args, kwargs, {})
            sites = {name: _view(site) for name, site in trace.items()}
        return Run(returned[-1], sites, float(joint), [str(warning.message) for warning in caught], trace)

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return handlers.trace(self._seeded(model, seed)).get_trace(*args, **kwargs)

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        return self._seeded(fn, seed)(*args, **kwargs)

    def _seeded(self, fn: Callable[..., Any], seed: int | None) -> Callable[..., Any]:
        return fn if seed is None else handlers.seed(fn, rng_seed=seed)

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        if name not in _HANDLERS.split():
            raise LookupError(f"NumPyro has no handler {name!r}")
        return getattr(handlers, name)(fn, **settings)

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return log_density(model, args, kwargs, dict(data))[0]

    def set_validation(self, flag: bool | None) -> None:
        numpyro.enable_validation(*(() if flag is None else (flag,)))

    def validation_enabled(self, *args: bool) -> AbstractContextManager[None]:
        context: AbstractContextManager[None] = numpyro.validation_enabled(*args)
        return context

    def is_validation_on(self) -> bool:
        try:
            dist.Normal(0.0, -1.0)
        except ValueError:
            return True
        return False

    def loc_scale_reparam(self, centered: float) -> Any:
        return LocScaleReparam(centered)

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> Any:
        return stax_net(sizes)

    def compile(self, fn: Any = None, **settings: Any) -> Any:
        return jax.jit(fn, **settings)

    def vmap(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return jax.vmap(fn)

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        return _Inference(SVI(model, guide, numpyro.optim.SGD(learning_rate), Trace_ELBO()))


class _Inference:
    """NumPyro's SVI with its state kept in ``state``."""

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
    return SimpleNamespace(**{name: getattr(owner, name) for name in names.split()})


def _view(site: Mapping[str, Any]) -> SiteView:
    kind = _kind(site)
    view = SiteView(
        name=site["name"],
        kind=kind,
        value=as_numpy(site["value"]),
        observed=bool(site.get("is_observed", False)),
        scale=1.0 if site.get("scale") is None else as_numpy(site["scale"]),
        plates=tuple(PlateView(*frame) for frame in reversed(site["cond_indep_stack"])),
        infer=dict(site.get("infer") or {}),
        constraint=site["kwargs"].get("constraint", constraints.real) if kind == "param" else None,
        raw=site,
    )
    if site["type"] == "sample":
        extra = (site["intermediates"],) if site["intermediates"] else ()
        unscaled = site["fn"].log_prob(site["value"], *extra)
        view.unscaled, view.log_prob = as_numpy(unscaled), as_numpy(jnp.asarray(view.scale) * unscaled)
    return view


def _kind(site: Mapping[str, Any]) -> Kind:
    if site["type"] != "sample":
        return site["type"]
    law = site["fn"]
    while hasattr(law, "base_dist"):
        law = law.base_dist
    if isinstance(law, dist.Unit):
        return "factor"
    return "observed" if site["is_observed"] else "latent"
