"""Handlers that are told names of sites: they notice a name that no statement of the run has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Any

from ..errors import HandlerError, TwofoldWarning, UnknownSiteError
from ..messages import Message
from ..runtime import Messenger
from ..transformations import current_transformation, refuse_transformed
from ..validation import is_validation_enabled
from ..warning import warn

__all__ = ["NamedMessenger", "exactly_one", "report_unused_names"]

_SIMILARITY = 0.75
_SHOWN = 12


class NamedMessenger(Messenger):
    """Base of handlers with settings by site name.

    At the end of a run without an exception, and with validation on, a name that no statement had is reported: an error
    if it looks like a misspelt site, otherwise a warning.
    """

    reads_key = False
    check_names: bool = True
    """Whether unused names are reported; inference switches it off where it gives names of another model on purpose."""

    def _names(self) -> Collection[str]:
        """The names that were given."""
        raise TypeError(f"{type(self).__name__} does not say which names it was given")

    def __enter__(self) -> Any:
        result = super().__enter__()
        self._seen: dict[str, None] = {}
        self._transformations = current_transformation()
        return result

    def _see(self, msg: Message) -> None:
        """Note that the run has a statement of this name."""
        name = msg["name"]
        if name is not None:
            self._seen[name] = None

    def _act(self, msg: Message) -> None:
        """To be called before the handler acts on a statement; JAX must not keep the effect for another run."""
        if current_transformation() != self._transformations:
            refuse_transformed(msg, type(self).__name__)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        if exc_type is None and self.check_names and is_validation_enabled():
            report_unused_names(type(self).__name__, self._names(), self._seen)


def report_unused_names(who: str, given: Collection[str], seen: Collection[str]) -> None:
    """Report names that no statement of a run had.

    Args:
        who: what was given the names.
        given: the names.
        seen: names of the sites of the run.

    Raises:
        UnknownSiteError: a name looks like a misspelt site; others are told in a warning.
    """
    unused = [name for name in given if name not in seen]
    candidates = [name for name in seen if name not in given]
    for name in unused:
        near = difflib.get_close_matches(name, candidates, n=3, cutoff=_SIMILARITY)
        near = [site for site in near if _differ(name, site)]
        if near:
            raise UnknownSiteError(
                f"{who} was given {name!r}, which no statement of the run is called",
                seen=f"sites {_listed(seen)}",
                expected="names of sites of the run",
                suggestion=f"did you mean {near[0]!r}?",
            )
    if unused:
        names = ", ".join(map(repr, unused))
        warn(f"{who} was given {names}, but the run has the sites {_listed(seen)}", TwofoldWarning)


def _differ(name: str, site: str) -> bool:
    """Whether two names differ in more than digits: ``x_1`` is no misspelt ``x_2``."""
    return re.sub(r"\d", "", name) != re.sub(r"\d", "", site)


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(map(repr, list(names)[:_SHOWN])) or "(none)"
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def exactly_one(handler: str, **settings: Any) -> None:
    """Refuse both or neither of two settings."""
    given = [name for name, value in settings.items() if value is not None]
    if len(given) != 1:
        raise HandlerError(
            f"{handler} needs exactly one of {' and '.join(settings)}",
            seen=" and ".join(given) if given else "neither",
            suggestion=f"write {handler}(model, {next(iter(settings))}=...)",
            expected="one of them",
        )
