"""The stateful flavour: draws come from one global generator, parameters live in one global store."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from twofold_conformance.reference import constraints, traces
from twofold_conformance.reference import handlers as shared
from twofold_conformance.reference.draws import GENERATOR, GLOBAL
from twofold_conformance.reference.errors import HandlerError, PlateError, StatementError
from twofold_conformance.reference.laws import Law
from twofold_conformance.reference.mechanism import STACK, Frame, Handler, Message, message, show
from twofold_conformance.reference.network import Module
from twofold_conformance.reference.plates import Plate, active_plates, check_unique, plate_stack_of
from twofold_conformance.reference.statements import check_name, factor_site, partly_observed, sample_site, shaped_prior
from twofold_conformance.reference.store import STORE, ParamStore
from twofold_conformance.reference.tensor import Tensor, array, tensor

# Statements ---------------------------------------------------------------------------------------------------------


def sample(
    name: str,
    fn: Any,
    *args: Any,
    obs: Any = None,
    obs_mask: Any = None,
    infer: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Call ``fn`` as the random variable ``name``: a law, a class of laws with its arguments, or any function."""
    fn, args, kwargs = instantiated(fn, args, kwargs)
    check_callable(name, fn)
    if isinstance(fn, Law):
        fn = _sized(name, fn, *args, **kwargs)
    if obs_mask is not None:
        return partly_observed(partial(sample, infer=infer), shared.mask, name, fn, obs, obs_mask)
    if obs is not None and not STACK.handlers:
        warn_outside(name)
    return sample_site(name, fn, draw, obs=obs, infer=infer, args=args, kwargs=kwargs)


