"""Handlers that give discrete sites all their values at once: enum, markov."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import HandlerError, SiteError
from ..messages import Message
from ..runtime import STACK, Messenger

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
        fn: model.
        first_available_dim: negative; the first dim left of all plates.

    Raises:
        HandlerError: ``first_available_dim`` is not negative, or two sites that meet have one dim.
        SiteError: a site that is to be enumerated has no finite support.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> law = torch.distributions.Bernoulli(0.3)
        >>> model = enum(lambda: sample("z", law, infer={"enumerate": "parallel"}), first_available_dim=-1)
        >>> trace(model).get_trace().nodes["z"]["value"]
        tensor([0., 1.])
    """

    def __init__(self, fn: Callable[..., Any] | None = None, first_available_dim: int | None = None) -> None:
        super().__init__(fn)
        if not isinstance(first_available_dim, int) or first_available_dim >= 0:
            raise HandlerError(
                "enum needs first_available_dim", seen=repr(first_available_dim), expected="-1 - max_plate_nesting"
            )
        self.first_available_dim = first_available_dim
        self._sites: list[_Enumerated] = []

    def __enter__(self) -> Any:
        result = super().__enter__()
        self._reset()
        return result

    def _reset(self) -> None:
        self._sites = []

    def process_message(self, msg: Message) -> None:
        """Set the value of an enumerated site; tell each sample site which enumerated ones it may depend on."""
        if msg["type"] != "sample" or not hasattr(msg["fn"], "batch_shape"):
            return
        self._check_plates(msg)
        steps = msg.get("_markov_steps", ())
        latest = {site.dim: site for site in self._sites}
        visible = [site for site in self._sites if _is_visible(site, steps, latest[site.dim] is site)]
        dim_to_id: dict[int, int] = {}
        for site in visible:
            if site.dim in dim_to_id:
                other = next(other.name for other in visible if other.id == dim_to_id[site.dim])
                raise HandlerError(
                    f"the enumerated sites {other!r} and {site.name!r} meet at {msg['name']!r}, but share a dim",
                    seen=f"dim {site.dim}",
                    suggestion="enlarge history= of markov, or pass keep=True where branches join",
                )
            dim_to_id[site.dim] = site.id
        msg["infer"] = {**msg["infer"]}
        own = self._enumerate(msg, dim_to_id, steps)
        if own is not None:
            self._sites.append(own)
            dim_to_id[own.dim] = own.id
        msg["infer"]["_dim_to_id"] = dim_to_id

    def _check_plates(self, msg: Message) -> None:
        for frame in msg["cond_indep_stack"]:
            if frame.dim is not None and frame.dim <= self.first_available_dim:
                raise HandlerError(
                    f"plate {frame.name!r} around site {msg['name']!r} stands where enumeration begins",
                    seen=f"dim {frame.dim} of the plate, first_available_dim {self.first_available_dim}",
                    expected="plates right of all enumeration dims",
                    suggestion="enlarge max_plate_nesting",
                )

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


def all_values(msg: Message, dim: int) -> torch.Tensor:
    """The support of a site, or several draws, along ``dim``; other batch dims of size 1 unless they differ."""
    fn, infer = msg["fn"], msg["infer"]
    event_dim, batch_dim = len(fn.event_shape), len(fn.batch_shape)
    if infer.get("num_samples") is not None:
        values: torch.Tensor = (
            fn.rsample((infer["num_samples"],)) if fn.has_rsample else fn.sample((infer["num_samples"],))
        )
    else:
        values = support_of(msg, expand=bool(infer.get("expand", False)))
    batch = values.shape[1 : values.dim() - event_dim]
    event = values.shape[values.dim() - event_dim :]
    if batch_dim > -1 - dim:
        if any(size != 1 for size in batch[: batch_dim + 1 + dim]):
            raise HandlerError(
                f"site {msg['name']!r} has batch dims where enumeration begins",
                seen=f"batch shape {tuple(fn.batch_shape)}, enumeration at dim {dim}",
                suggestion="enlarge max_plate_nesting",
            )
        batch = batch[batch_dim + 1 + dim :]
    return values.reshape(values.shape[:1] + (1,) * (-1 - dim - len(batch)) + batch + event)


def support_of(msg: Message, expand: bool) -> torch.Tensor:
    """All values of a site, along a new leftmost dim."""
    fn = msg["fn"]
    try:
        values: torch.Tensor = fn.enumerate_support(expand=expand)
    except NotImplementedError as error:
        raise SiteError(
            f"site {msg['name']!r} cannot be enumerated",
            seen=f"a {type(fn).__name__}",
            expected="a law with finite support",
            suggestion='take infer={"enumerate": ...} off, or give num_samples',
        ) from error
    return values


# -- markov


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
        self,
        fn: Callable[..., Any] | Iterable[Any] | None = None,
        history: int = 1,
        keep: bool = False,
        dim: int | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(history, int) or history < 0:
            raise HandlerError("markov: history is a number of steps", seen=repr(history), expected="0, 1, 2, ...")
        if fn is not None and not callable(fn) and not isinstance(fn, Iterable):
            raise HandlerError("markov cannot make steps of this", seen=repr(fn), expected="an iterable or a function")
        self.fn, self.history, self.keep = fn, history, keep
        self.dim, self.name = dim, name
        self._last: _Step | None = None
        self._entered: list[_StepMessenger] = []

    def _next_step(self) -> _StepMessenger:
        active = next(
            (h.step for h in reversed(STACK.handlers) if isinstance(h, _StepMessenger) and h.scope is self), None
        )
        before = self._last if active is None else active
        ancestors = () if before is None else (before.id, *before.ancestors)[: self.history]
        step = _Step(self, next(_ids), 0 if before is None else before.level + 1, ancestors)
        if active is None:
            self._last = step
        return _StepMessenger(step)

    def __iter__(self) -> Iterator[Any]:
        if not isinstance(self.fn, Iterable):
            raise HandlerError("this markov was given no iterable", seen=repr(self.fn), expected="such as range(10)")
        return self._steps(self.fn)

    def _steps(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            with self._next_step():
                yield item

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fn is None:
            return markov(args[0], self.history, self.keep, self.dim, self.name)
        if not callable(self.fn):
            raise HandlerError("this markov was given no function", seen=repr(self.fn))
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

    def __init__(self, step: _Step) -> None:
        super().__init__()
        self.step, self.scope = step, step.scope

    def process_message(self, msg: Message) -> None:
        """Note the step, the outermost first."""
        msg["_markov_steps"] = (self.step, *msg.get("_markov_steps", ()))
