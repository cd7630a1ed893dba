"""The parameter store: the one place where learnable values live between runs."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.distributions.constraints import Constraint

from .distributions import constraints
from .errors import UnknownSiteError
from .param_values import check_param_name, check_state, constrained, copy_leaf, new_leaf, warn_of_other_shape

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
        return constrained(leaf, contents.constraints[name])

    def __setitem__(self, name: str, value: Any) -> None:
        check_param_name(name)
        with self._lock:
            contents = self._contents
            constraint = contents.constraints.get(name, constraints.real)
            contents.leaves[name] = new_leaf(name, value, constraint)
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
                    check_param_name(name)
                    leaf = new_leaf(name, init_constrained_value, constraint)
                    contents.constraints[name] = constraint
                    contents.leaves[name] = leaf
        value = constrained(leaf, contents.constraints[name])
        shape = getattr(init_constrained_value, "shape", None)
        if shape is not None and shape != value.shape:
            warn_of_other_shape(name, value, shape)
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
            leaves = {name: copy_leaf(leaf) for name, leaf in contents.leaves.items()}
            return {"params": leaves, "constraints": dict(contents.constraints)}

    def set_state(self, state: ParamStoreState) -> None:
        """Replace the contents by a snapshot; either all of it or, if it is malformed, nothing.

        Raises:
            StoreError: the state is not of the form that ``get_state`` gives.
        """
        checked = _contents_of(state)
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
        contents = _Contents() if state is None else _contents_of(state, copy=False)
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


def _contents_of(state: Any, copy: bool = True) -> _Contents:
    """The contents that a state describes, in tensors of their own or in the very same."""
    check_state(state)
    contents = _Contents()
    contents.leaves = {
        name: copy_leaf(leaf) if copy or not leaf.requires_grad else leaf for name, leaf in state["params"].items()
    }
    contents.constraints = {name: state["constraints"][name] for name in contents.leaves}
    return contents


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
