"""Every example runs, on small settings, and the demo notices a fit that disagrees with its reference."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import demo
import eight_schools_jax
import eight_schools_torch
import jax.numpy as jnp
import numpy as np
import pytest
import radon_jax
import radon_torch
import torch
from demo_parts import fit_jax, fit_torch
from demo_parts.compare import Row, compare_nuts, compare_svi, draws_of, reference
from demo_parts.picture import draw

import twofold_jax.infer
import twofold_torch.infer

HERE = Path(__file__).parent
PAIRS = {"eight_schools": (eight_schools_torch, eight_schools_jax), "radon_mn": (radon_torch, radon_jax)}
EXAMPLES = [
    pytest.param(name, example, parts, id=f"{name}-{flavour}")
    for name, pair in PAIRS.items()
    for flavour, example, parts in zip(("torch", "jax"), pair, (fit_torch, fit_jax), strict=True)
]
# The two packages have a class of this name each.
pytestmark = [
    pytest.mark.filterwarnings("ignore::twofold_torch.InferenceWarning"),
    pytest.mark.filterwarnings("ignore::twofold_jax.InferenceWarning"),
]


# -- the programs in one file


@pytest.mark.parametrize("name", ["mini_torch", "mini_jax"])
def test_one_file_system_finds_the_posterior_by_both_of_its_algorithms(name: str) -> None:
    found = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py")], capture_output=True, text=True, check=True, timeout=300
    )
    estimates = {
        method: (float(mean), float(sd))
        for method, mean, sd in re.findall(r"by (\w+): (-?[\d.]+) \+- ([\d.]+)", found.stdout)
    }
    assert estimates.keys() == {"SVI", "HMC"}
    for mean, sd in estimates.values():  # 4.4 +- 3.3 in the literature, whose prior of the spread is another one
        assert abs(mean - 4.4) < 1.5
        assert abs(sd - 3.3) < 1.0


# -- the models in pairs


@pytest.mark.parametrize("name", PAIRS)
def test_both_flavours_of_a_model_have_one_log_density(name: str) -> None:
    pair = PAIRS[name]
    ours = twofold_torch.infer.make_potential(pair[0].model, *pair[0].load())
    theirs = twofold_jax.infer.make_potential(pair[1].model, *pair[1].load())
    assert [(site.name, site.offset, site.size) for site in ours.sites] == [
        (site.name, site.offset, site.size) for site in theirs.sites
    ]
    position = np.random.default_rng(0).normal(scale=0.5, size=ours.size)
    expected = float(theirs.log_density(jnp.asarray(position)))
    np.testing.assert_allclose(float(ours.log_density(torch.as_tensor(position))), expected, rtol=1e-9)


@pytest.mark.parametrize(("name", "example", "parts"), EXAMPLES)
def test_nuts_comes_near_the_reference_in_a_short_run(name: str, example: ModuleType, parts: ModuleType) -> None:
    samples = parts.fit_nuts(example.model, example.load(), 60)
    for scalar, truth in reference(name).items():
        draws = draws_of(samples, scalar)
        assert draws.shape == (4, 60)
        # 240 draws worth at least 20: error rate 2e-11 each
        assert abs(draws.mean() - truth["mean"]) < 1.5 * truth["sd"]


@pytest.mark.parametrize(("name", "example", "parts"), EXAMPLES)
def test_svi_gives_draws_of_every_scalar_of_the_reference(name: str, example: ModuleType, parts: ModuleType) -> None:
    samples = parts.fit_svi(example.model, example.load(), 20, 30)
    for scalar in reference(name):
        draws = draws_of(samples, scalar)
        assert draws.shape == (1, 30)
        assert np.isfinite(draws).all()


@pytest.mark.parametrize(("name", "example", "parts"), EXAMPLES)
def test_an_example_loads_the_whole_data(name: str, example: ModuleType, parts: ModuleType) -> None:
    data = example.load()
    assert len(data[-1]) == {"eight_schools": 8, "radon_mn": 919}[name]


# -- the comparison with the reference, on draws whose law is known

TABLE = {
    "mu": {"mean": 4.0, "sd": 3.0, "mcse_mean": 0.03, "q05": -1.0, "q95": 9.0},
    "theta[2]": {"mean": -1.0, "sd": 0.5, "mcse_mean": 0.005, "q05": -1.8, "q95": -0.2},
}


def synthetic(shift: float = 0.0, chain_shift: float = 0.0, draws: int = 1000) -> dict[str, np.ndarray]:
    """Independent draws of the reference's law, moved by ``shift`` sd, each chain further by ``chain_shift`` sd."""
    rng = np.random.default_rng(7)
    moves = shift + chain_shift * np.arange(4)[:, None]
    mu = 4.0 + 3.0 * (rng.normal(size=(4, draws)) + moves)
    theta = np.stack([rng.normal(size=(4, draws)), -1.0 + 0.5 * (rng.normal(size=(4, draws)) + moves)], axis=-1)
    return {"mu": mu, "theta": theta}


