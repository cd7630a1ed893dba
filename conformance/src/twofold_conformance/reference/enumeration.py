"""Stateful: exact enumeration of discrete sites: all values at once along a dim of their own, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from twofold_conformance.reference import handlers, traces
from twofold_conformance.reference.errors import EstimatorError, HandlerError
from twofold_conformance.reference.laws import Law
from twofold_conformance.reference.mechanism import STACK, Handler, Message
from twofold_conformance.reference.tensor import Tensor

Steps = Mapping[int, "Step"]


class enum(Handler):
    """Give sites with ``infer={"enumerate": "parallel"}`` all their values at once, along a dim left of all plates."""

    def __init__(self, fn: Any = None, first_available_dim: int | None = None) -> None:
        super().__init__(fn)
        if not isinstance(first_available_dim, int) or first_available_dim >= 0:
            raise HandlerError(f"enum needs a negative first_available_dim, seen: {first_available_dim!r}")
        self.first = first_available_dim

    def start(self) -> None:
        self.holders: dict[int, list[Steps]] = {}

    def process(self, msg: Message) -> None:
        if _is_enumerated(msg, "parallel"):
            dim = self._allocate()
            msg["value"] = _column(msg, dim)
            msg["infer"]["_enumerate_dim"] = dim

    def _allocate(self) -> int:
        """The rightmost dim that no variable holds that this statement could still see."""
        now = active_steps()
        dim = self.first
        while any(not forgotten(steps, now) for steps in self.holders.get(dim, [])):
            dim -= 1
        self.holders.setdefault(dim, []).append(now)
        return dim


def _is_enumerated(msg: Message, how: str) -> bool:
    """Is this a site to be enumerated, whose value nobody has given?"""
    latent = msg["type"] == "sample" and not msg["is_observed"] and msg["value"] is None
    return latent and msg["infer"].get("enumerate") == how


def _values(msg: Message) -> np.ndarray:
    support = msg["fn"].enumerate_support() if isinstance(msg["fn"], Law) else None
    if support is None:
        raise EstimatorError(f"site {msg['name']!r}: its values cannot be listed")
    return np.array(support)


def _column(msg: Message, dim: int) -> Tensor:
    """All values of a site, along ``dim``."""
    for frame in msg["cond_indep_stack"]:
        if frame.dim is not None and frame.dim <= dim:
            raise EstimatorError(f"site {msg['name']!r}: plate {frame.name!r} reaches the enumeration dim {dim}")
    values = _values(msg)
    return Tensor(values.reshape((len(values),) + (1,) * (-dim - 1)))


# Chains: dims are used again ------------------------------------------------------------------------------------------


class markov:
    """Steps of a chain: a variable is seen for ``history`` further steps.  Around a function, a ``with``, or a loop."""

    def __init__(self, fn: Any = None, history: int = 1, keep: bool = False) -> None:
        self.fn, self.history, self.keep = fn, history, keep
        self.entered: list[Step] = []
        self.count = 0

    def __enter__(self) -> Any:
        self.entered.append(Step(self, self.count))
        self.count += 1
        return self.entered[-1].__enter__()

    def __exit__(self, *error: Any) -> None:
        self.entered.pop().__exit__(*error)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Nested calls are successive steps."""
        with Step(self, sum(step.chain is self for step in _active())):
            return self.fn(*args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        for number, item in enumerate(self.fn):
            with Step(self, number):
                yield item


class Step(Handler):
    """One step of a chain."""

    def __init__(self, chain: markov, number: int) -> None:
        super().__init__()
        self.chain, self.number = chain, number


def _active() -> list[Step]:
    return [handler for handler in STACK.handlers if isinstance(handler, Step)]


def active_steps() -> Steps:
    """The innermost active step of each chain."""
    return {id(step.chain): step for step in _active()}


def forgotten(then: Steps, now: Steps) -> bool:
    """Can no statement at ``now`` see a variable of ``then``?"""
    for chain, step in then.items():
        if chain not in now:
            if not step.chain.keep:
                return True
        elif now[chain].number - step.number > step.chain.history:
            return True
    return False


# What enumeration is for ----------------------------------------------------------------------------------------------


class Factor(NamedTuple):
    """A log density with one axis for each batch dim, and the plate dims inside which it stands."""

    values: np.ndarray
    plates: frozenset[int]


def enumerated_elbo(model: Callable[[], Any], guide: Callable[[], Any], max_plate_nesting: int) -> float:
    """log p(x, z) - log q(z) at one z of the guide, with the enumerated sites of the model summed out exactly."""
    guided = traces.trace(guide).get_trace()
    replayed = handlers.replay(model, trace=guided)
    trace = traces.trace(enum(replayed, first_available_dim=-1 - max_plate_nesting)).get_trace()
    sites = [site for site in trace.values() if traces.has_density(site)]
    rank = max((np.ndim(traces.site_log_prob(site).data) for site in sites), default=0)
    factors = [_factor(site, rank) for site in sites]
    enumerated = [site for site in sites if "_enumerate_dim" in site["infer"]]
    dims = [site["infer"]["_enumerate_dim"] for site in enumerated]
    if len(set(dims)) < len(dims):
        raise EstimatorError("sites that share an enumeration dim, as under markov, cannot be summed out here")
    for site in sorted(enumerated, key=lambda site: -len(_plate_dims(site))):
        factors = _sum_out(site, factors)
    return float(sum(factor.values.sum() for factor in factors) - guided.log_prob_sum().data)


def _factor(site: Any, rank: int) -> Factor:
    values = traces.site_log_prob(site).data
    return Factor(values.reshape((1,) * (rank - values.ndim) + values.shape), _plate_dims(site))


def _plate_dims(site: Any) -> frozenset[int]:
    return frozenset(frame.dim for frame in site["cond_indep_stack"] if frame.dim is not None)


def _sum_out(site: Any, factors: Iterable[Factor]) -> list[Factor]:
    """Multiply the factors that depend on a site, over the plates that it stands outside of; then add its values up."""
    dim, plates = site["infer"]["_enumerate_dim"], _plate_dims(site)
    if np.any(site["scale"] != 1.0):
        raise EstimatorError(f"site {site['name']!r}: a weighed site cannot be summed out")
    product, others = np.zeros(()), []
    for factor in factors:
        if factor.values.ndim and factor.values.shape[dim] > 1:
            product = product + factor.values.sum(axis=tuple(factor.plates - plates), keepdims=True)
        else:
            others.append(factor)
    return [*others, Factor(special.logsumexp(product, axis=dim, keepdims=True), plates)]


class _Visit(Handler):
    """Give sequentially enumerated sites the chosen values; where none is chosen the first, noting the alternatives."""

    def __init__(self, chosen: Mapping[str, Any]) -> None:
        super().__init__()
        self.chosen, self.alternatives = dict(chosen), list[dict[str, Any]]()

    def process(self, msg: Message) -> None:
        if _is_enumerated(msg, "sequential"):
            if msg["fn"].batch_shape:
                raise EstimatorError(f"site {msg['name']!r}: only single variables are enumerated one value at a time")
            name, values = msg["name"], _values(msg)
            if name not in self.chosen:
                self.alternatives += [{**self.chosen, name: value} for value in values[1:]]
                self.chosen[name] = values[0]
            msg["value"] = Tensor(self.chosen[name])


def enumerated_traces(model: Callable[[], Any]) -> Iterator[traces.Trace]:
    """A trace for each combination of values of the sequentially enumerated sites."""
    pending: list[Mapping[str, Any]] = [{}]
    while pending:
        visit = _Visit(pending.pop(0))
        with visit:
            trace = traces.trace(model).get_trace()
        pending = [*visit.alternatives, *pending]
        yield trace
