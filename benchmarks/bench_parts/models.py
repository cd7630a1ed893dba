"""The models, written once for every language: what differs is where ``sample``, ``plate`` and the laws come from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

__all__ = ["NUM_SITES", "Language", "eight_schools", "load", "radon", "small_models"]

NUM_SITES = 100
DATA = Path(__file__).resolve().parents[2] / "examples" / "data"
Model = Callable[..., Any]


class Language(NamedTuple):
    """One implementation."""

    primitives: Any
    """Has ``sample``, ``plate``, ``deterministic``."""
    laws: ModuleType


def small_models(language: Language, zero: Any) -> dict[str, Model]:
    """Models of 100 sites, by name.

    Args:
        language: whose statements and laws.
        zero: a scalar array of the framework.
    """
    primitives, laws = language
    return {
        "numbers": lambda: _independent(primitives.sample, laws),
        "arrays": lambda: _arrays(primitives.sample, laws, zero, zero + 1),
        "chain": lambda: _chain(primitives.sample, laws, zero),
        "plates": lambda: _plates(primitives, laws),
        "other laws": lambda: _other_laws(primitives.sample, laws),
    }


def _independent(sample: Any, laws: Any) -> None:
    """Scalar normal sites, the arguments numbers."""
    for i in range(NUM_SITES):
        sample(f"x{i}", laws.Normal(0.0, 1.0))


def _arrays(sample: Any, laws: Any, zero: Any, one: Any) -> None:
    """Scalar normal sites, the arguments scalar arrays."""
    for i in range(NUM_SITES):
        sample(f"x{i}", laws.Normal(zero, one))


def _chain(sample: Any, laws: Any, zero: Any) -> None:
    """Scalar normal sites, the mean of each the value of the one before."""
    x = zero
    for i in range(NUM_SITES):
        x = sample(f"x{i}", laws.Normal(x, 1.0))


def _plates(primitives: Any, laws: Any) -> None:
    """Ten plates of ten sites."""
    for i in range(10):
        with primitives.plate(f"plate{i}", 10):
            for j in range(10):
                primitives.sample(f"x{i}_{j}", laws.Normal(0.0, 1.0))


def _other_laws(sample: Any, laws: Any) -> None:
    """Twenty scalar sites each of five laws, the arguments numbers."""
    for i in range(NUM_SITES // 5):
        sample(f"a{i}", laws.HalfNormal(1.0))
        sample(f"b{i}", laws.Gamma(2.0, 1.0))
        sample(f"c{i}", laws.Beta(2.0, 3.0))
        sample(f"d{i}", laws.Exponential(1.0))
        sample(f"e{i}", laws.StudentT(4.0, 0.0, 1.0))


def eight_schools(language: Language) -> Model:
    """The hierarchical model of eight schools, not centred, as a function of standard errors and effects."""
    primitives, laws = language

    def model(sigma: Any, y: Any) -> None:
        mu = primitives.sample("mu", laws.Normal(0.0, 5.0))
        tau = primitives.sample("tau", laws.HalfCauchy(5.0))
        with primitives.plate("school", len(sigma)):
            standardised = primitives.sample("theta_trans", laws.Normal(0.0, 1.0))
            primitives.sample("y", laws.Normal(mu + tau * standardised, sigma), obs=y)

    return model


def radon(language: Language) -> Model:
    """Radon in Minnesota: an intercept for each of 85 counties, 919 houses."""
    primitives, laws = language

    def model(num_counties: int, county: Any, log_uranium: Any, floor: Any, log_radon: Any) -> None:
        mu_alpha = primitives.sample("mu_alpha", laws.Normal(0.0, 10.0))
        sigma_alpha = primitives.sample("sigma_alpha", laws.HalfNormal(1.0))
        sigma_y = primitives.sample("sigma_y", laws.HalfNormal(1.0))
        beta = primitives.sample("beta", laws.Normal(0.0, 10.0).expand([2]).to_event(1))
        with primitives.plate("county", num_counties):
            standardised = primitives.sample("alpha_trans", laws.Normal(0.0, 1.0))
        alpha = mu_alpha + sigma_alpha * standardised
        with primitives.plate("house", len(county)):
            mean = alpha[county] + log_uranium * beta[0] + floor * beta[1]
            primitives.sample("log_radon", laws.Normal(mean, sigma_y), obs=log_radon)

    return model


def load(name: str, as_array: Callable[[Any], Any]) -> tuple[Any, ...]:
    """The arguments of `eight_schools` or `radon`, made into arrays of the framework by ``as_array``."""
    file = {"eight_schools": "eight_schools", "radon": "radon_mn"}[name]
    table = json.loads((DATA / f"{file}.data.json").read_text())
    if name == "eight_schools":
        return tuple(as_array([float(x) for x in table[key]]) for key in ("sigma", "y"))
    county = as_array([index - 1 for index in table["county_idx"]])
    columns = (as_array([float(x) for x in table[key]]) for key in ("log_uppm", "floor_measure", "log_radon"))
    return (table["J"], county, *columns)
