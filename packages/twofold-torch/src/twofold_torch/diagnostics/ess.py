"""Effective sample size: how many independent draws are these worth?"""

from __future__ import annotations

from typing import Any

import numpy as np

from twofold_torch.diagnostics.arrays import as_array, as_chains, rank_normalize, split_chains

__all__ = [
    "autocorrelation",
    "autocovariance",
    "effective_sample_size",
    "energy_fraction",
    "ess_bulk",
    "ess_quantile",
    "ess_sd",
    "ess_tail",
    "mcse_mean",
    "mcse_sd",
]


def autocovariance(x: Any, axis: int = 0) -> np.ndarray:
    """Autocovariance at every lag, divided by the number of draws.

    Args:
        x: array with the draws along ``axis``.
        axis: the axis of the draws.

    Returns:
        Array of the shape of ``x``; lag k at index k of ``axis``.

    Example:
        >>> autocovariance(np.array([1.0, -1.0, 1.0, -1.0])).round(2).tolist()
        [1.0, -0.75, 0.5, -0.25]
    """
    array = np.moveaxis(as_array(x), axis, -1)
    count = array.shape[-1]
    centred = array - array.mean(axis=-1, keepdims=True)
    spectrum = np.fft.rfft(centred, n=2 * count)  # zero padding: no wrap-around
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, n=2 * count)[..., :count] / count
    return np.moveaxis(covariance, -1, axis)


def autocorrelation(x: Any, axis: int = 0) -> np.ndarray:
    """Autocorrelation at every lag: ``autocovariance`` divided by its value at lag 0.

    Example:
        >>> autocorrelation(np.array([2.0, -2.0, 2.0, -2.0])).round(2).tolist()
        [1.0, -0.75, 0.5, -0.25]
    """
    covariance = autocovariance(x, axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return covariance / np.take(covariance, [0], axis=axis)


def effective_sample_size(x: Any) -> np.ndarray:
    """Effective number of draws for the mean, by Geyer's initial monotone sequence over all chains.

    Args:
        x: draws of shape (chains, draws, *event), at least four draws.

    Returns:
        One number a scalar, of shape ``event``; NaN for a scalar that never moves.

    Source: Geyer (1992), Statistical Science 7(4); Gelman et al. (2013), Bayesian Data Analysis, section 11.5.

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(4, 1000))
        >>> bool(3000 < effective_sample_size(draws) < 5500)
        True
    """
    array = as_chains(x)
    chains, draws = array.shape[:2]
    covariance = autocovariance(array, axis=1).mean(axis=0)  # (lag, *event)
    within = covariance[0] * draws / (draws - 1)
    total = covariance[0] + (array.mean(axis=1).var(axis=0, ddof=1) if chains > 1 else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = 1.0 - (within - covariance) / total
    correlation[0] = 1.0
    usable = (draws - 3) // 2  # the last lags rest on too few products, as in Stan
    pairs = correlation[: 2 * usable + 2].reshape(usable + 1, 2, *array.shape[2:])
    sums = pairs[:usable].sum(axis=1)
    positive = np.minimum.accumulate(sums > 0, axis=0) if usable else sums > 0  # up to the first pair that is not
    monotone = np.minimum.accumulate(np.where(positive, sums, np.inf), axis=0) if usable else sums
    next_even = np.take_along_axis(pairs[:, 0], positive.sum(axis=0)[None], axis=0)[0]  # the truncation's correction
    time = -1.0 + 2.0 * np.where(positive, monotone, 0.0).sum(axis=0) + np.maximum(next_even, 0.0)
    time = np.maximum(time, 1.0 / np.log10(chains * draws))  # antithetic chains: bounded as in Stan
    return np.where(total > 0, chains * draws / time, np.nan)


def ess_bulk(x: Any) -> np.ndarray:
    """Effective number of draws for the centre of the distribution: that of the rank-normalised split chains.

    Args:
        x: draws of shape (chains, draws, *event), at least eight draws.

    Source: Vehtari et al. (2021), Bayesian Analysis 16(2), section 4.

    Example:
        >>> bool(ess_bulk(np.random.default_rng(1).normal(size=(4, 1000))) > 3000)
        True
    """
    return effective_sample_size(rank_normalize(split_chains(as_chains(x, min_draws=8))))


def ess_quantile(x: Any, prob: float) -> np.ndarray:
    """Effective number of draws for one quantile: that of the indicator of lying below it."""
    array = as_chains(x, min_draws=8)
    below = array <= np.quantile(array, prob, axis=(0, 1))
    return effective_sample_size(split_chains(below.astype(np.float64)))


def ess_tail(x: Any) -> np.ndarray:
    """Effective number of draws for the tails: the smaller of those for the 5% and the 95% quantile.

    Source: Vehtari et al. (2021), Bayesian Analysis 16(2), section 4.

    Example:
        >>> bool(ess_tail(np.random.default_rng(1).normal(size=(4, 1000))) > 2500)
        True
    """
    return np.minimum(ess_quantile(x, 0.05), ess_quantile(x, 0.95))


def ess_sd(x: Any) -> np.ndarray:
    """Effective number of draws for the standard deviation: that of the squared deviations from the mean."""
    array = as_chains(x, min_draws=8)
    return effective_sample_size(split_chains((array - array.mean(axis=(0, 1))) ** 2))


def mcse_mean(x: Any) -> np.ndarray:
    """Monte Carlo standard error of the posterior mean.

    Example:
        >>> bool(0.01 < mcse_mean(np.random.default_rng(1).normal(size=(4, 1000))) < 0.02)
        True
    """
    array = as_chains(x, min_draws=8)
    return array.std(axis=(0, 1), ddof=1) / np.sqrt(effective_sample_size(split_chains(array)))


def mcse_sd(x: Any) -> np.ndarray:
    """Monte Carlo standard error of the posterior standard deviation, from the variance of the squared deviations.

    Source: the delta method, var(s) = var(squared deviations) / (4 s^2 ESS).
    """
    array = as_chains(x, min_draws=8)
    squares = (array - array.mean(axis=(0, 1))) ** 2
    deviation = array.std(axis=(0, 1), ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return squares.std(axis=(0, 1), ddof=1) / (
            2 * deviation * np.sqrt(effective_sample_size(split_chains(squares)))
        )


def energy_fraction(energy: Any) -> np.ndarray:
    """Bayesian fraction of missing information of each chain: below 0.3, momenta move the energy too slowly.

    Args:
        energy: Hamiltonian at each draw, of shape (chains, draws).

    Source: Betancourt (2016), arXiv:1604.00695, equation 3.

    Example:
        >>> energy_fraction(np.array([[0.0, 1.0, 0.0, 1.0]])).round(2).tolist()
        [3.0]
    """
    array = as_chains(energy, min_draws=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.diff(array, axis=1) ** 2).sum(axis=1) / ((array - array.mean(axis=1, keepdims=True)) ** 2).sum(
            axis=1
        )
