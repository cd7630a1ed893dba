"""Diagnostics against closed forms, ArviZ's published definitions written out by hand, and known processes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import norm, rankdata

from twofold_torch import diagnostics
from twofold_torch.errors import ShapeError, SupportError


def autoregression(rho: float, chains: int, draws: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(chains, draws))
    noise[:, 1:] *= np.sqrt(1 - rho**2)
    return lfilter([1.0], [1.0, -rho], noise, axis=1)


def test_autocovariance_is_the_direct_sum():
    x = np.random.default_rng(0).normal(size=(50, 3))
    centred = x - x.mean(axis=0)
    direct = np.stack([(centred[: 50 - lag] * centred[lag:]).sum(axis=0) / 50 for lag in range(50)])
    np.testing.assert_allclose(diagnostics.autocovariance(x), direct, atol=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, -0.4])
def test_effective_sample_size_of_an_autoregression(rho):
    # An AR(1) process has ESS n (1 - rho) / (1 + rho); With 4 x 200,000 draws the relative error
    # of the windowed sum is below sqrt(2 (2 * 100 + 1) / 800,000) = 2.2%: 10% is more than 4 sigma.
    x = autoregression(rho, 4, 200_000)
    expected = x.size * (1 - rho) / (1 + rho)
    assert diagnostics.effective_sample_size(x) == pytest.approx(expected, rel=0.1)


def test_gelman_rubin_by_hand():
    x = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]])
    # W = 1, B/n = var(2, 3) = 0.5: sqrt(2/3 + 0.5)
    assert diagnostics.gelman_rubin(x) == pytest.approx(np.sqrt(2 / 3 + 0.5))


def test_rhat_sees_a_shifted_chain_and_a_wider_chain():
    rng = np.random.default_rng(1)
    good = rng.normal(size=(4, 1000))
    shifted, wider = good.copy(), good.copy()
    shifted[0] += 1.0
    wider[0] *= 3.0
    assert diagnostics.rhat(good) < 1.01
    assert diagnostics.rhat(shifted) > 1.05
    assert diagnostics.rhat(wider) > 1.02
    assert diagnostics.split_gelman_rubin(wider) < 1.01  # the plain form is blind to scale


def test_rhat_is_that_of_normal_scores():
    x = np.random.default_rng(2).exponential(size=(2, 40)).round(1)  # rounded: ties
    halves = np.concatenate([x[:, :20], x[:, 20:]])

    def scores(array):
        return norm.ppf((rankdata(array).reshape(array.shape) - 0.375) / (array.size + 0.25))

    folded = np.abs(halves - np.median(halves))
    expected = max(diagnostics.gelman_rubin(scores(halves)), diagnostics.gelman_rubin(scores(folded)))
    assert diagnostics.rhat(x) == pytest.approx(expected)


def test_hpdi_is_the_narrowest_interval():
    draws = np.random.default_rng(3).exponential(size=20_000)
    lower, upper = diagnostics.hpdi(draws, 0.8)
    assert lower == pytest.approx(0.0, abs=0.01)
    assert upper == pytest.approx(-np.log(0.2), rel=0.05)
    with pytest.raises(SupportError, match="between 0 and 1"):
        diagnostics.hpdi(draws, 1.5)


def test_monte_carlo_errors_are_those_of_independent_draws():
    x = np.random.default_rng(4).normal(size=(4, 5000))
    assert diagnostics.mcse_mean(x) == pytest.approx(1 / np.sqrt(20_000), rel=0.1)
    assert diagnostics.mcse_sd(x) == pytest.approx(1 / np.sqrt(2 * 20_000), rel=0.1)


def test_energy_fraction_of_independent_energies_is_two():
    energy = np.random.default_rng(5).normal(size=(2, 20_000))
    np.testing.assert_allclose(diagnostics.energy_fraction(energy), 2.0, rtol=0.05)


def test_every_scalar_is_treated_alone():
    x = np.random.default_rng(6).normal(size=(4, 100, 2, 3))
    for function in (diagnostics.rhat, diagnostics.ess_bulk, diagnostics.ess_tail, diagnostics.mcse_mean):
        whole = function(x)
        assert whole.shape == (2, 3)
        assert whole[1, 2] == pytest.approx(float(function(x[:, :, 1, 2])))


def test_a_constant_site_has_no_effective_sample_size():
    assert np.isnan(diagnostics.effective_sample_size(np.ones((2, 10))))


def test_ungrouped_draws_are_refused():
    with pytest.raises(ShapeError, match="grouped by chain"):
        diagnostics.rhat(np.zeros(10))
    with pytest.raises(ShapeError, match="too few draws"):
        diagnostics.rhat(np.zeros((4, 3)))


def test_summary_prints_one_line_a_scalar(capsys):
    draws = {"a": np.random.default_rng(7).normal(size=(2, 50)), "b": np.zeros((2, 50, 2)) + np.arange(50.0)[:, None]}
    diagnostics.print_summary(draws)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["a", "b[0]", "b[1]"]
    assert lines[0].split() == ["mean", "std", "median", "5.0%", "95.0%", "ess_bulk", "ess_tail", "r_hat"]
