"""What a reparameteriser is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypedDict

from ...errors import SiteError

__all__ = ["Reparam", "ReparamMessage", "ReparamResult", "refuse_observed"]


class ReparamMessage(TypedDict):
    """What a reparameteriser is told about a site."""

    name: str
    fn: Any
    value: Any
    is_observed: bool
    infer: dict[str, Any]


class ReparamResult(TypedDict):
    """What becomes of the site: another law and value, or with ``fn`` None a deterministic value."""

    fn: Any
    value: Any
    is_observed: bool


class Reparam(ABC):
    """Base of reparameterisers: draws a site by way of auxiliary sites."""

    @abstractmethod
    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Declare the auxiliary sites, and say what becomes of the site."""


def refuse_observed(reparam: Reparam, msg: ReparamMessage) -> None:
    """Raise if the site has a value that the auxiliary sites would not know of."""
    if msg["is_observed"] or msg["value"] is not None:
        raise SiteError(
            f"{type(reparam).__name__} cannot treat site {msg['name']!r}, whose value is given",
            seen="an observation" if msg["is_observed"] else "a value set by a handler",
            expected="a latent site",
            suggestion=f"leave {msg['name']!r} out of the config; give values to its auxiliary site instead",
        )
