"""The parameter store: the one place where learnable values live between runs."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import Any, TypedDict

import torch
from torch import Tensor, nn
from torch.distributions.constraints import Constraint

from .distributions import constraints, transform_to
from .errors import SiteTypeError, StoreError, SupportError, TwofoldWarning, UnknownSiteError
from .validation import is_validation_enabled
from .warning import warn

__all__ = ["ParamStore", "ParamStoreState", "clear_param_store", "get_param_store"]


class ParamStoreState(TypedDict):
    """A snapshot of a store."""

    params: dict[str, Tensor]
    """Unconstrained values by name."""
    constraints: dict[str, Constraint]


class _Contents:
    """Leaves and constraints by name; a scope is one more of these."""

    def __init__(self) -> None:
        self.leaves: dict[str, Tensor] = {}
        self.constraints: dict[str, Constraint] = {}


class _ThreadView(threading.local):
    """The scope that this thread is in, if any."""

    def __init__(self) -> None:
        self.scoped: _Contents | None = None


class ParamStore:
    """Parameters by name: each an unconstrained leaf tensor and the constraint that its value satisfies.

    The mapping protocol speaks of constrained values, ``named_parameters`` of the leaves that an optimiser moves.

    Threads: there is one store for the process.  Registering, replacing and deleting are atomic, and a lazy initial
    value is made once even if several threads ask for it together.  A ``scope`` belongs to the thread that entered
    it; other threads go on with what they see.  In-place steps of optimisers are the caller's to order.

    Example:
        >>> store = ParamStore()
        >>> store.setdefault("rate", torch.tensor(2.0), constraints.positive).item()
        2.0
        >>> [name for name, leaf in store.named_parameters()]
        ['rate']
    """

    def __init__(self) -> None:
        self._shared = _Contents()
        self._thread = _ThreadView()
        self._lock = threading.RLock()

    @property
    def _contents(self) -> _Contents:
        scoped = self._thread.scoped
        return self._shared if scoped is None else scoped

    # -- the mapping protocol, in the order of registration

    def __len__(self) -> int:
        return len(self._contents.leaves)

    def __bool__(self) -> bool:
        return bool(self._contents.leaves)

    def __contains__(self, name: object) -> bool:
        return name in self._contents.leaves

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._contents.leaves))

    def keys(self) -> list[str]:
        """Names of all parameters."""
        return list(self._contents.leaves)

    def values(self) -> Iterator[Tensor]:
        """Constrained values of all parameters."""
        return (self[name] for name in self.keys())

    def items(self) -> Iterator[tuple[str, Tensor]]:
        """Name and constrained value of each parameter."""
        return ((name, self[name]) for name in self.keys())

    def __getitem__(self, name: str) -> Tensor:
        contents = self._contents
        leaf = contents.leaves.get(name)
        if leaf is None:
            raise _unknown(name, contents)
        return _constrained(leaf, contents.constraints[name])

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        with self._lock:
            contents = self._contents
            constraint = contents.constraints.get(name, constraints.real)
            contents.leaves[name] = _new_leaf(name, value, constraint)
            contents.constraints[name] = constraint

    def __delitem__(self, name: str) -> None:
        with self._lock:
            contents = self._contents
            if name not in contents.leaves:
                raise _unknown(name, contents)
            del contents.leaves[name], contents.constraints[name]

    def clear(self) -> None:
        """Forget all parameters and constraints."""
        with self._lock:
            self._contents.leaves.clear()
            self._contents.constraints.clear()

    # -- registering and finding

    def setdefault(
        self,
        name: str,
        init_constrained_value: Any,
        constraint: Constraint = constraints.real,
    ) -> Tensor:
        """The value of ``name``, registered first if the store does not hold it.

        Args:
            name: any string.
            init_constrained_value: tensor (of shape and dtype of the parameter), number, or function without
                arguments that makes one; satisfies ``constraint``.  A ``torch.nn.Parameter`` without a constraint is
                shared with the store, anything else is copied.
            constraint: domain of the value; default: any real.

        Returns:
            The constrained value; its attribute ``unconstrained`` is a function that gives the stored leaf.

        Raises:
            SupportError: the initial value violates the constraint.
            SiteTypeError: it is not of a floating dtype.
        """
        contents = self._contents
        leaf = contents.leaves.get(name)
        if leaf is None:
            with self._lock:
                leaf = contents.leaves.get(name)
                if leaf is None:
                    _check_name(name)
                    leaf = _new_leaf(name, init_constrained_value, constraint)
                    contents.constraints[name] = constraint
                    contents.leaves[name] = leaf
        value = _constrained(leaf, contents.constraints[name])
        shape = getattr(init_constrained_value, "shape", None)
        if shape is not None and shape != value.shape:
            _warn_of_other_shape(name, value, shape)
        return value

    def get_param(
        self,
        name: str,
        init_tensor: Any = None,
        constraint: Constraint = constraints.real,
        event_dim: int | None = None,
    ) -> Tensor:
        """The value of ``name``, registered first if there is an ``init_tensor``: what the statement ``param`` does."""
        if init_tensor is None:
            return self[name]
        return self.setdefault(name, init_tensor, constraint)

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """Name and unconstrained leaf of each parameter, in the order of registration."""
        return list(self._contents.leaves.items())

    def constraint(self, name: str) -> Constraint:
        """The constraint of ``name``."""
        contents = self._contents
        if name not in contents.constraints:
            raise _unknown(name, contents)
        return contents.constraints[name]

    def param_name(self, leaf: Tensor) -> str | None:
        """The name of a stored leaf, or None."""
        return next((name for name, stored in self._contents.leaves.items() if stored is leaf), None)

    def match(self, pattern: str) -> dict[str, Tensor]:
        """Constrained values of the parameters whose name matches the regular expression from its start."""
        expression = re.compile(pattern)
        return {name: self[name] for name in self.keys() if expression.match(name)}

    # -- states, scopes and files

    def get_state(self) -> ParamStoreState:
        """A snapshot: copies of all leaves, and the constraints."""
        with self._lock:
            contents = self._contents
            leaves = {name: _copy_leaf(leaf) for name, leaf in contents.leaves.items()}
            return {"params": leaves, "constraints": dict(contents.constraints)}

    def set_state(self, state: ParamStoreState) -> None:
        """Replace the contents by a snapshot; either all of it or, if it is malformed, nothing.

        Raises:
            StoreError: the state is not of the form that ``get_state`` gives.
        """
        checked = _check_state(state)
        with self._lock:
            contents = self._contents
            contents.leaves, contents.constraints = checked.leaves, checked.constraints

    @contextmanager
    def scope(self, state: ParamStoreState | None = None) -> Iterator[ParamStoreState]:
        """Use other contents inside a ``with`` block of this thread, and the former ones after it.

        Args:
            state: contents to begin with; default: none.

        Yields:
            A state that holds, after the block, what the block left; pass it to ``scope`` to go on.

        Example:
            >>> store = ParamStore()
            >>> with store.scope() as state:
            ...     store["x"] = torch.tensor(1.0)
            >>> "x" in store, list(state["params"])
            (False, ['x'])
        """
        contents = _Contents() if state is None else _check_state(state, copy=False)
        left: ParamStoreState = {"params": {}, "constraints": {}} if state is None else state
        former, self._thread.scoped = self._thread.scoped, contents
        try:
            yield left
        finally:
            self._thread.scoped = former
            left["params"], left["constraints"] = dict(contents.leaves), dict(contents.constraints)

    def save(self, filename: str | PathLike[str]) -> None:
        """Write all parameters to a safetensors file, with names, constraints and dtypes as JSON.

        The file is written beside its place and then moved there, so that a crash leaves the former file whole.

        Raises:
            StoreError: a constraint is of a class that the format does not know.
        """
        from .params_file import save_state

        save_state(self.get_state(), filename)

    def load(self, filename: str | PathLike[str], map_location: str | torch.device | None = None) -> None:
        """Replace the contents by those of a file that ``save`` wrote; no code of the file is run.

        Args:
            filename: path.
            map_location: device to put the parameters on; default: the CPU.

        Raises:
            FileNotFoundError: there is no such file.
            FileFormatError: it is damaged or of another kind.  In both cases the store stays as it was.
        """
        from .params_file import load_state

        self.set_state(load_state(filename, map_location))

    def load_pickle(self, filename: str | PathLike[str], map_location: str | torch.device | None = None) -> None:
        """Replace the contents by those of a pickled store of the torch lineage; reads tensors and constraints only.

        Raises:
            FileNotFoundError, FileFormatError: as ``load``; also if the file asks for any other class or function.
        """
        from .params_file import load_pickled_state

        self.set_state(load_pickled_state(filename, map_location))


def _unknown(name: str, contents: _Contents) -> UnknownSiteError:
    held = list(contents.leaves)
    shown = ", ".join(map(repr, held[:8])) + (f" and {len(held) - 8} more" if len(held) > 8 else "")
    return UnknownSiteError(
        f"there is no parameter {name!r} in the store",
        seen=f"parameters {shown}" if held else "an empty store",
        expected="the name of a parameter in the store, or an initial value",
        suggestion="give param() an initial value",
    )


def _check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise SiteTypeError(
            "the name of a parameter is no string",
            seen=f"{name!r} of type {type(name).__name__}",
            expected="a string",
            suggestion="write store['x'] = value",
        )


def _warn_of_other_shape(name: str, value: Tensor, shape: Any) -> None:
    if is_validation_enabled():
        warn(
            f"param {name!r} is in the store already, with shape {tuple(value.shape)}; the initial value of shape "
            f"{tuple(shape)} has no effect. For another model call clear_param_store() first, or use a "
            "get_param_store().scope() for each, or another name",
            TwofoldWarning,
        )


class _LeafOf:
    """What ``value.unconstrained`` is: a function that gives the stored leaf, and that can be pickled (as empty)."""

    __slots__ = ("_leaf",)

    def __init__(self, leaf: Tensor | None = None) -> None:
        self._leaf = None if leaf is None else weakref.ref(leaf)

    def __call__(self) -> Tensor | None:
        return None if self._leaf is None else self._leaf()

    def __reduce__(self) -> tuple[Any, ...]:
        return _LeafOf, ()


def _constrained(leaf: Tensor, constraint: Constraint) -> Tensor:
    value: Any = leaf if constraint is constraints.real else transform_to(constraint)(leaf)
    if value is not leaf or "unconstrained" not in leaf.__dict__:
        value.unconstrained = _LeafOf(leaf)
    return value


def as_init(name: str, value: Any) -> Tensor:
    """An initial value, lazy or not, as a floating point tensor."""
    if not isinstance(value, Tensor) and callable(value):
        value = value()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(float(value))
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SiteTypeError(
            f"param {name!r}: the initial value is no tensor",
            seen=f"{value!r} of type {type(value).__name__}",
            expected="a tensor or number, or a function that makes one",
            suggestion="convert it with torch.as_tensor(...)",
        ) from error
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise SiteTypeError(
            f"param {name!r}: the initial value needs a floating dtype, gradients do not reach others",
            seen=tensor.dtype,
            expected="a floating dtype, such as torch.float32",
            suggestion="write 1.0 for 1, or call .float()",
        )
    return tensor


def _new_leaf(name: str, init: Any, constraint: Constraint) -> Tensor:
    _check_constraint(name, constraint)
    value = as_init(name, init)
    if is_validation_enabled():
        check_constrained(name, value, constraint)
    if constraint is constraints.real:
        if isinstance(value, nn.Parameter) and value.requires_grad:
            return value
        unconstrained = value.detach().clone()
    else:
        with torch.no_grad():
            unconstrained = _transform(name, constraint).inv(value.detach()).detach().clone()
    return unconstrained.contiguous().requires_grad_()


def _check_constraint(name: str, constraint: Any) -> None:
    if not isinstance(constraint, Constraint):
        raise SiteTypeError(
            f"param {name!r}: this is no constraint",
            seen=f"{constraint!r} of type {type(constraint).__name__}",
            expected="a constraint, such as constraints.positive",
            suggestion="from twofold_torch.distributions import constraints",
        )


def _transform(name: str, constraint: Constraint) -> Any:
    """The map from all reals to ``constraint``."""
    try:
        return transform_to(constraint)
    except NotImplementedError as error:
        raise SiteTypeError(
            f"param {name!r} cannot have this constraint: no map from the reals to it is known",
            seen=constraints.describe(constraint),
            expected="a continuous constraint, or a transform registered with transform_to",
            suggestion="choose among constraints.real, positive, unit_interval, interval, simplex, ...",
        ) from error


def check_constrained(name: str, value: Tensor, constraint: Constraint) -> None:
    """Refuse a value that violates its constraint, or that is NaN."""
    if constraint is constraints.real:
        fine = not bool(torch.isnan(value).any())
    else:
        fine = bool(torch.as_tensor(constraint.check(value.detach())).all())
    if not fine:
        shown = value.detach()
        raise SupportError(
            f"param {name!r}: the value violates its constraint",
            seen=shown.tolist() if shown.numel() <= 8 else f"a tensor of shape {tuple(shown.shape)}",
            expected=constraints.describe(constraint),
            suggestion="give an initial value inside the constraint, or another constraint",
        )


def _copy_leaf(leaf: Tensor) -> Tensor:
    copied = leaf.detach().clone()
    return nn.Parameter(copied) if isinstance(leaf, nn.Parameter) else copied.requires_grad_()


def _check_state(state: Any, copy: bool = True) -> _Contents:
    """The contents that a state describes, in tensors of their own or in the very same."""
    problem = _problem_of_state(state)
    if problem is not None:
        raise StoreError(
            f"this is no state of a parameter store: {problem}",
            seen=type(state).__name__ if not isinstance(state, Mapping) else f"keys {sorted(map(str, state))}",
            expected="{'params': {name: unconstrained tensor}, 'constraints': {name: constraint}}, as of get_state",
            suggestion="give what get_state() gave; for a file, load(filename)",
        )
    contents = _Contents()
    contents.leaves = {
        name: _copy_leaf(leaf) if copy or not leaf.requires_grad else leaf for name, leaf in state["params"].items()
    }
    contents.constraints = {name: state["constraints"][name] for name in contents.leaves}
    return contents


def _problem_of_state(state: Any) -> str | None:
    if not isinstance(state, Mapping) or set(state) != {"params", "constraints"}:
        return "it needs exactly the keys 'params' and 'constraints'"
    params, held = state["params"], state["constraints"]
    if not isinstance(params, Mapping) or not isinstance(held, Mapping):
        return "'params' and 'constraints' are dicts by name"
    if set(params) != set(held):
        return f"params and constraints differ in the names {sorted(map(str, set(params) ^ set(held)))}"
    for name, leaf in params.items():
        if not isinstance(name, str):
            return f"the name {name!r} is no string"
        if not isinstance(leaf, Tensor) or not (leaf.is_floating_point() or leaf.is_complex()):
            return f"the value of {name!r} is no floating point tensor"
        if not isinstance(held[name], Constraint):
            return f"the constraint of {name!r} is a {type(held[name]).__name__}"
        _transform(name, held[name])
    return None


_STORE = ParamStore()


def get_param_store() -> ParamStore:
    """The parameter store of this process.

    Example:
        >>> get_param_store() is get_param_store()
        True
    """
    return _STORE


def clear_param_store() -> None:
    """Forget all parameters and constraints; useful between models and in a REPL.

    Example:
        >>> clear_param_store()
        >>> len(get_param_store())
        0
    """
    _STORE.clear()
