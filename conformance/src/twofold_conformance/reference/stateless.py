"""The stateless flavour: randomness is a key that a ``seed`` handler hands out, parameters are values of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.reference import constraints, traces, trees
from twofold_conformance.reference import handlers as shared
from twofold_conformance.reference.draws import is_key
from twofold_conformance.reference.errors import HandlerError, MissingKeyError, StatementError, SupportError
from twofold_conformance.reference.laws import Law
from twofold_conformance.reference.mechanism import STACK, Handler, KeySequence, Message, message, show, takes_key
from twofold_conformance.reference.plates import Plate, plate_stack_of
from twofold_conformance.reference.statements import check_name, factor_site, partly_observed, sample_site, shaped_prior
from twofold_conformance.reference.tensor import Tensor, array
from twofold_conformance.reference.validation import is_validation_enabled

# Statements ---------------------------------------------------------------------------------------------------------


def sample(
    name: str,
    fn: Law,
    obs: Any = None,
    rng_key: Any = None,
    sample_shape: tuple[int, ...] = (),
    infer: Mapping[str, Any] | None = None,
    obs_mask: Any = None,
) -> Any:
    """Draw the random variable ``name`` from ``fn``, or take ``obs`` as its value."""
    check_law(name, fn)
    check_sample_shape(name, sample_shape)
    fn = repeated_law(fn, sample_shape)
    if obs_mask is not None:
        half = partial(sample, rng_key=rng_key, infer=infer)
        return partly_observed(half, shared.mask, name, fn, obs, obs_mask)
    return sample_site(name, fn, draw, obs=obs, infer=infer, kwargs={"rng_key": rng_key})


def check_law(name: str, fn: Any) -> None:
    if not isinstance(fn, Law):
        raise StatementError(f"site {name!r}: fn is a law, seen: {type(fn).__name__} {fn!r}")


def check_sample_shape(name: str, sample_shape: Any) -> None:
    if not isinstance(sample_shape, tuple):
        raise StatementError(f"site {name!r}: sample_shape is a tuple, seen: {sample_shape!r}")


def repeated_law(law: Law, sample_shape: tuple[int, ...]) -> Law:
    """``sample_shape`` independent times."""
    return law.expand(sample_shape + law.batch_shape) if sample_shape else law


def draw(msg: Message) -> Tensor:
    """A draw with the key from the ``seed`` handler; only without one, with the statement's own."""
    return msg["fn"].draw(key_of(msg))  # type: ignore[no-any-return]


def key_of(msg: Message) -> Any:
    key = msg["rng_key"] if msg["rng_key"] is not None else msg["kwargs"].get("rng_key")
    if key is None:
        raise MissingKeyError(
            f"{msg['type']} {msg['name']!r} needs a random key: run the model inside seed(rng_seed=...)"
        )
    if not is_key(key):
        raise StatementError(f"{msg['type']} {msg['name']!r}: not a random key: {key!r}")
    return key


def param(
    name: str,
    init_value: Any = None,
    *,
    constraint: constraints.Constraint = constraints.real,
    event_dim: int | None = None,
) -> Any:
    """A value to be optimised: the initial one, unless a handler gives another."""
    check_name(name)
    kwargs = {"constraint": constraint, "event_dim": event_dim}
    return show(message("param", name, first_value, args=(init_value,), kwargs=kwargs, draw=draw))


def first_value(msg: Message) -> Any:
    """The initial value of the first statement of that name in this run."""
    if not STACK.handlers:
        return initial_value(msg)
    if msg["name"] not in STACK.first_values:
        STACK.first_values[msg["name"]] = initial_value(msg)
    return STACK.first_values[msg["name"]]


def initial_value(msg: Message) -> Any:
    """The initial value, or what a function makes of a key."""
    init, constraint = msg["args"][0], msg["kwargs"]["constraint"]
    value = init(key_of(msg)) if callable(init) else init
    plain = value is not None and not isinstance(value, dict | list | tuple)
    if plain and is_validation_enabled() and not np.all(constraint.check(value)):
        raise SupportError(f"param {msg['name']!r}: {array(value)} is outside its constraint {constraint}")
    return value


def factor(name: str, log_factor: Any) -> None:
    """Add a log factor to the joint."""
    factor_site(sample, name, log_factor)


class plate(Plate):
    """Independent members along a batch dim; inside ``seed`` a random batch takes a key."""

    def __init__(self, name: str, size: Any, subsample_size: Any = None, dim: Any = None) -> None:
        if size is None:
            raise StatementError(f"plate {name!r}: size is a whole number, seen: None")
        super().__init__(name, size, subsample_size, dim)

    def draw_key(self, msg: Message) -> Tensor:
        return key_of(msg)  # type: ignore[no-any-return]


