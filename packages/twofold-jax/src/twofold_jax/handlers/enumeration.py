"""Handlers that lay out discrete sites for exact summation: each gets all its values along a batch dim of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..errors import HandlerError, SiteError
from ..messages import Message
from ..runtime import Messenger, active_handlers, make_key

__all__ = ["all_values", "enum", "markov"]

_ids = itertools.count()


@dataclass(frozen=True)
class _Enumerated:
    """An enumerated site of this run: its dim, and the steps of ``markov`` that it belongs to."""

    name: str
    dim: int
    id: int
    steps: tuple[_Step, ...]


class enum(Messenger):
    """Give sites with ``infer={"enumerate": "parallel"}`` all values of their support at once, in dims of their own.

    The dims lie left of all plates.  Every sample site gets ``infer["_dim_to_id"]``, the enumerated sites by dim that
    its value may depend on; an enumerated one also gets ``infer["_enumerate_dim"]``.  With ``infer["num_samples"]`` a
    site gets so many draws in place of the support.

    Args:
        fn: the model.
        first_available_dim: negative; the first dim left of all plates, ``-1 - max_plate_nesting``.

    Raises:
        HandlerError: ``first_available_dim`` is not negative, or two sites that meet have one dim.
        SiteError: the support of a site cannot be listed, or a plate reaches into the dims of enumeration.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> coin = lambda: sample("z", dist.Bernoulli(0.3), infer={"enumerate": "parallel"})
        >>> trace(enum(coin, first_available_dim=-2)).get_trace()["z"]["value"].shape
        (2, 1)
    """

    reads_key = False

    def __init__(self, fn: Callable[..., Any] | None = None, first_available_dim: int | None = None) -> None:
        super().__init__(fn)
        is_integer = isinstance(first_available_dim, int) and not isinstance(first_available_dim, bool)
        if first_available_dim is None or not is_integer or first_available_dim >= 0:
            raise HandlerError(
                "enum needs first_available_dim", seen=repr(first_available_dim), expected="-1 - max_plate_nesting"
            )
        self.first_available_dim = first_available_dim
        self._sites: list[_Enumerated] = []

    def __enter__(self) -> Any:
        result = super().__enter__()
        self._sites = []
        return result

    def process_message(self, msg: Message) -> None:
        """Set the value of an enumerated site; tell each sample site which enumerated ones it may depend on."""
        if msg["type"] != "sample":
            return
        msg["plates_end_at"] = self.first_available_dim + 1
        self._refuse_deep_plates(msg)
        steps = msg.get("markov_steps", ())
        dim_to_id = self._visible(msg, steps)
        own = self._enumerate(msg, dim_to_id, steps)
        if own is not None:
            self._sites.append(own)
            dim_to_id[own.dim] = own.id
        msg["infer"]["_dim_to_id"] = dim_to_id

    def _refuse_deep_plates(self, msg: Message) -> None:
        for frame in msg["cond_indep_stack"]:
            if frame.dim <= self.first_available_dim:
                raise SiteError(
                    f"plate {frame.name!r} around site {msg['name']!r} reaches into the dims of enumeration",
                    seen=f"plate dim {frame.dim}",
                    expected=f"a dim right of {self.first_available_dim}",
                    suggestion="enlarge max_plate_nesting",
                )

    def _visible(self, msg: Message, steps: tuple[_Step, ...]) -> dict[int, int]:
        """The enumerated sites on which a statement inside ``steps`` may depend, by dim."""
        latest = {site.dim: site for site in self._sites}
        by_dim: dict[int, _Enumerated] = {}
        for site in self._sites:
            if not _is_visible(site, steps, latest[site.dim] is site):
                continue
            if site.dim in by_dim:
                raise HandlerError(
                    f"the enumerated sites {by_dim[site.dim].name!r} and {site.name!r} meet at {msg['name']!r}, "
                    "but share a dim",
                    seen=f"dim {site.dim}",
                    suggestion="enlarge history= of markov, or pass keep=True where branches join",
                )
            by_dim[site.dim] = site
        return {dim: site.id for dim, site in by_dim.items()}

    def _enumerate(self, msg: Message, taken: dict[int, int], steps: tuple[_Step, ...]) -> _Enumerated | None:
        infer, name = msg["infer"], str(msg["name"])
        if msg["is_observed"]:
            return None
        if msg["value"] is not None:  # as a guide has enumerated it
            dim = infer.get("_enumerate_dim")
            return None if dim is None else _Enumerated(name, dim, infer["_dim_to_id"][dim], steps)
        if infer.get("enumerate") != "parallel":
            return None
        dim = self.first_available_dim
        while dim in taken:
            dim -= 1
        infer["_enumerate_dim"] = dim
        msg["value"] = all_values(msg, dim)
        return _Enumerated(name, dim, next(_ids), steps)


def all_values(msg: Message, dim: int) -> jax.Array:
    """The support of a site, or several draws, along ``dim``; other batch dims of size 1 unless they differ."""
    law, infer = msg["fn"], msg["infer"]
    if infer.get("num_samples") is not None:
        values = law.sample(make_key(msg), (infer["num_samples"],))
    elif law.has_enumerate_support:
        values = law.enumerate_support(expand=bool(infer.get("expand", False)))
    else:
        raise SiteError(
            f"site {msg['name']!r} cannot be enumerated",
            seen=f"a law of type {type(law).__name__}",
            expected="a law of finite support, without to_event",
            suggestion='take infer={"enumerate": ...} off, or give num_samples',
        )
    event = law.event_shape
    batch = values.shape[1 : values.ndim - len(event)]
    room = -1 - dim
    if any(size != 1 for size in batch[: max(0, len(batch) - room)]):
        raise SiteError(
            f"site {msg['name']!r} has batch dims where enumeration begins",
            seen=f"batch shape {law.batch_shape}, enumeration at dim {dim}",
            suggestion="enlarge max_plate_nesting",
        )
    batch = batch[max(0, len(batch) - room) :]
    return jnp.reshape(values, (*values.shape[:1], *(1,) * (room - len(batch)), *batch, *event))


@dataclass(frozen=True, eq=False)
class _Step:
    """One step of a ``markov`` scope."""

    scope: markov
    id: int
    level: int
    ancestors: tuple[int, ...]
    """Ids of the steps before it, the latest first, as far back as the history goes."""


def _is_visible(site: _Enumerated, steps: tuple[_Step, ...], is_latest: bool) -> bool:
    """Whether a statement inside ``steps`` may depend on an enumerated site.

    Outside of the site's scope it may if no later site has taken the dim over.
    """
    for own in {step.scope: step for step in site.steps}.values():
        here = next((step for step in reversed(steps) if step.scope is own.scope), None)
        if not (is_latest if here is None else _is_near(own, here)):
            return False
    return True


def _is_near(own: _Step, here: _Step) -> bool:
    """Whether one step follows the other within the history, or with ``keep`` has the same step before it."""
    if own is here or own.id in here.ancestors or here.id in own.ancestors:
        return True
    return own.scope.keep and own.level == here.level and own.ancestors[:1] == here.ancestors[:1]


class markov:
    """Declare that each step depends on the last ``history`` steps only, so that enumeration dims can be used again.

    It changes no value and no density.

    Args:
        fn: iterable whose items are the steps; or function of which each call is a step; or nothing, for a context
            manager of which each entry is a step.  A step inside a step comes after it.
        history: how many steps back a step may look.
        keep: whether two branches of one step may depend on each other, and not only on the step.

    Raises:
        HandlerError: ``history`` is negative.

    Example:
        >>> [step for step in markov(range(3))]
        [0, 1, 2]
    """

    def __init__(
        self, fn: Callable[..., Any] | Iterable[Any] | None = None, history: int = 1, keep: bool = False
    ) -> None:
        if not isinstance(history, int) or isinstance(history, bool) or history < 0:
            raise HandlerError("history of markov is a number of steps", seen=repr(history), expected="0, 1, 2, ...")
        if fn is not None and not callable(fn) and not isinstance(fn, Iterable):
            raise HandlerError("markov cannot make steps of this", seen=repr(fn), expected="an iterable or a function")
        self.fn, self.history, self.keep = fn, history, keep
        self._last: _Step | None = None
        self._entered: list[_StepMessenger] = []

    def _next_step(self) -> _StepMessenger:
        around = (handler for handler in reversed(active_handlers()) if isinstance(handler, _StepMessenger))
        active = next((handler.step for handler in around if handler.step.scope is self), None)
        before = self._last if active is None else active
        ancestors = () if before is None else (before.id, *before.ancestors)[: self.history]
        step = _Step(self, next(_ids), 0 if before is None else before.level + 1, ancestors)
        if active is None:
            self._last = step
        return _StepMessenger(step)

    def __iter__(self) -> Iterator[Any]:
        if not isinstance(self.fn, Iterable):
            raise HandlerError(
                "this markov has no steps to go through", suggestion="write `for t in markov(range(n)):`"
            )
        return self._steps(self.fn)

    def _steps(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            with self._next_step():
                yield item

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fn is None:
            return markov(args[0], self.history, self.keep)
        if not callable(self.fn):
            raise HandlerError("this markov has no function of a step", seen=repr(self.fn))
        with self._next_step():
            return self.fn(*args, **kwargs)

    def __enter__(self) -> markov:
        self._entered.append(self._next_step())
        self._entered[-1].__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._entered.pop().__exit__(*exc_info)


class _StepMessenger(Messenger):
    """Tells the statements of a step which step that is."""

    reads_key = False

    def __init__(self, step: _Step) -> None:
        super().__init__()
        self.step = step

    def process_message(self, msg: Message) -> None:
        """Note the step, the outermost first."""
        if msg["type"] == "sample":
            msg["markov_steps"] = (self.step, *msg.get("markov_steps", ()))
