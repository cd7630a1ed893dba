"""Questions about recorded sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..messages import is_subsample
from ..traces import Trace

__all__ = ["prune_subsample_sites", "site_is_factor", "site_is_subsample"]


def site_is_subsample(site: Mapping[str, Any]) -> bool:
    """Whether a site is that of a plate.

    Example:
        >>> from twofold_torch import plate
        >>> from twofold_torch.handlers import trace
        >>> def model():
        ...     with plate("rows", 3):
        ...         pass
        >>> site_is_subsample(trace(model).get_trace().nodes["rows"])
        True
    """
    return is_subsample(site)


def site_is_factor(site: Mapping[str, Any]) -> bool:
    """Whether a site comes from ``factor``."""
    return site["type"] == "sample" and bool(site["infer"].get("is_auxiliary")) and type(site["fn"]).__name__ == "Unit"


def prune_subsample_sites(trace: Trace) -> Trace:
    """A copy of a trace without the sites of plates."""
    pruned = trace.copy()
    for name, site in trace.nodes.items():
        if site_is_subsample(site):
            pruned.remove_node(name)
    return pruned
