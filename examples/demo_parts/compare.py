"""Posterior draws beside a reference posterior."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from twofold_torch.diagnostics import ess_bulk, mcse_mean, rhat

DATA = Path(__file__).parents[1] / "data"
MAX_RHAT, MIN_ESS = 1.02, 400
SVI_TOLERANCE = 0.5
"""Largest difference of a mean that a normal approximation is allowed, in reference standard deviations."""


@dataclass(frozen=True)
class Row:
    """One scalar of one fit."""

    mean: float
    sd: float
    interval: tuple[float, float]
    """5% and 95% quantile."""
    rhat: float
    ess: float
    difference: float
    """From the reference mean, in reference standard deviations."""
    problem: str
    """Why it disagrees with the reference; empty if it does not."""


def reference(name: str) -> dict[str, dict[str, float]]:
    """Summaries of the reference draws, by scalar such as ``theta[1]``."""
    table: dict[str, dict[str, float]] = json.loads((DATA / f"{name}.reference.json").read_text())["parameters"]
    return table


def draws_of(samples: Mapping[str, np.ndarray], scalar: str) -> np.ndarray:
    """Draws (chains, draws) of one scalar; indices start at 1."""
    match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", scalar)
    assert match is not None
    value = samples[match[1]]
    return value[..., int(match[2]) - 1] if match[2] else value


def compare_nuts(samples: Mapping[str, np.ndarray], table: Mapping[str, Mapping[str, float]]) -> dict[str, Row]:
    """Every scalar against the reference, each difference against its Monte Carlo error.

    A mean disagrees if it differs by more than ``z`` standard errors plus 1% of an sd, with ``z`` such that a perfect
    sampler fails any scalar of one fit once in a thousand runs.
    """
    z = NormalDist().inv_cdf(1 - 0.001 / (2 * len(table)))
    rows = {}
    for scalar, truth in table.items():
        draws = draws_of(samples, scalar)
        row = _summarise(draws, truth)
        error = float(np.hypot(mcse_mean(draws), truth["mcse_mean"])) / truth["sd"]
        problem = ""
        if row["rhat"] > MAX_RHAT or row["ess"] < MIN_ESS:
            problem = f"not mixed: R-hat {row['rhat']:.3f}, ESS {row['ess']:.0f}"
        elif abs(row["difference"]) > z * error + 0.01:
            problem = f"mean differs by {row['difference']:+.2f} sd, more than {z * error + 0.01:.2f}"
        rows[scalar] = Row(**row, problem=problem)
    return rows


def compare_svi(samples: Mapping[str, np.ndarray], table: Mapping[str, Mapping[str, float]]) -> dict[str, Row]:
    """Every scalar against the reference; an approximation is allowed a bias of half a standard deviation."""
    rows = {}
    for scalar, truth in table.items():
        row = _summarise(draws_of(samples, scalar), truth)
        far = abs(row["difference"]) > SVI_TOLERANCE
        rows[scalar] = Row(**row, problem=f"mean differs by {row['difference']:+.2f} sd" if far else "")
    return rows


def _summarise(draws: np.ndarray, truth: Mapping[str, float]) -> dict[str, Any]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "interval": (float(low), float(high)),
        "rhat": float(rhat(draws)),
        "ess": float(ess_bulk(draws)),
        "difference": (float(draws.mean()) - truth["mean"]) / truth["sd"],
    }
