"""A table of the shapes of a run's sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .messages import site_log_density
from .ops.arrays import shape_of

__all__ = ["format_shapes"]

_Row = tuple[str, str, str, str]


def format_shapes(
    trace: Mapping[str, Mapping[str, Any]],
    *,
    compute_log_prob: bool | Callable[[Mapping[str, Any]], bool] = False,
    title: str = "Trace Shapes:",
    last_site: str | None = None,
) -> str:
    """The shapes of params, laws, values and log densities, batch dims left of the bar and event dims right of it.

    Args:
        trace: sites by name, as ``trace(model).get_trace(...)`` gives them.
        compute_log_prob: whether log densities are shown too; or a function that says so of a site.
        title: first line.
        last_site: where the table ends.

    Returns:
        Lines of equal layout, without a final newline.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.handlers import seed, trace
        >>> def model():
        ...     with tf.plate("rows", 3):
        ...         tf.sample("x", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
        >>> print(format_shapes(trace(seed(model, rng_seed=0)).get_trace()))
        Trace Shapes:
          rows  plate  3
             x  law    3  | 2
                value  3  | 2
    """
    rows: list[_Row] = []
    for name, site in trace.items():
        is_scored = compute_log_prob(site) if callable(compute_log_prob) else compute_log_prob
        rows.extend(_rows(name, site, is_scored))
        if name == last_site:
            break
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        "  " + "  ".join([row[0].rjust(widths[0]), row[1].ljust(widths[1]), row[2].rjust(widths[2]), row[3]])
        for row in rows
    ]
    return "\n".join([title, *(line.rstrip() for line in lines)])


def _rows(name: str, site: Mapping[str, Any], is_scored: bool) -> list[_Row]:
    kind, value = site["type"], site["value"]
    if kind != "sample":
        return [(name, kind, *_split(value, site["kwargs"].get("event_dim")))]
    fn = site["fn"]
    shapes = [("law", (_shown(fn.batch_shape), _shown(fn.event_shape)))]
    shapes.append(("obs" if site["is_observed"] else "value", _split(value, len(fn.event_shape))))
    if is_scored:
        shapes.append(("log_prob", _split(site_log_density(site), 0)))
    return [(name if i == 0 else "", label, batch, f"| {event}") for i, (label, (batch, event)) in enumerate(shapes)]


def _split(value: Any, event_dim: int | None) -> tuple[str, str]:
    """Batch dims and event dims of a value; of anything but an array its type."""
    if not hasattr(value, "shape") and not isinstance(value, int | float | complex):
        return type(value).__name__, ""
    shape = shape_of(value)
    split = len(shape) if event_dim is None else max(len(shape) - event_dim, 0)
    return _shown(shape[:split]), _shown(shape[split:])


def _shown(shape: tuple[int, ...]) -> str:
    return " ".join(map(str, shape))
