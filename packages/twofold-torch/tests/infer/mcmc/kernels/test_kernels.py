"""HMC and NUTS leave their density invariant, and say what they cannot do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from twofold_torch.errors import HandlerError
from twofold_torch.infer import HMC, MCMC, NUTS

pytestmark = pytest.mark.filterwarnings("ignore::twofold_torch.errors.InferenceWarning")  # the runs are short

COVARIANCE = torch.tensor([[1.0, 1.2], [1.2, 4.0]])
PRECISION = torch.linalg.inv(COVARIANCE)
MEAN = torch.tensor([3.0, -1.0])


def energy(z: dict[str, Tensor]) -> Tensor:
    difference = z["x"] - MEAN
    return 0.5 * difference @ PRECISION @ difference


def draws(kernel: Any, count: int = 1500, chains: int = 4) -> Tensor:
    start = {"x": torch.zeros(chains, 2)}
    mcmc = MCMC(kernel, count, 500, initial_params=start, num_chains=chains, progress_bar=False)
    mcmc.run()
    return mcmc.get_samples(group_by_chain=True)["x"]


@pytest.mark.parametrize(
    "kernel",
    [
        NUTS(potential_fn=energy),
        NUTS(potential_fn=energy, full_mass=True),
        HMC(potential_fn=energy, trajectory_length=2.0),
        HMC(potential_fn=energy, num_steps=5, dense_mass=True),
    ],
    ids=["NUTS", "NUTS dense", "HMC by length", "HMC by steps"],
)
def test_draws_have_the_moments_of_a_correlated_normal_law(kernel: Any) -> None:
    """Each moment within five standard errors, taken from the effective sample size: one false alarm in 10**5."""
    from twofold_torch.diagnostics import mcse_mean, rhat

    x = draws(kernel)
    assert float(torch.as_tensor(rhat(x)).max()) < 1.02
    error = torch.as_tensor(mcse_mean(x))
    assert bool(((x.mean((0, 1)) - MEAN).abs() < 5 * error).all())
    deviation = x - MEAN
    for i, j in ((0, 0), (0, 1), (1, 1)):
        products = deviation[..., i] * deviation[..., j]
        assert float((products.mean() - COVARIANCE[i, j]).abs()) < 5 * float(mcse_mean(products))


def test_nuts_draws_from_a_skewed_law_have_its_quantiles() -> None:
    """Exponential law in log space; quantiles within five standard errors of their frequencies."""

    def log_exponential(z: dict[str, Tensor]) -> Tensor:
        return (z["u"].exp() - z["u"]).sum()

    mcmc = MCMC(
        NUTS(potential_fn=log_exponential),
        2500,
        500,
        initial_params={"u": torch.zeros(4, 1)},
        num_chains=4,
        progress_bar=False,
    )
    mcmc.run()
    from twofold_torch.diagnostics import mcse_mean

    x = mcmc.get_samples(group_by_chain=True)["u"][..., 0].exp()
    for probability in (0.1, 0.5, 0.9):
        below = (x <= -math.log1p(-probability)).float()
        assert abs(float(below.mean()) - probability) < 5 * float(mcse_mean(below))


def test_badly_scaled_law_is_tamed_by_the_adapted_mass() -> None:
    scales = torch.tensor([0.1, 1.0, 10.0])

    def badly(z: dict[str, Tensor]) -> Tensor:
        return 0.5 * ((z["x"] / scales) ** 2).sum()

    mcmc = MCMC(NUTS(potential_fn=badly), 500, 500, initial_params={"x": scales.clone()}, progress_bar=False)
    mcmc.run()
    sd = mcmc.get_samples()["x"].std(0)
    assert bool(((sd / scales - 1).abs() < 0.25).all())
    assert float(mcmc.get_extra_fields()["num_steps"].float().mean()) < 16


def test_a_higher_target_gives_more_acceptance() -> None:
    found = []
    for target in (0.5, 0.8, 0.98):
        kernel = NUTS(potential_fn=energy, target_accept_prob=target)
        mcmc = MCMC(kernel, 300, 300, initial_params={"x": torch.zeros(4, 2)}, num_chains=4, progress_bar=False)
        mcmc.run()
        found.append(float(mcmc.get_extra_fields()["accept_prob"].mean()))
    assert found == sorted(found)
    assert 0.75 < found[1] < 0.95
    assert found[2] > 0.95


def test_hmc_takes_the_steps_it_is_told_to() -> None:
    mcmc = MCMC(HMC(potential_fn=energy, num_steps=7), 20, 20, initial_params={"x": torch.zeros(2)}, progress_bar=False)
    mcmc.run()
    assert bool((mcmc.get_extra_fields()["num_steps"] == 7).all())


def test_hmc_of_a_given_length_takes_more_steps_where_they_are_shorter() -> None:
    kernel = HMC(potential_fn=energy, trajectory_length=1.0, step_size=0.1, adapt_step_size=False)
    mcmc = MCMC(kernel, 5, 5, initial_params={"x": torch.zeros(2)}, progress_bar=False)
    mcmc.run()
    assert bool((mcmc.get_extra_fields()["num_steps"] == 10).all())


def test_given_step_size_and_mass_are_kept_without_adaptation() -> None:
    kernel = NUTS(
        potential_fn=energy,
        step_size=0.3,
        adapt_step_size=False,
        adapt_mass_matrix=False,
        inverse_mass_matrix=torch.tensor([0.5, 2.0]),
    )
    mcmc = MCMC(kernel, 5, 5, initial_params={"x": torch.zeros(2)}, progress_bar=False)
    mcmc.run()
    tuning = mcmc.last_state[0].adaptation.tuning
    assert float(tuning.step_size) == pytest.approx(0.3)
    torch.testing.assert_close(tuning.metric.inverse_mass[0], torch.tensor([0.5, 2.0]))
    assert bool((mcmc.get_extra_fields()["adapt_state.step_size"] == tuning.step_size).all())


def test_heuristic_step_size_begins_near_the_scale() -> None:
    kernel = NUTS(potential_fn=energy, step_size=1e-4, find_heuristic_step_size=True, adapt_step_size=False)
    mcmc = MCMC(kernel, 5, 0, initial_params={"x": torch.zeros(2)}, progress_bar=False)
    mcmc.run()
    assert float(mcmc.get_extra_fields()["adapt_state.step_size"][0]) > 0.05


def test_max_tree_depth_may_differ_between_warm_up_and_sampling() -> None:
    kernel = NUTS(potential_fn=energy, max_tree_depth=(2, 3), step_size=1e-3, adapt_step_size=False)
    mcmc = MCMC(kernel, 5, 5, initial_params={"x": torch.zeros(2)}, progress_bar=False)
    with pytest.warns(match="max_tree_depth=3"):
        mcmc.run()
    assert bool((mcmc.get_extra_fields()["tree_depth"] == 3).all())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs a model or a potential_fn"),
        ({"model": energy, "potential_fn": energy}, "not both"),
        ({"model": 3}, "must be a function"),
        ({"potential_fn": energy, "target_accept_prob": 1.0}, "target_accept_prob"),
        ({"potential_fn": energy, "step_size": 0.0}, "step_size"),
        ({"potential_fn": energy, "max_tree_depth": 0}, "max_tree_depth"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(HandlerError, match=words):
        NUTS(**settings)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_mass_matrix_of_another_size_is_refused(shape: tuple[int, ...]) -> None:
    kernel = NUTS(potential_fn=energy, inverse_mass_matrix=torch.ones(shape))
    with pytest.raises(HandlerError, match="inverse_mass_matrix"):
        MCMC(kernel, 5, 5, initial_params={"x": torch.zeros(2)}, progress_bar=False).run()


def test_both_words_for_a_dense_mass_matrix_mean_the_same() -> None:
    for kernel in (NUTS(potential_fn=energy, full_mass=True), NUTS(potential_fn=energy, dense_mass=True)):
        assert kernel.full_mass
        assert kernel.dense_mass
