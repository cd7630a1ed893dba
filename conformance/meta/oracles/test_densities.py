"""The densities of the kit against formulas written out with the standard library alone."""

from __future__ import annotations

from math import exp, log, pi

import numpy as np
import pytest

from twofold_conformance.oracles import densities


@pytest.mark.parametrize(("value", "loc", "scale"), [(0.0, 0.0, 1.0), (1.5, -2.0, 0.5), (-3.0, 1.0, 4.0)])
def test_normal_density_is_its_formula(value: float, loc: float, scale: float) -> None:
    z = (value - loc) / scale
    assert densities.normal(value, loc, scale) == pytest.approx(-z * z / 2 - log(scale) - log(2 * pi) / 2)


def test_exponential_density_is_its_formula() -> None:
    assert densities.exponential([0.5, 2.0], 3.0) == pytest.approx([log(3.0) - 1.5, log(3.0) - 6.0])
    assert densities.exponential(-1.0, 3.0) == -np.inf


def test_bernoulli_density_is_its_formula() -> None:
    assert densities.bernoulli([1.0, 0.0], 0.3) == pytest.approx([log(0.3), log(0.7)])


def test_normal_mixture_sums_its_components() -> None:
    components = [0.7 * exp(densities.normal(0.4, -1.0)), 0.3 * exp(densities.normal(0.4, 2.0))]
    assert densities.normal_mixture(0.4, [0.7, 0.3], [-1.0, 2.0]) == pytest.approx(log(sum(components)))


def test_densities_are_elementwise() -> None:
    assert densities.normal(np.zeros((2, 3))).shape == (2, 3)
    assert densities.normal_mixture([0.0, 1.0], [0.5, 0.5], [0.0, 1.0]).shape == (2,)
