"""Exit statuses of the command line."""

from __future__ import annotations

CONFORMING, FAILURES, USAGE, ADAPTER = 0, 1, 2, 3


class UsageError(Exception):
    """The command was asked for something that does not exist."""
