"""Noticing site names that no statement of a run has used: a typo must not pass in silence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import HandlerError, TwofoldWarning, UnknownSiteError
from ..messages import Message
from ..runtime import Messenger
from ..warning import warn

__all__ = ["NamingMessenger", "exactly_one", "report_unused_names"]

_SIMILARITY = 0.8


class NamingMessenger(Messenger):
    """Handler whose settings name sites.  When its run ends without an error, names that no statement had are reported.

    Args:
        fn: the model.
        report_unused: whether to report them; algorithms that hand over more names than the model has switch it off.
    """

    reads_key = False

    def __init__(self, fn: Callable[..., Any] | None = None, *, report_unused: bool = True) -> None:
        super().__init__(fn)
        self.report_unused = report_unused
        self._seen: set[str] = set()

    def names(self) -> Iterable[str]:
        """The names that the settings give."""
        return ()

    def __enter__(self) -> Any:
        entered = super().__enter__()
        self._seen = set()
        return entered

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        if exc_type is None and self.report_unused:
            report_unused_names(type(self).__name__, self.names(), self._seen)

    def process_message(self, msg: Message) -> None:
        """Note the name; subclasses call it first."""
        name = msg["name"]
        if name is not None:
            self._seen.add(name)


def report_unused_names(handler: str, wanted: Iterable[str], seen: set[str]) -> None:
    """Raise for a name that is nearly that of a site, warn for any other name without a site.

    Raises:
        UnknownSiteError: a name without a site resembles a site that was not named, in more than its digits.
    """
    wanted = list(wanted)
    unused = [name for name in wanted if name not in seen]
    if not unused:
        return
    others = sorted(seen.difference(wanted))
    for name in unused:
        for match in difflib.get_close_matches(name, others, n=1, cutoff=_SIMILARITY):
            if re.sub(r"\d", "", name) != re.sub(r"\d", "", match):
                raise UnknownSiteError(
                    f"{handler} names a site {name!r} that the model does not have",
                    seen=f"sites {', '.join(map(repr, sorted(seen)))}",
                    suggestion=f"did you mean {match!r}?",
                )
    warn(
        f"{handler} names {', '.join(map(repr, unused))}, but this run had no such site; "
        f"its sites were {', '.join(map(repr, sorted(seen))) or 'none'}",
        TwofoldWarning,
    )


def exactly_one(handler: str, **settings: Any) -> None:
    """Refuse both or neither of two settings."""
    given = [name for name, value in settings.items() if value is not None]
    if len(given) != 1:
        raise HandlerError(
            f"{handler} needs exactly one of {' and '.join(settings)}",
            seen=" and ".join(given) if given else "neither",
            suggestion=f"write {handler}(model, {next(iter(settings))}=...)",
        )
