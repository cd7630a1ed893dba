"""Handlers that are told names of sites: they notice a name that no statement of the run has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Any

from ..errors import TwofoldWarning, UnknownSiteError
from ..messages import Message
from ..runtime import Messenger
from ..validation import is_validation_enabled
from ..warning import warn

__all__ = ["NamedMessenger", "report_unused_names"]


class NamedMessenger(Messenger):
    """Base of handlers with settings by site name.

    At the end of a run without an exception, and with validation on, a name that no statement used is reported: an
    error if it looks like a misspelt site, otherwise a warning.
    """

    check_names: bool = True
    """Whether unused names are reported; inference switches it off where it gives names of another model on purpose."""

    def _names(self) -> Collection[str]:
        """The names that were given."""
        raise TypeError(f"{type(self).__name__} does not say which names it was given")

    def __enter__(self) -> Any:
        result = super().__enter__()
        self._seen: dict[str, None] = {}
        self._passed: set[str | None] = set()
        return result

    def _see(self, msg: Message) -> None:
        """Note that the run has a statement of this name that the handler could act on."""
        name = msg["name"]
        if name is not None:
            self._seen[name] = None

    def _pass(self, msg: Message) -> None:
        """Note a statement that the handler leaves alone: whoever gives its name has not misspelt another."""
        self._passed.add(msg["name"])

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> bool | None:
        result = super().__exit__(exc_type, exc_value, traceback)
        if exc_type is None and self.check_names and is_validation_enabled():
            report_unused_names(type(self).__name__, self._names(), self._seen, self._passed)
        return result


def report_unused_names(
    who: str,
    given: Collection[str],
    seen: Collection[str],
    passed: Collection[str | None] = (),
) -> None:
    """Report names that no statement of a run had.

    Args:
        who: what was given the names.
        given: the names.
        seen: names of the statements of the run that could be meant.
        passed: names of its other statements.

    Raises:
        UnknownSiteError: a name looks like a misspelt site; others are told in a warning.
    """
    unused = [name for name in given if name not in seen]
    candidates = [name for name in seen if name not in given]
    for name in (name for name in unused if name not in passed):
        near = [site for site in difflib.get_close_matches(name, candidates, n=3, cutoff=0.75) if _differ(name, site)]
        if near:
            raise UnknownSiteError(
                f"{who} was given {name!r}, which no statement of the run is called",
                seen=f"sites {_listed(seen)}",
                expected="names of sites of the run",
                suggestion=f"did you mean {near[0]!r}?",
            )
    if unused:
        names = ", ".join(map(repr, unused))
        other = [name for name in unused if name in passed]
        aside = f"; {', '.join(map(repr, other))}: a statement of a kind that {who} leaves alone" if other else ""
        warn(f"{who} was given {names}, but the sites it can act on are {_listed(seen)}{aside}", TwofoldWarning)


def _differ(name: str, site: str) -> bool:
    """Whether two names differ in more than digits: ``x_1`` is no misspelt ``x_2``."""
    return re.sub(r"\d", "", name) != re.sub(r"\d", "", site)


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:12]
    return ", ".join(map(repr, shown)) + (f" and {len(names) - 12} more" if len(names) > 12 else "") or "(none)"
