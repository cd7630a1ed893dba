"""Each domain holds its own point and refuses one outside."""

import numpy as np
import pytest

from twofold_conformance.oracles.domains import DOMAINS

OUTSIDE = {
    "positive": [0.5, 0.0],
    "unit_interval": [0.1, 1.1],
    "simplex": [0.2, 0.3, 0.6],
    "interval(-1, 2)": [-1.5, 0.0],
    "greater_than(3)": [3.0, 10.0],
    "lower_cholesky": [[1.0, 0.1], [0.5, 2.0]],
}


@pytest.mark.parametrize("name", DOMAINS)
def test_domain_tells_inside_from_outside(name: str) -> None:
    assert DOMAINS[name].holds(np.asarray(DOMAINS[name].inside))
    assert not DOMAINS[name].holds(np.asarray(OUTSIDE[name]))
