"""What one statement of a model says to the handlers around it.

A message is a plain dict; ``Message`` declares its keys.  A trace holds, for each name, the message of that site as it
was when the statement ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

from .errors import TwofoldError

__all__ = [
    "CondIndepStackFrame",
    "Message",
    "MessageType",
    "Trace",
    "is_auxiliary",
    "joint_log_density",
    "site_log_density",
]

MessageType = Literal["sample", "param", "plate", "deterministic", "mutable", "subsample", "prng_key", "get_mask"]


class CondIndepStackFrame(NamedTuple):
    """One plate around a site."""

    name: str
    dim: int
    """Negative batch dim."""
    size: int
    """Length of the batch: that of the subsample if there is one."""
    full_size: int | None = None
    """Length of the whole plate."""


class Message(TypedDict, total=False):
    """One visit to one site.  Handlers read it and edit it; the keys that every message has come first."""

    type: MessageType
    name: Any
    """A str; None for statements that make no site, such as ``subsample``."""
    fn: Any
    """sample: the law.  Others: the callable that makes the value of ``args`` and ``kwargs`` if no handler does."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    """sample: ``rng_key``, ``sample_shape``.  param: ``constraint``, ``event_dim``, and ``rng_key`` for a lazy init."""
    value: Any
    """None until a handler or the statement itself supplies it."""
    scale: Any
    """Factor of the log density; None means 1."""
    is_observed: bool
    intermediates: list[Any]
    cond_indep_stack: list[CondIndepStackFrame]
    """Plates around the site, the innermost first."""
    infer: dict[str, Any]
    """Settings for inference algorithms; private to the site."""

    stop: bool
    """Hide the site from every handler further out."""
    draw_key: Callable[[], Any] | None
    """Makes the site's key; called only if something draws."""
    is_seeded: bool
    """A seed handler further in has spoken for this site."""
    intervention: Any
    """What the statement returns in place of ``value``, if a ``do`` handler names the site."""
    is_repeat: bool
    """A later statement of a site that this run has already seen (a param, or a plate entered again)."""
    subsamplers: list[Any]
    """Plates around a param with ``event_dim``, or around a ``subsample`` statement, the innermost first."""
    plates_end_at: int
    """Batch dims to the left of this one belong to enumeration, not to plates."""
    markov_steps: tuple[Any, ...]
    """Steps of ``markov`` around the site, the outermost first."""
    lifted_by: tuple[Any, str]
    """The ``lift`` handler that made this sample site of a param, and its name there."""
    memos: list[tuple[Any, str]]
    """Handlers that remember the params of their run, each with the name under which it was asked."""


def new_message(kind: MessageType, name: str | None, fn: Any, value: Any = None, **more: Any) -> Message:
    """A message with every key that all messages have; ``more`` gives further keys, or other values."""
    msg: dict[str, Any] = {
        "type": kind,
        "name": name,
        "fn": fn,
        "args": (),
        "kwargs": {},
        "value": value,
        "scale": None,
        "is_observed": False,
        "intermediates": [],
        "cond_indep_stack": [],
        "infer": {},
    }
    msg.update(more)
    return msg  # type: ignore[return-value]


Trace: TypeAlias = dict[str, Message]
"""The sites of one run by name, in the order of execution."""


def is_auxiliary(msg: Message) -> bool:
    """Whether the site only carries a log density, as ``factor`` makes it."""
    return bool(msg["infer"].get("is_auxiliary"))


def site_log_density(site: Mapping[str, Any]) -> Any:
    """Log density of a sample site: scaled and masked, with the law's batch shape, not summed.

    Args:
        site: a message of type ``"sample"`` whose value is there.

    Returns:
        Array of shape ``fn.batch_shape``, broadcast with the batch shape of the value.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import scale, trace
        >>> sites = trace(scale(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0), scale=2.0)).get_trace()
        >>> round(float(site_log_density(sites["x"])), 4)
        -1.8379
    """
    intermediates = site["intermediates"]
    fn = site["fn"]
    try:
        density = fn.log_prob(site["value"], intermediates) if intermediates else fn.log_prob(site["value"])
    except TwofoldError as error:
        raise (error if repr(site["name"]) in error.problem else error.within(f"site {site['name']!r}")) from None
    scale = site["scale"]
    return density if scale is None else scale * density


def joint_log_density(trace: Mapping[str, Mapping[str, Any]]) -> Any:
    """Sum of the log densities of all sample sites of a trace: ``sum_i scale_i * log p_i(value_i)``.

    Params, plates and deterministic sites add nothing; a trace without sample sites has 0.

    Args:
        trace: sites by name, as ``trace(model).get_trace(...)`` gives them.

    Returns:
        A scalar.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> sites = trace(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0)).get_trace()
        >>> round(float(joint_log_density(sites)), 4)
        -0.9189
    """
    total: Any = 0.0
    for site in trace.values():
        if site["type"] == "sample":
            density = site_log_density(site)
            total = total + (density.sum() if getattr(density, "ndim", 0) else density)
    return total
