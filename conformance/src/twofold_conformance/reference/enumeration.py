"""Stateful: exact enumeration of discrete sites.  Each takes a batch dim of its own, left of all plates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from twofold_conformance.reference.errors import EstimatorError, HandlerError
from twofold_conformance.reference.laws import Law
from twofold_conformance.reference.mechanism import STACK, Handler, Message
from twofold_conformance.reference.tensor import Tensor

Steps = Mapping[int, "Step"]


class enum(Handler):
    """Give sites with ``infer={"enumerate": "parallel"}`` all their values at once, along a fresh dim."""

    def __init__(self, fn: Any = None, first_available_dim: int | None = None) -> None:
        super().__init__(fn)
        if not isinstance(first_available_dim, int) or first_available_dim >= 0:
            raise HandlerError(f"enum needs a negative first_available_dim, seen: {first_available_dim!r}")
        self.first = first_available_dim

    def start(self) -> None:
        self.holders: dict[int, list[Steps]] = {}

    def process(self, msg: Message) -> None:
        if msg["type"] != "sample" or msg["is_observed"] or msg["value"] is not None:
            return
        if msg["infer"].get("enumerate") == "parallel":
            dim = self._allocate()
            msg["value"] = _column(msg, dim)
            msg["infer"]["_enumerate_dim"] = dim

    def _allocate(self) -> int:
        """The rightmost dim that no variable holds that this statement could still see."""
        now = active_steps()
        dim = self.first
        while any(not _forgotten(steps, now) for steps in self.holders.get(dim, [])):
            dim -= 1
        self.holders.setdefault(dim, []).append(now)
        return dim


def _column(msg: Message, dim: int) -> Tensor:
    """All values of a site, along ``dim``."""
    support = msg["fn"].enumerate_support() if isinstance(msg["fn"], Law) else None
    if support is None:
        raise EstimatorError(f"site {msg['name']!r}: its values cannot be listed")
    for frame in msg["cond_indep_stack"]:
        if frame.dim is not None and frame.dim <= dim:
            raise EstimatorError(f"site {msg['name']!r}: plate {frame.name!r} reaches dim {dim}")
    return Tensor(np.array(support)).reshape((len(support),) + (1,) * (-dim - 1))


class markov(Handler):
    """Steps of a chain: a variable is seen for ``history`` further steps.  Around a function, a ``with``, or a loop."""

    def __init__(self, fn: Any = None, history: int = 1, keep: bool = False) -> None:
        self.turns: Iterable[Any] | None = None
        if fn is not None and not callable(fn):
            fn, self.turns = None, iter(fn)
        super().__init__(fn)
        self.history, self.keep, self.step = history, keep, -1

    def start(self) -> None:
        self.step += 1

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        depth = sum(isinstance(handler, Step) and handler.chain is self for handler in STACK.handlers)
        with Step(self, self.step if self.fn is None else depth):
            return self.fn(*args, **kwargs) if self.fn is not None else None

    def __iter__(self) -> Iterator[Any]:
        for number, item in enumerate(self.turns or ()):
            with Step(self, number):
                yield item


class Step(Handler):
    """One step of a chain."""

    def __init__(self, chain: markov, number: int) -> None:
        super().__init__()
        self.chain, self.number = chain, number


def active_steps() -> Steps:
    """The innermost active step of each chain."""
    return {id(step.chain): step for step in STACK.handlers if isinstance(step, Step)}


def _forgotten(then: Steps, now: Steps) -> bool:
    """Can no statement at ``now`` see a variable of ``then``?"""
    for chain, step in then.items():
        if chain not in now:
            if not step.chain.keep:
                return True
        elif now[chain].number - step.number > step.chain.history:
            return True
    return False
