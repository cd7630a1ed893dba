"""Pure functions of draws: R-hat, effective sample sizes, intervals, summaries."""

from twofold_torch.diagnostics.ess import (
    autocorrelation,
    autocovariance,
    effective_sample_size,
    energy_fraction,
    ess_bulk,
    ess_quantile,
    ess_sd,
    ess_tail,
    mcse_mean,
    mcse_sd,
)
from twofold_torch.diagnostics.rhat import gelman_rubin, rhat, split_gelman_rubin
from twofold_torch.diagnostics.summary import hpdi, print_summary, summary

__all__ = [
    "autocorrelation",
    "autocovariance",
    "effective_sample_size",
    "energy_fraction",
    "ess_bulk",
    "ess_quantile",
    "ess_sd",
    "ess_tail",
    "gelman_rubin",
    "hpdi",
    "mcse_mean",
    "mcse_sd",
    "print_summary",
    "rhat",
    "split_gelman_rubin",
    "summary",
]
