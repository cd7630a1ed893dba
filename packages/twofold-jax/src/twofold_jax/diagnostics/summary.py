"""One table of a fit: means, intervals, R-hat and effective sample sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from twofold_jax.diagnostics.ess import ess_bulk, ess_tail
from twofold_jax.diagnostics.rhat import rhat
from twofold_jax.errors import SupportError

__all__ = ["hpdi", "print_summary", "summary"]


def hpdi(x: Any, prob: float = 0.90, axis: int = 0) -> np.ndarray:
    """Highest posterior density interval: the narrowest interval that holds a share ``prob`` of the draws.

    Args:
        x: draws along ``axis``.
        prob: share in (0, 1).
        axis: the axis of the draws.

    Returns:
        Array of the shape of ``x`` with length 2 along ``axis``: lower and upper end.

    Raises:
        SupportError: ``prob`` is not in (0, 1).

    Example:
        >>> hpdi(np.arange(100.0), 0.5).tolist()
        [0.0, 50.0]
    """
    if not 0 < prob < 1:
        raise SupportError("hpdi needs a share between 0 and 1", seen=prob, expected="0 < prob < 1")
    array = np.sort(np.moveaxis(np.asarray(x, dtype=np.float64), axis, 0), axis=0)
    inside = min(int(prob * array.shape[0]), array.shape[0] - 1)
    starts = np.argmin(array[inside:] - array[: array.shape[0] - inside], axis=0)
    ends = [np.take_along_axis(array, (starts + shift)[None], axis=0) for shift in (0, inside)]
    return np.moveaxis(np.concatenate(ends), 0, axis)


def summary(
    samples: Mapping[str, Any], prob: float = 0.90, group_by_chain: bool = True
) -> dict[str, dict[str, np.ndarray]]:
    """Mean, sd, median, interval, effective sample sizes and R-hat of every site.

    Args:
        samples: draws of each site, of shape (chains, draws, *event), or (draws, *event) with
            ``group_by_chain=False``.
        prob: share of the interval.
        group_by_chain: whether the first dim counts chains.

    Returns:
        For each site a dict from the name of the statistic to an array of shape ``event``.

    Example:
        >>> table = summary({"x": np.random.default_rng(0).normal(size=(4, 100))})
        >>> sorted(table["x"])
        ['5.0%', '95.0%', 'ess_bulk', 'ess_tail', 'mean', 'median', 'n_eff', 'r_hat', 'std']
    """
    rows = {}
    for name, draws in samples.items():
        array = np.asarray(draws, dtype=np.float64)
        array = array if group_by_chain else array[None]
        lower, upper = hpdi(array.reshape(-1, *array.shape[2:]), prob)
        bulk = ess_bulk(array)
        rows[name] = {
            "mean": array.mean(axis=(0, 1)),
            "std": array.std(axis=(0, 1), ddof=1),
            "median": np.median(array, axis=(0, 1)),
            f"{50 * (1 - prob):.1f}%": lower,
            f"{50 * (1 + prob):.1f}%": upper,
            "n_eff": bulk,
            "ess_bulk": bulk,
            "ess_tail": ess_tail(array),
            "r_hat": rhat(array),
        }
    return rows


def print_summary(samples: Mapping[str, Any], prob: float = 0.90, group_by_chain: bool = True) -> None:
    """Print ``summary`` as a table, one line a scalar.

    Example:
        >>> print_summary({"x": np.zeros((2, 10)) + np.arange(10.0)})  # doctest: +ELLIPSIS
                   mean       std    median ...
    """
    table = summary(samples, prob, group_by_chain)
    labels = {name: _labels(name, rows["mean"].shape) for name, rows in table.items()}
    width = max((len(label) for group in labels.values() for label in group), default=4)
    columns = [column for column in next(iter(table.values()), {}) if column != "n_eff"]
    print(" " * width + "".join(f"{column:>10}" for column in columns))
    for name, rows in table.items():
        values = [np.ravel(rows[column]) for column in columns]
        for index, label in enumerate(labels[name]):
            print(
                f"{label:<{width}}"
                + "".join(f"{_number(column, v[index]):>10}" for column, v in zip(columns, values, strict=True))
            )


def _labels(name: str, shape: tuple[int, ...]) -> list[str]:
    return [name + (f"[{','.join(map(str, index))}]" if shape else "") for index in np.ndindex(shape)]


def _number(column: str, value: float) -> str:
    return f"{value:.0f}" if column.startswith("ess") else f"{value:.2f}"
