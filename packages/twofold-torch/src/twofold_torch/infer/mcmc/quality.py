"""Plain words about draws that should not be trusted as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ... import diagnostics
from ...errors import InferenceWarning
from ...warning import warn
from ..potential import Potential
from .chains import Record

__all__ = ["warn_of_draws", "warn_of_model"]

_RHAT_LIMIT = 1.01
_FEWEST_DRAWS = 100
"""Of a chain: with fewer, R-hat says little."""
_SATURATED_SHARE = 0.05


def warn_of_draws(record: Record, max_tree_depth: int | None) -> None:
    """Warn of divergences, of trajectories cut off, and of chains that disagree.

    Args:
        record: draws of all chains, (chains, draws, ...).
        max_tree_depth: of NUTS; None for kernels that do not double.
    """
    for text in _findings(record, max_tree_depth):
        warn(text, InferenceWarning)


def _findings(record: Record, max_tree_depth: int | None) -> Iterator[str]:
    num_chains, length = record.position.shape[:2]
    draws = num_chains * length
    diverging = int(record.info.diverging.sum())
    if diverging:
        yield (
            f"{diverging} of {draws} draws diverged: the step size is too large for some part of the posterior, "
            "which may be missing from the draws. Try target_accept_prob=0.95, or reparameterise (a non-centred "
            "hierarchy)"
        )
    saturated = int((record.info.tree_depth >= max_tree_depth).sum()) if max_tree_depth else 0
    if saturated > _SATURATED_SHARE * draws:
        yield (
            f"{saturated} of {draws} trajectories reached max_tree_depth={max_tree_depth} before turning: draws are "
            "correct but dear. Try full_mass=True, standardised data, or a longer warm-up"
        )
    if length >= _FEWEST_DRAWS:
        worst = float(np.nanmax(diagnostics.rhat(record.position), initial=1.0))
        if worst > _RHAT_LIMIT:
            yield (
                f"the largest R-hat is {worst:.3f} (in unconstrained space), above {_RHAT_LIMIT}: the chains do not "
                "agree yet. Try more warm-up and more draws; look at the sites in print_summary()"
            )


def warn_of_model(potential: Potential) -> None:
    """Warn of parts of a model that make no sense under MCMC: params and mini-batches."""
    if potential.params:
        warn(
            f"params {', '.join(map(repr, potential.params))} stay at their present values under MCMC, which moves "
            "sample sites only. Make them sample statements, lift them (handlers.lift), or give them values "
            "(handlers.substitute)",
            InferenceWarning,
        )
    if potential.subsamples:
        warn(
            f"MCMC sees one fixed mini-batch of {', '.join(map(repr, potential.subsamples))}, scaled up, not the whole "
            "data. Leave subsample_size out; mini-batches are for SVI",
            InferenceWarning,
        )
