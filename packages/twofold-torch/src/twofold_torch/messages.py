"""What one statement of a model says to the handlers around it.

A message is a plain dict; ``Message`` declares its keys.  A trace holds, for each name, a copy of the message of that
site as it was when the handler saw it last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict

import torch
from torch.distributions import Distribution as TorchBase

from .errors import SiteTypeError

__all__ = [
    "CondIndepStackFrame",
    "Message",
    "as_site_value",
    "as_value",
    "draw",
    "is_law",
    "is_subsample",
    "new_message",
]


class CondIndepStackFrame(NamedTuple):
    """One plate around a site."""

    name: str
    dim: int | None
    """Negative batch dim; None for a sequential plate."""
    size: int
    """Length of the batch: that of the subsample if there is one; -1 for a plate without a size."""
    counter: int = 0
    """Which step of a sequential plate."""
    full_size: int | None = None
    """Length of the whole plate."""

    @property
    def vectorized(self) -> bool:
        """Whether the plate is a batch dim rather than a loop."""
        return self.dim is not None


class Message(TypedDict, total=False):
    """One visit to one site.  Handlers read it and edit it."""

    type: str
    """``sample``, ``param``, ``deterministic``, ``subsample``, ``get_mask``, or the type of a user's own statement."""
    name: str
    """Unique within one run; None in a statement that has no name, such as ``subsample``."""
    fn: Any
    """sample: the law or stochastic function.  Others: what makes the value of ``args`` and ``kwargs``."""
    is_observed: bool
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any
    """None until a handler or the statement itself supplies it."""
    infer: dict[str, Any]
    """Settings for inference algorithms; private to the site."""
    scale: Any
    """Factor of the log density."""
    mask: Any
    """None, a bool, or a boolean tensor: where the log density counts."""
    cond_indep_stack: tuple[CondIndepStackFrame, ...]
    """Plates around the site, the outermost first."""
    done: bool
    """The value is final: do not perform the statement."""
    stop: bool
    """Hide the site from every handler further out."""
    _markov_steps: tuple[Any, ...]
    """Steps of ``markov`` around the site, the outermost first; only if there are any."""
    continuation: Callable[[Message], None] | None
    """Called with the message when all handlers have been told."""


def new_message(
    type: str, name: str | None, fn: Any, args: tuple[Any, ...] = (), kwargs: Any = None, **keys: Any
) -> Message:
    """A message with the usual values of all keys but those that are given."""
    msg: dict[str, Any] = {
        "type": type,
        "name": name,
        "fn": fn,
        "is_observed": False,
        "args": args,
        "kwargs": {} if kwargs is None else kwargs,
        "value": None,
        "infer": {},
        "scale": 1.0,
        "mask": None,
        "cond_indep_stack": (),
        "done": False,
        "stop": False,
        "continuation": None,
    }
    msg.update(keys)
    return msg  # type: ignore[return-value]


def is_law(fn: Any) -> bool:
    """Whether ``fn`` is a law that can be expanded and scored: of ours, of torch's, or an object like them."""
    return isinstance(fn, TorchBase) or (
        hasattr(fn, "log_prob") and hasattr(fn, "batch_shape") and hasattr(fn, "expand")
    )


def is_subsample(site: Mapping[str, Any]) -> bool:
    """Whether a site holds the row numbers of a plate."""
    return site["type"] == "sample" and getattr(site["fn"], "is_subsample", False) is True


def draw(fn: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """A draw of ``fn``: differentiable where it is a law that can be, else whatever the function returns."""
    if callable(fn):
        return fn(*args, **kwargs) if kwargs else fn(*args)
    return fn.rsample() if fn.has_rsample else fn.sample()  # torch's own laws cannot be called


def as_value(fn: Any, value: Any) -> Any:
    """``value`` as a tensor of the kind that ``fn`` draws: numbers and arrays are converted, tensors stay the same."""
    if isinstance(value, torch.Tensor) or not isinstance(fn, TorchBase):
        return value
    if isinstance(value, bool | int | float):
        return torch.as_tensor(value, dtype=_number_dtype(fn))
    return torch.as_tensor(value)


def as_site_value(msg: Message, value: Any) -> Any:
    """``as_value`` for the law of a site; refuse what no tensor can be made of, naming the site."""
    try:
        return as_value(msg["fn"], value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SiteTypeError(
            f"the {'observation' if msg['is_observed'] else 'value'} of site {msg['name']!r} is no tensor",
            seen=f"{value!r} of type {type(value).__name__}",
            expected="a tensor, an array, or numbers",
            suggestion="convert it with torch.as_tensor(...); for missing entries use obs_mask",
        ) from error


def _number_dtype(fn: Any) -> torch.dtype:
    base = fn
    while hasattr(base, "base_dist"):
        base = base.base_dist
    if isinstance(base, torch.distributions.Categorical):
        return torch.int64  # used as an index
    for name in getattr(base, "arg_constraints", ()):
        argument = getattr(base, name, None)
        if isinstance(argument, torch.Tensor) and argument.is_floating_point():
            return argument.dtype
    return torch.get_default_dtype()
