"""A table of the shapes of a run's sites, for errors and for ``Trace.format_shapes``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .messages import is_subsample

__all__ = ["shape_table"]


def shape_table(
    nodes: Mapping[str, Mapping[str, Any]], title: str = "Trace Shapes:", last_site: str | None = None
) -> str:
    """The shapes of params, laws, values and log densities, batch dims left of the bar and event dims right of it.

    Args:
        nodes: sites by name.
        title: first line.
        last_site: where the table ends.

    Returns:
        Lines of equal layout, without a final newline.
    """
    rows: list[tuple[str, str, str, str]] = []
    for name, site in nodes.items():
        rows.extend(_rows(name, site))
        if name == last_site:
            break
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        "  " + "  ".join([row[0].rjust(widths[0]), row[1].ljust(widths[1]), row[2].rjust(widths[2]), row[3]])
        for row in rows
    ]
    return "\n".join([title, *(line.rstrip() for line in lines)])


def _rows(name: str, site: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    kind = site["type"]
    if kind == "param":
        event_dim = site["kwargs"].get("event_dim")
        return [(name, "param", *_split(site["value"], event_dim))]
    if kind == "deterministic":
        return [(name, "deterministic", *_split(site["value"], site["kwargs"].get("event_dim")))]
    if kind != "sample":
        return []
    fn = site["fn"]
    if not hasattr(fn, "batch_shape"):
        return [(name, "plate" if is_subsample(site) else "function", *_split(site["value"], None))]
    rows = [
        (name, "law", _shape(fn.batch_shape), _shape(fn.event_shape)),
        ("", "obs" if site["is_observed"] else "value", *_split(site["value"], len(fn.event_shape))),
    ]
    if "log_prob" in site:
        rows.append(("", "log_prob", *_split(site["log_prob"], 0)))
    return [(first, label, batch, f"| {event}") for first, label, batch, event in rows]


def _split(value: Any, event_dim: int | None) -> tuple[str, str]:
    shape = getattr(value, "shape", None)
    if shape is None:
        return type(value).__name__, ""
    split = len(shape) if event_dim is None else max(len(shape) - event_dim, 0)
    return _shape(shape[:split]), _shape(shape[split:])


def _shape(shape: Any) -> str:
    return " ".join(str(size) for size in shape)
