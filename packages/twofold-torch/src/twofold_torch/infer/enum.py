"""Marking sites for enumeration, and running through their values one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from queue import LifoQueue
from typing import Any, Literal

from ..errors import HandlerError
from ..handlers.recording import trace
from ..handlers.scoping import infer_config
from ..handlers.sequential import discrete_escape, queue
from ..messages import Message
from ..traces import Trace

__all__ = ["config_enumerate", "iter_discrete_traces"]

_Strategy = Literal["sequential", "parallel"]


def config_enumerate(
    guide: Callable[..., Any] | None = None,
    default: _Strategy = "parallel",
    expand: bool = False,
    num_samples: int | None = None,
    tmc: Literal["diagonal", "mixture"] = "diagonal",
) -> Callable[..., Any]:
    """Mark all latent sites with finite support, or with ``num_samples`` all latent sites, for enumeration.

    Args:
        guide: model or guide; without it, a decorator.
        default: all values at once, each in a dim, or one after the other.
        expand: give each entry of the batch its own values, instead of common ones.
        num_samples: so many draws in place of all values.
        tmc: how draws of several sites are combined.

    Returns:
        The function with its sites marked; ``infer`` of a statement itself wins.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> import torch
        >>> model = config_enumerate(lambda: sample("z", torch.distributions.Bernoulli(0.3)))
        >>> trace(model).get_trace().nodes["z"]["infer"]["enumerate"]
        'parallel'
    """
    if default not in ("sequential", "parallel"):
        raise HandlerError("config_enumerate: default is no strategy", seen=default, expected="sequential or parallel")
    if num_samples is not None and default != "parallel":
        raise HandlerError("config_enumerate: num_samples goes with default='parallel' only")

    def settings(site: Message) -> Mapping[str, Any]:
        own = site["infer"]
        if site["type"] != "sample" or site["is_observed"] or not hasattr(site["fn"], "batch_shape"):
            return own
        if num_samples is None and not getattr(site["fn"], "has_enumerate_support", False):
            return own
        chosen = {"enumerate": default, "expand": expand, "num_samples": num_samples, "tmc": tmc}
        return {**{key: value for key, value in chosen.items() if value is not None}, **own}

    if guide is None:
        return lambda function: infer_config(function, config_fn=settings)
    return infer_config(guide, config_fn=settings)


def iter_discrete_traces(
    graph_type: Literal["flat", "dense"], fn: Callable[..., Any], *args: Any, **kwargs: Any
) -> Iterator[Trace]:
    """A trace for each joint value of the sites with ``infer={"enumerate": "sequential"}``.

    Args:
        graph_type: of the traces.
        fn: model; gets the further arguments.

    Example:
        >>> from twofold_torch import sample
        >>> import torch
        >>> def model():
        ...     return sample("z", torch.distributions.Bernoulli(0.3), infer={"enumerate": "sequential"})
        >>> sorted(t.nodes["z"]["value"].item() for t in iter_discrete_traces("flat", model))
        [0.0, 1.0]
    """

    def is_next(recorded: Trace, msg: Message) -> bool:
        return msg["infer"].get("enumerate") == "sequential" and discrete_escape(recorded, msg)

    pending: LifoQueue[Trace] = LifoQueue()
    pending.put(Trace(graph_type))
    recorder = trace(queue(fn, queue=pending, escape_fn=is_next), graph_type=graph_type)
    while not pending.empty():
        yield recorder.get_trace(*args, **kwargs)
