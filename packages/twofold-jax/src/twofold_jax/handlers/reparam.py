"""``reparam``: replace sites by others that are easier to infer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..errors import HandlerError
from ..messages import Message, is_auxiliary
from ..runtime import without_inner_renaming
from .names import NamedMessenger

__all__ = ["reparam"]


class reparam(NamedMessenger):
    """Reparameterise sample sites, each by the strategy that ``config`` gives for it.

    A strategy is called with name, law and value (None where it has to be drawn), may make statements of its own, and
    returns a new law and a value: ``(None, value)`` makes the site deterministic.

    Args:
        fn: the model.
        config: strategies by site name, or a function of the site (its message) that gives a strategy or None.

    Raises:
        HandlerError: ``config`` is neither.
        SiteError: a strategy cannot treat its site, such as an observed one.
        UnknownSiteError: a name is nearly that of a site.

    Source: Gorinova, Moore and Hoffman (2020), Automatic Reparameterisation of Probabilistic Programs.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import seed, trace
        >>> from twofold_jax.infer.reparam import LocScaleReparam
        >>> model = reparam(lambda: sample("x", dist.Normal(1.0, 2.0)), config={"x": LocScaleReparam(0.0)})
        >>> {name: site["type"] for name, site in trace(seed(model, rng_seed=0)).get_trace().items()}
        {'x_decentered': 'sample', 'x': 'deterministic'}
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        config: Mapping[str, Any] | Callable[[Message], Any] | None = None,
    ) -> None:
        super().__init__(fn)
        if not isinstance(config, Mapping) and not callable(config):
            raise HandlerError(
                "reparam needs config",
                seen=repr(config),
                expected="strategies by name, or a function",
                suggestion='write reparam(model, config={"x": LocScaleReparam(0.0)})',
            )
        self.config = config

    def _names(self) -> Collection[str]:
        return self.config if isinstance(self.config, Mapping) else ()

    def process_message(self, msg: Message) -> None:
        self._see(msg)
        if msg["type"] != "sample" or is_auxiliary(msg):
            return
        strategy = self.config.get(msg["name"]) if isinstance(self.config, Mapping) else self.config(msg)
        if strategy is None:
            return
        law = msg["fn"]
        if msg["kwargs"].get("sample_shape"):
            law = law.expand((*msg["kwargs"]["sample_shape"], *law.batch_shape))
            msg["kwargs"]["sample_shape"] = ()
        with without_inner_renaming(self):
            new_law, value = strategy(msg["name"], law, msg["value"])
        if new_law is None:
            msg["type"], msg["is_observed"] = "deterministic", False
        elif value is not None:
            msg["is_observed"] = True
        msg["fn"], msg["value"] = new_law, value
