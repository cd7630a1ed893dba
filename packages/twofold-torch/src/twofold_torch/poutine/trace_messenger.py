"""The lineage's place of the trace handler."""

from .. import handlers

__all__ = ["TraceMessenger"]

TraceMessenger = handlers.trace
