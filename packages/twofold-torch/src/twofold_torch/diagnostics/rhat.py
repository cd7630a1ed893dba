"""R-hat: have the chains reached one distribution?"""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_torch.diagnostics.arrays import as_chains, rank_normalize, split_chains

__all__ = ["gelman_rubin", "rhat", "split_gelman_rubin"]


def gelman_rubin(x: Any) -> np.ndarray:
    """Potential scale reduction: square root of total over within-chain variance.

    Args:
        x: draws of shape (chains, draws, *event), at least two chains.

    Returns:
        One number a scalar, of shape ``event``; near 1 if the chains agree.

    Source: Gelman and Rubin (1992), Statistical Science 7(4).

    Example:
        >>> float(gelman_rubin(np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]])).round(4))
        0.866
    """
    array = as_chains(x, min_draws=2)
    draws = array.shape[1]
    within = array.var(axis=1, ddof=1).mean(axis=0)
    between = array.mean(axis=1).var(axis=0, ddof=1) if array.shape[0] > 1 else np.zeros_like(within)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((draws - 1) / draws + between / within)


def split_gelman_rubin(x: Any) -> np.ndarray:
    """``gelman_rubin`` of chains cut in halves, so that a drift inside one chain shows too.

    Args:
        x: draws of shape (chains, draws, *event), at least four draws.

    Returns:
        One number a scalar, of shape ``event``.

    Source: Gelman et al. (2013), Bayesian Data Analysis, section 11.4.

    Example:
        >>> float(split_gelman_rubin(np.array([[0.0, 1.0, 10.0, 11.0]]))) > 5
        True
    """
    return gelman_rubin(split_chains(as_chains(x)))


def rhat(x: Any) -> np.ndarray:
    """Rank-normalised split R-hat: the larger of that of the ranks and that of the folded ranks.

    Args:
        x: draws of shape (chains, draws, *event), at least four draws.

    Returns:
        One number a scalar, of shape ``event``; above 1.01 the draws should not be trusted.

    Source: Vehtari et al. (2021), Bayesian Analysis 16(2), section 3.

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(4, 500))
        >>> bool(abs(rhat(draws) - 1) < 0.01)
        True
    """
    array = split_chains(as_chains(x))
    folded = np.abs(array - np.median(array, axis=(0, 1)))
    return np.maximum(gelman_rubin(rank_normalize(array)), gelman_rubin(rank_normalize(folded)))
