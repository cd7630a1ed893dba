"""Named single faults of the reference: the checks are good if they notice every one of them.

    from twofold_conformance.faults import FAULTS

    with FAULTS["plate_no_scale"].apply():
        ...  # the reference is broken in exactly this way

Each fault is a mistake that an implementation might plausibly make.  A clause lists in its ``faults`` those that it is
there to notice; ``twofold-conformance mutants`` plants them one by one.
"""

from __future__ import annotations

from twofold_conformance.faults import (
    compilation,
    factors,
    handlers,
    inference,
    modules,
    param_plates,
    params,
    plate_batches,
    plate_loops,
    plate_shapes,
    random_modules,
    replays,
    rewriting,
    scoring,
    seeds,
    statements,
    store,
    values,
)
from twofold_conformance.faults.planting import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]

_AREAS = (
    compilation,
    factors,
    handlers,
    inference,
    modules,
    param_plates,
    params,
    plate_batches,
    plate_loops,
    plate_shapes,
    random_modules,
    replays,
    rewriting,
    scoring,
    seeds,
    statements,
    store,
    values,
)
