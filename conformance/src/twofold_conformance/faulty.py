"""What ``mutants``, ``lint`` and ``explain`` need to know of the planted faults."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def faults() -> dict[str, Any]:
    """The faults of the reference by name."""
    from twofold_conformance.faults import FAULTS

    return dict(FAULTS)


def descriptions() -> dict[str, str]:
    """What each fault does, in words."""
    return {name: fault.description for name, fault in faults().items()}
