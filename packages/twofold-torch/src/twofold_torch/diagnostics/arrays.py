"""Draws as NumPy arrays of shape (chains, draws, *event), whatever they came as."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from twofold_torch.errors import ShapeError


def as_array(draws: Any) -> np.ndarray:
    """A tensor, array or list as float64, off the graph and off the device."""
    if isinstance(draws, torch.Tensor):
        draws = draws.detach().cpu().numpy()
    return np.asarray(draws, dtype=np.float64)


def as_chains(draws: Any, min_draws: int = 4) -> np.ndarray:
    """``draws`` as float64 of shape (chains, draws, *event).

    Raises:
        ShapeError: fewer than two dims, or fewer than ``min_draws`` draws a chain.
    """
    array = as_array(draws)
    if array.ndim < 2:
        raise ShapeError(
            "a diagnostic needs draws grouped by chain",
            seen=f"shape {array.shape}",
            expected="(chains, draws, *event)",
            suggestion="get_samples(group_by_chain=True), or x[None] for a single chain",
        )
    if array.shape[1] < min_draws:
        raise ShapeError("too few draws a chain", seen=array.shape[1], expected=f"at least {min_draws}")
    return array


def split_chains(array: np.ndarray) -> np.ndarray:
    """Each chain cut into its first and last half: (2 * chains, draws // 2, *event); a middle draw is left out."""
    half = array.shape[1] // 2
    return np.concatenate([array[:, :half], array[:, -half:]])


def rank_normalize(array: np.ndarray) -> np.ndarray:
    """Normal scores of the ranks over all chains, for each scalar alone.

    Source: Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021), Bayesian Analysis 16(2), equation 14.
    """
    flat = array.reshape(array.shape[0] * array.shape[1], -1)
    shares = np.stack([(_average_ranks(column) - 0.375) / (flat.shape[0] + 0.25) for column in flat.T], axis=-1)
    return torch.special.ndtri(torch.from_numpy(shares)).numpy().reshape(array.shape)


def _average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
