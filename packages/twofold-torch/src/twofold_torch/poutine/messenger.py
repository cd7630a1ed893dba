"""The lineage's place of the base of handlers."""

from ..runtime import Messenger

__all__ = ["Messenger"]
