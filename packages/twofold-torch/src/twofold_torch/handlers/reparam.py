"""The handler that draws sites by way of other sites: reparam."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..errors import HandlerError
from ..messages import Message
from .names import NamedMessenger

__all__ = ["reparam"]


class reparam(NamedMessenger):
    """Replace sample sites by auxiliary ones of the same law, which inference finds easier.

    Args:
        fn: model.
        config: by site name an object whose ``apply(msg)`` declares the auxiliary sites and returns what becomes of the
            site, a dict of ``fn``, ``value`` and ``is_observed``; with ``fn`` None the site is deterministic.  Or a
            function of the site that gives such an object, or None.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> from twofold_torch.infer.reparam import LocScaleReparam
        >>> model = reparam(lambda: sample("x", dist.Normal(3.0, 2.0)), config={"x": LocScaleReparam(0)})
        >>> trace(model).get_trace().stochastic_nodes
        ['x_decentered']
    """

    def __init__(self, fn: Callable[..., Any] | None = None, config: Any = None) -> None:
        super().__init__(fn)
        if not (isinstance(config, Mapping) or callable(config)):
            raise HandlerError(
                "reparam needs a config",
                seen=repr(config),
                expected="a dict by site name, or a function",
                suggestion="write reparam(model, config={'x': LocScaleReparam(0.0)})",
            )
        self.config = config

    def _names(self) -> Collection[str]:
        return self.config if isinstance(self.config, Mapping) else ()

    def process_message(self, msg: Message) -> None:
        """Let the reparameteriser of the site, if there is one, take over."""
        if msg["type"] != "sample" or not hasattr(msg["fn"], "batch_shape"):
            return
        self._see(msg)
        name = msg["name"]
        rule = self.config.get(name) if isinstance(self.config, Mapping) else self.config(msg)
        if rule is None:
            return
        result = rule.apply({key: msg[key] for key in ("name", "fn", "value", "is_observed", "infer")})
        if result["fn"] is None:
            msg["type"], msg["is_observed"], msg["done"] = "deterministic", True, True
            msg["kwargs"] = {"event_dim": len(msg["fn"].event_shape)}
            msg["infer"] = {**msg["infer"], "_deterministic": True}
            msg["fn"], msg["value"] = None, result["value"]
        else:
            msg["fn"], msg["value"], msg["is_observed"] = result["fn"], result["value"], result["is_observed"]
