"""What an implementation shows to the kit: the ``Adapter`` protocol and the records it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

Flavour = Literal["stateful", "stateless"]
Kind = Literal["latent", "observed", "param", "plate", "deterministic", "factor"]

CAPABILITIES: Mapping[str, str] = {
    "sample.callable": "sample accepts any stochastic function, not only distributions",
    "sample.obs_mask": "sample(..., obs_mask=)",
    "sample.shape": "sample(..., sample_shape=)",
    "param.lazy": "param takes a callable that makes its initial value",
    "plate.subsample": "plate(..., subsample_size=)",
    "plate.custom_subsample": "plate(..., subsample=indices)",
    "plate.unsized": "plate(name) without a size",
    "plate.sequential": "iterating over a plate",
    "plate.device": "plate(..., device=) and the deprecated use_cuda",
    "plate.stack": "plate_stack",
    "subsample": "the subsample statement",
    "deterministic": "the deterministic statement",
    "factor": "the factor statement",
    "store": "a global parameter store with the mapping protocol",
    "store.persist": "saving the store to a file and loading it",
    "module": "registering a neural network's parameters",
    "module.random": "priors over a network's parameters",
    "handler.replay": "the replay handler",
    "handler.seed": "the seed handler",
    "handler.condition": "the condition handler",
    "handler.uncondition": "the uncondition handler",
    "handler.substitute": "the substitute handler",
    "handler.block": "the block handler",
    "handler.do": "the do handler",
    "handler.lift": "the lift handler",
    "handler.mask": "the mask handler and get_mask",
    "handler.scale": "the scale handler",
    "handler.reparam": "the reparam handler with LocScaleReparam",
    "handler.scope": "the scope handler",
    "handler.infer_config": "the infer_config handler",
    "handler.enum": "parallel and sequential enumeration",
    "handler.markov": "the markov handler",
    "log_density": "a pure joint log density of given values",
    "validation": "switching validation on and off",
    "jit": "compiling a function that holds statements",
    "vmap": "mapping a seeded model over random keys",
    "svi": "stochastic variational inference",
    "svi.enum": "an ELBO that sums enumerated sites out",
    "threads": "statements in several threads",
}


@dataclass(frozen=True)
class PlateView:
    """One plate that encloses a site."""

    name: str
    dim: int | None
    """Negative batch dim, or None for a sequential plate."""
    size: int
    """Length of the batch: the subsample's length if there is one."""
    counter: int = 0
    """Which turn of a sequential plate; 0 in a vectorised one."""


@dataclass
class SiteView:
    """One recorded statement, with every array as NumPy float64 (bool and int keep their kind)."""

    name: str
    kind: Kind
    value: Any
    observed: bool = False
    log_prob: np.ndarray | None = None
    """scale * where(mask, unscaled, 0), not summed; None where a site has no density."""
    unscaled: np.ndarray | None = None
    scale: Any = 1.0
    mask: Any = None
    plates: tuple[PlateView, ...] = ()
    """Outermost first."""
    infer: Mapping[str, Any] = field(default_factory=dict)
    constraint: Any = None
    raw: Any = field(default=None, repr=False)
    """The implementation's own record; for ``replay`` and for notes, never for verdicts."""


@dataclass
class Run:
    """One traced run of a model."""

    value: Any
    """What the model returned, as the implementation returned it."""
    sites: dict[str, SiteView]
    """In execution order."""
    log_density: float
    """The joint log density as the implementation sums it."""
    warnings: list[str] = field(default_factory=list)
    raw: Any = field(default=None, repr=False)
    """The implementation's own trace."""

    def __repr__(self) -> str:
        sites = (f"{name} ({site.kind}, shape {np.shape(site.value)})" for name, site in self.sites.items())
        return f"a run with the sites {', '.join(sites) or 'none'} and log density {self.log_density}"


class ArrayOps(Protocol):
    """The few array operations that models in the checks need; every array is the framework's."""

    def array(self, value: Any, dtype: str | None = None) -> Any:
        """A framework array; Python floats become the framework's widest common float."""

    def numpy(self, value: Any) -> np.ndarray:
        """``value`` as NumPy, floats as float64."""

    def exp(self, value: Any) -> Any: ...
    def log(self, value: Any) -> Any: ...
    def sum(self, value: Any) -> Any: ...
    def where(self, condition: Any, left: Any, right: Any) -> Any: ...
    def stack(self, values: Sequence[Any]) -> Any: ...
    def stop_grad(self, value: Any) -> Any: ...
    def is_array(self, value: Any) -> bool: ...
    def shape(self, value: Any) -> tuple[int, ...]: ...

    def grad(self, fn: Callable[[Any], Any], at: Any) -> np.ndarray:
        """Gradient of a scalar function at ``at``."""

    def key(self, seed: int) -> Any:
        """Stateless only: a random key."""

    def dtype(self, value: Any) -> str:
        """Name of the element type as NumPy spells it: ``float32``, ``int64``, ``bool``."""

    def leaf(self, value: Any) -> Any:
        """Stateful only, as all below: a new floating array that asks for gradients."""

    def is_leaf(self, value: Any) -> bool:
        """Whether ``value`` carries no autograd history."""

    def requires_grad(self, value: Any) -> bool: ...

    def assign(self, leaf: Any, value: Any) -> None:
        """Overwrite the entries of ``leaf`` in place, as an optimiser does."""

    def backward(self, loss: Any) -> None:
        """Back-propagate from a scalar into every leaf it depends on."""

    def grad_of(self, leaf: Any) -> np.ndarray | None:
        """What ``backward`` has put on ``leaf``; None if nothing."""


