"""Handlers that hide, rename and annotate sites: block, scope, infer_config."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..errors import HandlerError
from ..messages import Message, is_subsample
from ..runtime import Messenger

__all__ = ["block", "infer_config", "scope"]

SiteFn = Callable[[Message], Any]


class block(Messenger):
    """Hide sites from all handlers further out; without settings, every site.

    Handlers inside still see them, and no value changes by the hiding.  What no list names is hidden if there is a list
    of what to show, and shown if there are only lists of what to hide; without lists ``hide_all`` and ``expose_all``
    decide.

    Args:
        fn: model.
        hide_fn: function of the message; True hides.  The lists then count for nothing.
        expose_fn: function of the message; True shows, anything else is hidden.  The lists then count for nothing.
        hide_all: whether everything is hidden if there are no lists; default: True.
        expose_all: whether everything is shown if there are no lists; default: False.
        hide, expose: names of sites.
        hide_types, expose_types: types of sites, such as ``"param"``; that of an observed site is ``"observe"``.

    Raises:
        HandlerError: a name or type is both hidden and shown.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> model = block(lambda: sample("x", dist.Normal(0.0, 1.0)), hide=["x"])
        >>> trace(model).get_trace().stochastic_nodes
        []
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        hide_fn: SiteFn | None = None,
        expose_fn: SiteFn | None = None,
        hide_all: bool | None = None,
        expose_all: bool | None = None,
        hide: Collection[str] | None = None,
        expose: Collection[str] | None = None,
        hide_types: Collection[str] | None = None,
        expose_types: Collection[str] | None = None,
    ) -> None:
        super().__init__(fn)
        if hide_fn is not None and expose_fn is not None:
            raise HandlerError(
                "block takes hide_fn or expose_fn, not both",
                seen="both",
                expected="one of the two",
                suggestion="say in one function what is hidden",
            )
        if hide_all and expose_all:
            raise HandlerError(
                "block cannot both hide and expose everything",
                seen="hide_all and expose_all",
                expected="one of the two",
                suggestion="leave one of them out",
            )
        self._hides = hide_fn
        self._shows = expose_fn
        self._hidden = _names("hide", hide), _names("hide_types", hide_types)
        self._shown = _names("expose", expose), _names("expose_types", expose_types)
        both = [*(self._hidden[0] & self._shown[0]), *(self._hidden[1] & self._shown[1])]
        if both:
            raise HandlerError(
                f"block both hides and exposes {', '.join(map(repr, sorted(both)))}",
                seen="the same names in both",
                expected="each name in one",
                suggestion="leave it out of one of them",
            )
        if any(self._shown) or any(self._hidden):
            self._hides_rest = any(self._shown)
        else:
            self._hides_rest = not expose_all if hide_all is None else hide_all

    def process_message(self, msg: Message) -> None:
        """Stop a hidden site here."""
        if self._is_hidden(msg):
            msg["stop"] = True

    def _is_hidden(self, msg: Message) -> bool:
        if self._hides is not None:
            return bool(self._hides(msg))
        if self._shows is not None:
            return not self._shows(msg)
        key = msg["name"], "observe" if msg["type"] == "sample" and msg["is_observed"] else msg["type"]
        if any(value in names for value, names in zip(key, self._hidden, strict=True)):
            return True
        if any(value in names for value, names in zip(key, self._shown, strict=True)):
            return False
        return self._hides_rest


def _names(setting: str, names: Collection[str] | None) -> frozenset[str]:
    if isinstance(names, str):
        raise HandlerError(
            f"block: {setting} is a list of names",
            seen=repr(names),
            expected=f"[{names!r}]",
            suggestion="put the names into a list",
        )
    return frozenset(() if names is None else names)


class scope(Messenger):
    """Put a prefix before the names of sites, so that one function can be used twice in one model.

    Args:
        fn: model.
        prefix: what stands before the names; nested prefixes stand in the order of nesting.
        divider: what stands between prefix and name.
        hide_types: types of sites that keep their names, such as ``["param"]``.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> model = scope(lambda: sample("x", dist.Normal(0.0, 1.0)), prefix="a")
        >>> trace(model).get_trace().stochastic_nodes
        ['a/x']
    """

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        prefix: str = "",
        divider: str = "/",
        *,
        hide_types: Collection[str] | None = None,
    ) -> None:
        super().__init__(fn)
        if not isinstance(prefix, str):
            raise HandlerError(
                "scope needs a prefix",
                seen=repr(prefix),
                expected="a string",
                suggestion="write scope(model, prefix='layer1')",
            )
        self.prefix, self.divider = prefix, divider
        self._kept = frozenset(() if hide_types is None else hide_types)

    def process_message(self, msg: Message) -> None:
        """Rename a site and the plates around it."""
        if not self.prefix or msg["type"] in self._kept:
            return
        start = self.prefix + self.divider
        if msg["name"] is not None and msg["type"] in ("sample", "param", "deterministic"):
            is_plate = is_subsample(msg)
            if is_plate and "plate" in self._kept:
                return
            if msg["type"] == "param" and msg["args"] and msg["args"][0] == msg["name"]:
                msg["args"] = (start + msg["name"], *msg["args"][1:])
            msg["name"] = start + msg["name"]
        if msg["cond_indep_stack"] and "plate" not in self._kept:
            msg["cond_indep_stack"] = tuple(
                frame._replace(name=start + frame.name) for frame in msg["cond_indep_stack"]
            )


class infer_config(Messenger):
    """Merge settings for inference into the ``infer`` of sample and param sites.

    Args:
        fn: model.
        config_fn: function of the message that gives a dict.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> model = infer_config(lambda: sample("x", dist.Normal(0.0, 1.0)), config_fn=lambda site: {"num_samples": 3})
        >>> trace(model).get_trace().nodes["x"]["infer"]
        {'num_samples': 3}
    """

    def __init__(
        self, fn: Callable[..., Any] | None = None, config_fn: Callable[[Message], Mapping[str, Any]] | None = None
    ) -> None:
        super().__init__(fn)
        if not callable(config_fn):
            raise HandlerError(
                "infer_config needs config_fn, a function of the site",
                seen=repr(config_fn),
                expected="config_fn(msg), which gives a dict of settings",
                suggestion="write infer_config(model, config_fn=lambda msg: {...})",
            )
        self.config_fn = config_fn

    def process_message(self, msg: Message) -> None:
        """Merge the settings into a site."""
        if msg["type"] in ("sample", "param"):
            msg["infer"] = {**msg["infer"], **self.config_fn(msg)}