def problems(rows: Mapping[str, Row]) -> dict[str, str]:
    return {scalar: row.problem for scalar, row in rows.items() if row.problem}


@pytest.mark.parametrize("compare", [compare_nuts, compare_svi])
def test_draws_of_the_right_law_agree(compare: Any) -> None:
    rows = compare(synthetic(), TABLE)
    assert problems(rows) == {}
    assert rows.keys() == TABLE.keys()
    row = rows["theta[2]"]
    assert abs(row.mean + 1.0) < 0.05
    assert abs(row.sd - 0.5) < 0.05
    assert row.interval[0] < row.mean < row.interval[1]


def test_a_biased_nuts_fit_disagrees() -> None:
    found = problems(compare_nuts(synthetic(shift=0.2), TABLE))
    assert found.keys() == TABLE.keys()
    assert all("mean differs by +0." in problem for problem in found.values())


def test_a_nuts_fit_that_has_not_mixed_disagrees_though_its_mean_is_right() -> None:
    found = problems(compare_nuts(synthetic(shift=-0.75, chain_shift=0.5), TABLE))
    assert found.keys() == TABLE.keys()
    assert all("not mixed" in problem for problem in found.values())


def test_a_nuts_fit_with_too_few_draws_disagrees() -> None:
    assert all("ESS" in problem for problem in problems(compare_nuts(synthetic(draws=50), TABLE)).values())
    assert problems(compare_nuts(synthetic(draws=50), TABLE))


def test_an_approximation_may_be_biased_by_half_an_sd_and_no_more() -> None:
    assert problems(compare_svi(synthetic(shift=0.3), TABLE)) == {}
    assert problems(compare_svi(synthetic(shift=0.7), TABLE)).keys() == TABLE.keys()


# -- the demo as a whole, on given draws


def fits(bias: float) -> dict[str, dict[str, Row]]:
    """Rows of eight schools as a perfect sampler would have them, all in one place away from the truth."""
    table = reference("eight_schools")
    row = {
        scalar: Row(
            mean=truth["mean"] + bias * truth["sd"],
            sd=truth["sd"],
            interval=(truth["q05"], truth["q95"]),
            rhat=1.0,
            ess=4000.0,
            difference=bias,
            problem=f"mean differs by {bias:+.2f} sd" if bias else "",
        )
        for scalar, truth in table.items()
    }
    return dict.fromkeys(["NUTS torch", "SVI torch", "NUTS JAX", "SVI JAX"], row)


@pytest.mark.parametrize(("bias", "status"), [(0.0, 0), (1.0, 1)])
def test_the_demo_fails_exactly_if_a_fit_disagrees(
    bias: float, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "MODELS", {"eight_schools": demo.MODELS["eight_schools"]})
    monkeypatch.setattr(demo, "fit", lambda name, draws: fits(bias))
    monkeypatch.setattr(demo, "draw", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--picture", str(tmp_path / "demo.png")])
    assert demo.main() == status
    printed = capsys.readouterr().out
    assert ("DISAGREES" in printed) == bool(status)
    assert all(scalar in printed for scalar in demo.SHOWN["eight_schools"])


def test_the_picture_shows_every_fit(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "demo.png"
    both = {name: {"eight_schools": fits(0.0), "radon_mn": {}}[name] for name in PAIRS}
    draw(both, {"eight_schools": ["mu", "tau"], "radon_mn": ["mu_alpha"]}, path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert os.path.getsize(path) > 10_000
