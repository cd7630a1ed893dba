"""Handlers of names and visibility: ``block`` hides sites, ``scope`` renames them, ``infer_config`` configures them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import HandlerError, SiteTypeError
from ..messages import Message
from ..runtime import Messenger

__all__ = ["block", "infer_config", "scope"]


class block(Messenger):
    """Hide sites from the handlers further out; their values stay the same, and an outer ``seed`` still gives keys.

    Exactly one rule decides, the first given of ``hide_fn``, ``hide``, ``expose_types``, ``hide_types``, ``expose_fn``
    and ``expose``.  Without a rule everything is hidden.

    Args:
        fn: the model.
        hide_fn: says of a site (its message) whether it is hidden.
        hide: names of hidden sites.
        expose_types: types of visible sites, such as ``["param"]``; all others are hidden.
        expose: names of visible sites; all others are hidden.
        hide_types: types of hidden sites.
        expose_fn: says of a site whether it stays visible.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> hidden = block(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0), hide=["x"])
        >>> trace(hidden).get_trace()
        {}
    """

    reads_key = False

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        hide_fn: Callable[[Message], bool] | None = None,
        hide: Sequence[str] | None = None,
        expose_types: Sequence[str] | None = None,
        expose: Sequence[str] | None = None,
        *,
        hide_types: Sequence[str] | None = None,
        expose_fn: Callable[[Message], bool] | None = None,
    ) -> None:
        super().__init__(fn)
        for argument, names in (
            ("hide", hide),
            ("expose", expose),
            ("hide_types", hide_types),
            ("expose_types", expose_types),
        ):
            if isinstance(names, str):
                raise SiteTypeError(
                    f"{argument} of block must be a list",
                    seen=repr(names),
                    suggestion=f"[{names!r}]",
                    expected="a list of names",
                )
        self._is_hidden = _hiding_rule(hide_fn, hide, expose_types, expose, hide_types, expose_fn)

    def process_message(self, msg: Message) -> None:
        if msg["name"] is not None and self._is_hidden(msg):
            msg["stop"] = True


def _hiding_rule(
    hide_fn: Callable[[Message], bool] | None,
    hide: Sequence[str] | None,
    expose_types: Sequence[str] | None,
    expose: Sequence[str] | None,
    hide_types: Sequence[str] | None,
    expose_fn: Callable[[Message], bool] | None,
) -> Callable[[Message], bool]:
    if hide_fn is not None:
        return hide_fn
    if hide is not None:
        hidden = frozenset(hide)
        return lambda msg: msg["name"] in hidden
    if expose_types is not None:
        shown_types = frozenset(expose_types)
        return lambda msg: msg["type"] not in shown_types
    if hide_types is not None:
        hidden_types = frozenset(hide_types)
        return lambda msg: msg["type"] in hidden_types
    if expose_fn is not None:
        return lambda msg: not expose_fn(msg)
    shown_names = frozenset(expose or ())
    return lambda msg: msg["name"] not in shown_names


class scope(Messenger):
    """Put ``prefix`` and ``divider`` before the names of the sites inside; nested scopes stack, the outermost first.

    Plates that are entered inside are renamed too, in their own sites and in those of the sites they enclose.

    Args:
        fn: the model.
        prefix: what is put before.
        divider: what joins prefix and name.
        hide_types: types of sites that keep their names, such as ``["plate"]``.

    Raises:
        HandlerError: ``prefix`` is no string.

    Example:
        >>> from twofold_jax import deterministic
        >>> from twofold_jax.handlers import trace
        >>> list(trace(scope(lambda: deterministic("x", 1.0), prefix="a")).get_trace())
        ['a/x']
    """

    reads_key = False
    renames = True

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        prefix: str = "",
        divider: str = "/",
        *,
        hide_types: Sequence[str] | None = None,
    ) -> None:
        super().__init__(fn)
        if not isinstance(prefix, str) or not isinstance(divider, str):
            raise HandlerError(
                "prefix and divider of scope must be strings",
                seen=f"{prefix!r}, {divider!r}",
                expected='a prefix such as "layer1"',
                suggestion='write scope(model, prefix="layer1")',
            )
        self.prefix, self.divider = prefix, divider
        self.hide_types = frozenset(hide_types or ())

    def process_message(self, msg: Message) -> None:
        if msg["name"] is not None and msg["type"] not in self.hide_types:
            msg["name"] = self._renamed(msg["name"])
        if msg["cond_indep_stack"] and "plate" not in self.hide_types:
            msg["cond_indep_stack"] = [f._replace(name=self._renamed(f.name)) for f in msg["cond_indep_stack"]]

    def _renamed(self, name: str) -> str:
        return f"{self.prefix}{self.divider}{name}"


class infer_config(Messenger):
    """Merge ``config_fn(site)`` into the ``infer`` settings of each sample site.

    Args:
        fn: the model.
        config_fn: takes a site (its message) and returns a dict, or None for no change.

    Raises:
        HandlerError: ``config_fn`` is missing.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> model = lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0)
        >>> trace(infer_config(model, config_fn=lambda site: {"k": 1})).get_trace()["x"]["infer"]
        {'k': 1}
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        config_fn: Callable[[Message], Mapping[str, Any] | None] | None = None,
    ) -> None:
        super().__init__(fn)
        if not callable(config_fn):
            raise HandlerError(
                "infer_config needs a function of the site",
                seen=repr(config_fn),
                expected="config_fn(msg), which gives a dict of settings",
                suggestion="write infer_config(model, config_fn=lambda msg: {...})",
            )
        self.config_fn = config_fn

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample":
            msg["infer"].update(self.config_fn(msg) or {})