def plate_stack(prefix: str, sizes: Sequence[int], rightmost_dim: int = -1) -> AbstractContextManager[None]:
    return plate_stack_of(plate, prefix, sizes, rightmost_dim)


Network = tuple[Callable[..., Any], Callable[..., Any]]


def module(name: str, nn: Network, input_shape: tuple[int, ...] | None = None) -> Callable[..., Any]:
    """Declare a network ``(init_fn, apply_fn)``: its parameters are the parameter ``name$params``."""
    params = param(f"{name}$params", lambda key: init_network(name, nn, input_shape, key))
    return lambda *args, **kwargs: nn[1](params, *args, **kwargs)


def init_network(name: str, nn: Network, input_shape: tuple[int, ...] | None, key: Any) -> Any:
    if input_shape is None:
        raise HandlerError(f"module {name!r}: input_shape is missing")
    return nn[0](key, input_shape)[1]


def random_module(name: str, nn: Network, prior: Any, input_shape: tuple[int, ...] | None = None) -> Callable[..., Any]:
    """A network with random parameters: a law for all, a dict by path, or a function of path and shape."""
    params = param(f"{name}$params", lambda key: init_network(name, nn, input_shape, key))
    leaves = trees.leaves(params)
    values = {
        path: _random_parameter(f"{name}/{path}", leaf, _prior_of(path, leaf, prior)) for path, leaf in leaves.items()
    }
    drawn = trees.replace(params, values)
    return lambda *args, **kwargs: nn[1](drawn, *args, **kwargs)


def _prior_of(path: str, leaf: Any, prior: Any) -> Any:
    if isinstance(prior, Mapping):
        return prior.get(path)
    return prior if isinstance(prior, Law) else prior(path, array(leaf).shape)


def _random_parameter(name: str, leaf: Any, prior: Law | None) -> Any:
    """A latent site of the parameter's own shape; without a prior, the parameter."""
    if prior is None:
        return leaf
    return sample(name, shaped_prior(prior, array(leaf).shape))


# Handlers -----------------------------------------------------------------------------------------------------------


class seed(Handler):
    """Hand out keys: each sample site, plate and lazy parameter uses one up, whether or not it draws (HANDLER-038 B).

    Every call starts the sequence anew (HANDLER-036 A).
    """

    def __init__(self, fn: Any = None, rng_seed: Any = None, hide_types: Iterable[str] = ()) -> None:
        super().__init__(fn)
        self.check(rng_seed)
        self.rng_seed, self.hide_types = rng_seed, set(hide_types)

    def check(self, rng_seed: Any) -> None:
        whole = array(rng_seed).dtype.kind in "iu" and array(rng_seed).ndim == 0
        if not (is_key(rng_seed) or (whole and not isinstance(rng_seed, bool))):
            raise HandlerError(f"rng_seed is a whole number or a key, seen: {rng_seed!r}")

    def start(self) -> None:
        self.keys = KeySequence(self.rng_seed)

    def process(self, msg: Message) -> None:
        if msg["type"] == "prng_key":
            if msg["rng_key"] is None and msg["name"] not in self.hide_types:
                msg["rng_key"] = self.keys.next()
        elif takes_key(msg) and msg["type"] not in self.hide_types:
            msg["rng_key"] = self.keys.next()


class substitute(shared.Naming):
    """Give sample sites, parameters and plates the values of ``data``, or of ``substitute_fn(site)``.

    A sample site stays latent; an observed one keeps its observation.
    """

    types = ("sample", "param", "plate")

    def __init__(
        self,
        fn: Any = None,
        data: Mapping[str, Any] | None = None,
        substitute_fn: shared.Choice | None = None,
    ) -> None:
        super().__init__(fn)
        shared.exactly_one("substitute", data=data, substitute_fn=substitute_fn)
        self.choose, self.names = shared.chooser(data, substitute_fn), data or ()

    def process(self, msg: Message) -> None:
        if self.meets(msg) and not msg["is_observed"]:
            value = self.choose(msg)
            if value is not None:
                msg["value"] = value


class block(shared.block):
    """A name both hidden and exposed is hidden."""

    def check(self) -> None:
        """Nothing to refuse."""


class scope(shared.scope):
    """Also for parameters and plates."""

    types = ("sample", "deterministic", "param", "plate")


def log_density(model: Callable[..., Any], args: Any, kwargs: Any, params: Mapping[str, Any]) -> tuple[Tensor, Any]:
    """The joint log density at given values, and the trace."""
    trace = traces.trace(substitute(model, data=params)).get_trace(*args, **kwargs)
    return trace.log_prob_sum(), trace