def instantiated(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """A class of laws with its arguments stands for the law that they make."""
    return (fn(*args, **kwargs), (), {}) if isinstance(fn, type) and issubclass(fn, Law) else (fn, args, kwargs)


def check_callable(name: str, fn: Any) -> None:
    if not callable(fn):
        raise StatementError(f"site {name!r}: fn is a law or a function, seen: {fn!r}")


def warn_outside(name: str) -> None:
    warnings.warn(f"site {name!r} is observed outside of inference", RuntimeWarning, stacklevel=3)


def _sized(name: str, law: Law, *args: Any, **kwargs: Any) -> Law:
    """A law called with a sample shape: that many independent times."""
    if kwargs or len(args) > 1:
        raise StatementError(f"site {name!r}: a law takes one argument at most, a sample shape; seen: {args}, {kwargs}")
    return law.expand((*args[0], *law.batch_shape)) if args else law


def draw(msg: Message) -> Any:
    """A draw from the global generator."""
    return msg["fn"]() if isinstance(msg["fn"], Law) else msg["fn"](*msg["args"], **msg["kwargs"])


def param(
    name: str, *args: Any, constraint: constraints.Constraint = constraints.real, event_dim: int | None = None
) -> Any:
    """A parameter of the store: ``param(name, init)`` registers it, later statements read it."""
    check_name(name)
    if len(args) > 1:
        raise StatementError(f"param {name!r}: one initial value, seen: {args}")
    kwargs = {"constraint": constraint, "event_dim": event_dim}
    return show(message("param", name, read_store, args=args, kwargs=kwargs, draw=draw))


def read_store(msg: Message) -> Tensor:
    """The stored value; the first statement of a name stores its initial value."""
    if not msg["args"] or msg["args"][0] is None:
        return STORE[msg["name"]]
    return STORE.setdefault(msg["name"], msg["args"][0], msg["kwargs"]["constraint"])


def factor(name: str, log_factor: Any, *, has_rsample: bool | None = None) -> None:
    """Add a log factor to the joint; in a guide, ``has_rsample`` must say how its gradient flows."""
    factor_site(sample, name, log_factor, has_rsample)


class plate(Plate):
    """Independent members: ``with`` repeats along a batch dim, ``for`` goes through them one by one."""

    def __init__(
        self,
        name: str,
        size: Any = None,
        subsample_size: Any = None,
        subsample: Any = None,
        dim: Any = None,
        use_cuda: bool | None = None,
        device: str | None = None,
    ) -> None:
        self._check_device(name, use_cuda, device)
        if size is None:
            self._check_unsized(name, subsample, subsample_size)
        given = None if subsample is None else self._row(subsample)
        if given is not None:
            self._check_given(name, given, subsample_size)
            subsample_size = len(given)
        self.used_as: str | None = None
        super().__init__(name, size, subsample_size, dim, given)

    def _check_device(self, name: str, use_cuda: bool | None, device: str | None) -> None:
        if use_cuda or device not in (None, "cpu"):
            raise PlateError(f"plate {name!r}: NumPy has no other device than the CPU")

    def _check_unsized(self, name: str, subsample: Any, subsample_size: Any) -> None:
        if subsample is not None or subsample_size is not None:
            raise PlateError(f"plate {name!r}: without a size there is nothing to choose a batch from")

    def _row(self, subsample: Any) -> Tensor:
        """Custom indices, however they come, as one array."""
        return Tensor(array(subsample))

    def _check_given(self, name: str, given: Tensor, subsample_size: Any) -> None:
        if subsample_size not in (None, len(given)):
            raise PlateError(f"plate {name!r}: subsample_size {subsample_size}, and {len(given)} indices")

    def draw_key(self, msg: Message) -> Tensor:
        return GLOBAL

    def __enter__(self) -> Tensor | None:
        self._use_as("context manager")
        return super().__enter__()

    def __iter__(self) -> Iterator[int]:
        self._check_loop()
        self._use_as("loop")
        return self._turns(array(self.indices).tolist())

    def _check_loop(self) -> None:
        if self.dim is not None or self.indices is None:
            raise PlateError(f"plate {self.name!r}: a loop has no dim, and needs a size")

    def _turns(self, indices: Sequence[int]) -> Iterator[int]:
        """One turn for each member; between the turns, and however the loop ends, the plate is not active."""
        for counter, index in enumerate(indices):
            check_unique(self.name, active_plates())
            self.frame = Frame(self.name, None, self.batch, counter)
            Handler.__enter__(self)
            try:
                yield index
            finally:
                self.__exit__(None, None, None)

    def _use_as(self, what: str) -> None:
        """A plate object is one of the two, for good."""
        if self.used_as not in (None, what):
            raise PlateError(f"plate {self.name!r} was used as a {self.used_as} and cannot be a {what}")
        self.used_as = what


def plate_stack(prefix: str, sizes: Sequence[int], rightmost_dim: int = -1) -> AbstractContextManager[None]:
    return plate_stack_of(plate, prefix, sizes, rightmost_dim)


SEPARATOR = "$$$"


def module(name: str, nn_module: Module, update_module_params: bool = False) -> Module:
    """Register a network's parameters as ``name$$$path``; they stay the network's own leaves."""
    _check_module(name, nn_module)
    updated: dict[str, Tensor] = {}
    for path, parameter in nn_module.named_parameters():
        if parameter.requires_grad:
            updated[path] = param(f"{name}{SEPARATOR}{path}", parameter)
        elif nn_module.training:
            warnings.warn(
                f"module {name!r}: parameter {path!r} asks for no gradient and is not registered", stacklevel=2
            )
    if update_module_params:
        nn_module.replace_parameters({path: value.unconstrained() for path, value in updated.items()})
    return nn_module


def _check_module(name: str, nn_module: Any) -> None:
    check_name(name)
    if SEPARATOR in name:
        raise HandlerError(f"module {name!r}: a name cannot hold the separator {SEPARATOR!r}")
    if isinstance(nn_module, type):
        raise StatementError(f"module {name!r}: a network is wanted, not its class {nn_module!r}")
    if not hasattr(nn_module, "named_parameters"):
        raise StatementError(f"module {name!r}: a network has parameters, seen: {nn_module!r}")


def random_module(name: str, nn_module: Module, prior: Any) -> Callable[[], Module]:
    """A distribution over networks: each call returns a new one, its parameters drawn from ``prior``."""
    _check_module(name, nn_module)
    warnings.warn("random_module is deprecated; lift the parameters instead", FutureWarning, stacklevel=2)

    def sample_module() -> Module:
        network = nn_module.copy()
        values = {
            path: _random_parameter(f"{name}{SEPARATOR}{path}", parameter, _prior_of(path, prior))
            for path, parameter in network.named_parameters()
        }
        unused = set(prior) - set(values) if isinstance(prior, Mapping) else set()
        shared.warn_unused("random_module", unused)
        network.replace_parameters(values)
        return network

    return sample_module


def _prior_of(path: str, prior: Any) -> Any:
    return prior.get(path) if isinstance(prior, Mapping) else prior


def _random_parameter(name: str, parameter: Tensor, prior: Any) -> Tensor:
    """A latent site with a law of the parameter's shape; what a function returns; or the parameter."""
    if prior is None:
        return tensor(param(name, parameter))
    if not isinstance(prior, Law):
        return tensor(sample(name, prior, parameter, constraint=constraints.real, event_dim=None))
    return tensor(sample(name, shaped_prior(prior, parameter.shape)))


def get_param_store() -> ParamStore:
    return STORE


def clear_param_store() -> None:
    STORE.clear()


# Handlers -----------------------------------------------------------------------------------------------------------


class trace(traces.trace):
    """Record every site, and the arguments and the result as ``_INPUT`` and ``_RETURN``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        assert self.fn is not None
        with self:
            self.trace["_INPUT"] = {"name": "_INPUT", "type": "args", "args": args, "kwargs": kwargs}
            value = self.fn(*args, **kwargs)
            self.trace["_RETURN"] = {"name": "_RETURN", "type": "return", "value": value}
        return value


class condition(shared.condition):
    """Observe sample sites, and fix the indices of plates; ``data`` may be a trace."""

    types = ("sample", "plate")

    def __init__(self, fn: Any = None, data: Any = None) -> None:
        super().__init__(fn, data)


class substitute(shared.Naming):
    """Give parameters the values of ``data``; sample sites and the store stay as they are."""

    types = ("param",)

    def __init__(self, fn: Any = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(fn)
        if data is None:
            raise HandlerError("substitute needs data")
        self.data = self.names = data

    def process(self, msg: Message) -> None:
        if self.meets(msg) and msg["name"] in self.data:
            msg["value"] = tensor(self.data[msg["name"]])


class seed(Handler):
    """Seed the global generator inside; afterwards it goes on as if nothing had been drawn."""

    def __init__(self, fn: Any = None, rng_seed: Any = None) -> None:
        super().__init__(fn)
        self.check(rng_seed)
        self.rng_seed = int(rng_seed)

    def check(self, rng_seed: Any) -> None:
        if isinstance(rng_seed, bool) or not isinstance(rng_seed, int | np.integer):
            raise HandlerError(f"rng_seed is a whole number, seen: {rng_seed!r}")

    def start(self) -> None:
        self.before = GENERATOR.state
        GENERATOR.seed(self.rng_seed)

    def finish(self, *, failed: bool) -> None:
        GENERATOR.state = self.before


class infer_config(shared.infer_config):
    """Also for parameters."""

    types = ("sample", "param")