@runtime_checkable
class Adapter(Protocol):
    """Drives one implementation.  ``docs/developer/adapter-guide.md`` is the worked guide.

    Everything below ``log_density`` is asked for only if the matching capability is declared.
    """

    name: str
    version: str
    flavour: Flavour
    spec: str
    capabilities: frozenset[str]
    choices: Mapping[str, str]
    """The alternative taken of each variant clause, such as ``{"PLATE-025": "B"}``."""

    def ppl(self) -> SimpleNamespace:
        """sample, param, plate, plate_stack, factor, deterministic, subsample, module, random_module, get_mask."""

    def dist(self) -> SimpleNamespace:
        """Laws by canonical name and parameters.

        Normal(loc, scale), HalfNormal(scale), LogNormal(loc, scale), Exponential(rate), Gamma(concentration, rate),
        Beta(concentration1, concentration0), Uniform(low, high), Bernoulli(probs), Categorical(probs), Poisson(rate),
        MultivariateNormal(loc, covariance_matrix), Delta(v).
        """

    def constraints(self) -> SimpleNamespace:
        """real, positive, unit_interval, simplex, lower_cholesky, interval(a, b), greater_than(a)."""

    def xp(self) -> ArrayOps: ...

    def fresh(self) -> AbstractContextManager[None]:
        """A clean slate: empty store and handler stack, validation on, seeded generator.  Raises on exit if the
        handler stack is not empty."""

    def run(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Run:
        """Run under a trace handler, and inside a seed (``seed=None``: without one); collect warnings and densities."""

    def trace(self, model: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        """The implementation's own trace, without computing any density."""

    def call(self, fn: Callable[..., Any], *args: Any, seed: int | None = 0, **kwargs: Any) -> Any:
        """Run without a trace.  Stateful: after seeding the global generator.  Stateless: inside a seed handler.
        ``seed=None``: exactly as the user would call it."""

    def handler(self, name: str, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        """The handler of that canonical name around ``fn``; with ``fn=None`` a context manager.

        Names and settings: trace(), replay(trace=|params=), seed(rng_seed=), condition(data=|condition_fn=),
        uncondition(), substitute(data=|substitute_fn=), block(hide=, expose=, hide_fn=, expose_types=, hide_types=),
        do(data=), lift(prior=), mask(mask=), scale(scale=), reparam(config=), scope(prefix=, divider=, hide_types=),
        infer_config(config_fn=), enum(first_available_dim=), markov(history=, keep=).
        """

    def log_density(self, model: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The joint log density at ``data`` (every latent named), as a framework scalar that can be differentiated."""

    def set_validation(self, flag: bool | None) -> None:
        """enable_validation(flag); None calls it without an argument."""

    def validation_enabled(self, *args: bool) -> AbstractContextManager[None]: ...
    def is_validation_on(self) -> bool: ...

    def store(self) -> Any:
        """Stateful: the implementation's parameter store itself."""

    def loc_scale_reparam(self, centered: float) -> Any: ...

    def net(self, sizes: Sequence[int], *, seed: int = 0, kind: str = "plain") -> Any:
        """A network of linear layers of those sizes with tanh between them: ``x @ weight.T + bias``.

        Stateful: a module made from ``seed`` whose parameters are called ``0.weight``, ``0.bias``, ``2.weight``, ...
        (a single layer: ``weight``, ``bias``), with ``named_parameters()``, ``train()``, ``eval()`` and a call.  Kinds:
        ``frozen`` (the first weight asks for no gradient), ``buffered`` (a buffer called ``steps`` beside the layers),
        ``tied`` (sizes n, n, n: ``2.weight`` is ``0.weight``), ``transposed`` (the first weight is not contiguous).

        Stateless: a pair ``(init_fn, apply_fn)``, ``init_fn(key, input_shape) -> (output_shape, params)`` and
        ``apply_fn(params, x)``; ``params`` is made of lists, tuples and dicts; the only kind is ``plain``."""

    def compile(self, fn: Callable[..., Any] | None = None, **settings: Any) -> Any:
        """Stateful: the lazy jit ``trace``.  Stateless: the framework's jit."""

    def vmap(self, fn: Callable[..., Any]) -> Callable[..., Any]: ...

    def svi(self, model: Callable[..., Any], guide: Callable[..., Any], learning_rate: float) -> Any:
        """An object with ``init(seed, *args)``, ``step(*args) -> loss``, ``evaluate(*args) -> loss`` and
        ``params() -> dict of constrained NumPy values``; plain gradient descent on one-sample ELBO.

        Stateless: the attribute ``state``, which ``step`` replaces, may be read and set."""

    def enum_elbo(self, model: Callable[..., Any], guide: Callable[..., Any], max_plate_nesting: int) -> float:
        """With ``svi.enum``: the ELBO in which enumerated sites are summed out."""

    def enum_traces(self, model: Callable[..., Any]) -> Sequence[Any]:
        """With ``handler.enum``: one trace of ``model`` for each value of its sequentially enumerated sites."""
