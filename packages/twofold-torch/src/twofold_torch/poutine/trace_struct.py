"""The lineage's place of the record of a run."""

from ..traces import Trace

__all__ = ["Trace"]
