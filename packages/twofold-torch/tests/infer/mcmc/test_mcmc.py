"""Chains: reproducible, independent, resumable; draws in support and shape; plain words about what is wrong."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.distributions import constraints
from twofold_torch.errors import (
    HandlerError,
    InferenceError,
    InferenceWarning,
    NonFiniteError,
    ShapeError,
    UnknownSiteError,
)
from twofold_torch.infer import (
    MCMC,
    NUTS,
    init_to_feasible,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_value,
)
from twofold_torch.infer.reparam import LocScaleReparam

pytestmark = pytest.mark.filterwarnings("ignore::twofold_torch.errors.InferenceWarning")  # the runs are short
Y = tensor([1.0, 2.0, 0.5])


def model(y: Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    tau = tf.sample("tau", dist.HalfNormal(1.0))
    with tf.plate("rows", len(y)):
        theta = tf.sample("theta", dist.Normal(mu, tau))
        tf.deterministic("twice", 2 * theta)
        tf.sample("y", dist.Normal(theta, 1.0), obs=y)


def run(model: Any = model, *args: Any, seed: int = 0, draws: int = 20, **settings: Any) -> MCMC:
    tf.set_rng_seed(seed)
    kernel = settings.pop("kernel", None) or NUTS(model)
    settings.setdefault("warmup_steps", draws)
    mcmc = MCMC(kernel, draws, progress_bar=False, **settings)
    mcmc.run(*(args or (Y,)) if model is globals()["model"] else args)
    return mcmc


# -- results


def test_draws_have_the_shapes_of_the_sites_and_deterministics_are_among_them() -> None:
    mcmc = run(num_chains=2)
    grouped, flat = mcmc.get_samples(group_by_chain=True), mcmc.get_samples()
    assert {k: tuple(v.shape) for k, v in grouped.items()} == {
        "mu": (2, 20),
        "tau": (2, 20),
        "theta": (2, 20, 3),
        "twice": (2, 20, 3),
    }
    assert flat["theta"].shape == (40, 3)
    torch.testing.assert_close(flat["twice"], 2 * flat["theta"])
    assert bool((flat["tau"] > 0).all())


def test_number_of_samples_may_be_asked_for() -> None:
    mcmc = run(num_chains=2)
    assert mcmc.get_samples(7)["theta"].shape == (7, 3)
    assert mcmc.get_samples(7, group_by_chain=True)["theta"].shape == (2, 7, 3)


def test_statistics_of_each_draw_are_kept() -> None:
    fields = run(num_chains=2).get_extra_fields(group_by_chain=True)
    info = {"accept_prob", "num_steps", "diverging", "tree_depth", "energy"}
    assert set(fields) == info | {"potential_energy", "adapt_state.step_size"}
    assert all(value.shape == (2, 20) for value in fields.values())
    assert fields["diverging"].dtype is torch.bool
    assert bool(((fields["accept_prob"] >= 0) & (fields["accept_prob"] <= 1)).all())
    assert bool((fields["energy"] >= fields["potential_energy"]).all())


def test_thinning_keeps_every_nth_draw() -> None:
    full, thin = run(), run(thinning=4)
    torch.testing.assert_close(thin.get_samples()["theta"], full.get_samples()["theta"][::4])
    assert thin.get_extra_fields()["energy"].shape == (5,)


def test_save_params_chooses_the_sites_that_are_kept() -> None:
    assert set(run(save_params=["tau", "twice"]).get_samples()) == {"tau", "twice"}


def test_save_params_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownSiteError, match="'tua'"):
        run(save_params=["tua"])


def test_summary_and_diagnostics_name_the_sites() -> None:
    mcmc = run(num_chains=2)
    assert set(mcmc.summary()) == {"mu", "tau", "theta"}
    assert "twice" in mcmc.summary(exclude_deterministic=False)
    table = mcmc.diagnostics()
    assert {"mu", "tau", "theta", "twice", "divergences", "acceptance rate"} == set(table)
    assert set(table["divergences"]) == {"chain 0", "chain 1"}


def test_print_summary_ends_with_the_divergences(capsys: pytest.CaptureFixture[str]) -> None:
    run().print_summary()
    assert "Number of divergences:" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["get_samples", "get_extra_fields", "diagnostics", "summary", "print_summary"])
def test_reading_before_running_is_refused(method: str) -> None:
    with pytest.raises(InferenceError, match="no draws yet"):
        getattr(MCMC(NUTS(model), 10), method)()


# -- random numbers


def test_same_seed_same_draws_bit_for_bit() -> None:
    first, second = (run(num_chains=2).get_samples() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_chains_and_neighbouring_seeds_share_no_stream() -> None:
    def unit() -> None:
        tf.sample("x", dist.Normal(0.0, 1.0))

    draws = [run(unit, seed=seed, num_chains=2).get_samples(group_by_chain=True)["x"] for seed in (0, 1)]
    rows = torch.cat(draws)
    assert len(rows[:, 0].unique()) == 4
    for i in range(4):
        for j in range(i):
            assert len(np.intersect1d(rows[i].numpy(), rows[j].numpy())) == 0


def test_a_chain_does_not_depend_on_how_many_there_are() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        two, three = (run(model, Y.double(), num_chains=n).get_samples(group_by_chain=True)["mu"] for n in (2, 3))
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(two, three[:2])


def test_sequential_chains_are_the_vectorised_ones() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        together, apart = (
            run(model, Y.double(), num_chains=3, chain_method=method).get_samples(group_by_chain=True)["theta"]
            for method in ("vectorized", "sequential")
        )
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(together, apart)


def test_a_run_leaves_the_handlers_and_the_generator_usable() -> None:
    tf.set_rng_seed(0)
    before = torch.get_rng_state()
    run(seed=0)
    assert not torch.equal(before, torch.get_rng_state())  # so that a second run differs from the first


# -- going on


def test_run_after_warmup_does_not_warm_up_again() -> None:
    tf.set_rng_seed(0)
    mcmc = MCMC(NUTS(model), 10, 50, progress_bar=False)
    mcmc.warmup(Y)
    tuned = mcmc.last_state[0].adaptation.tuning
    mcmc.run(Y)
    assert torch.equal(mcmc.last_state[0].adaptation.tuning.step_size, tuned.step_size)
    assert mcmc.get_samples()["mu"].shape == (10,)


def test_warmup_and_run_are_the_run_in_one_go() -> None:
    whole = run(draws=20)
    tf.set_rng_seed(0)
    split = MCMC(NUTS(model), 20, 20, progress_bar=False)
    split.warmup(Y)
    split.run(Y)
    torch.testing.assert_close(split.get_samples()["theta"], whole.get_samples()["theta"])


def test_last_state_continues_a_chain() -> None:
    whole = run(draws=30, warmup_steps=20)
    tf.set_rng_seed(0)
    first = MCMC(NUTS(model), 10, 20, progress_bar=False)
    first.run(Y)
    second = MCMC(NUTS(model), 20, 20, progress_bar=False)
    second.post_warmup_state = first.last_state
    second.run(Y)
    joined = torch.cat([first.get_samples()["mu"], second.get_samples()["mu"]])
    torch.testing.assert_close(joined, whole.get_samples()["mu"])


def test_state_of_another_model_is_refused() -> None:
    first = run()

    def other() -> None:
        tf.sample("x", dist.Normal(0.0, 1.0))

    mcmc = MCMC(NUTS(other), 5, 5, progress_bar=False)
    mcmc.post_warmup_state = first.last_state
    with pytest.raises(InferenceError, match="post_warmup_state"):
        mcmc.run()


def test_interrupt_keeps_what_was_drawn() -> None:
    def interrupt(kernel: Any, samples: Any, stage: str, i: int) -> None:
        if stage == "Sample" and i == 7:
            raise KeyboardInterrupt

    tf.set_rng_seed(0)
    mcmc = MCMC(NUTS(model), 20, 10, progress_bar=False, hook_fn=interrupt, num_chains=2)
    with pytest.warns(InferenceWarning, match="interrupted: 7 of 20"):
        mcmc.run(Y)
    assert mcmc.get_samples(group_by_chain=True)["mu"].shape == (2, 7)


def test_interrupt_while_warming_up_is_passed_on() -> None:
    def interrupt(kernel: Any, samples: Any, stage: str, i: int) -> None:
        raise KeyboardInterrupt

    mcmc = MCMC(NUTS(model), 20, 10, progress_bar=False, hook_fn=interrupt)
    with pytest.raises(KeyboardInterrupt):
        mcmc.run(Y)


def test_hook_sees_every_iteration_with_its_stage() -> None:
    seen = []

    def hook(kernel: Any, samples: dict[str, Tensor], stage: str, i: int) -> None:
        seen.append((stage, i))
        assert samples["theta"].shape == (2, 1, 3)

    run(hook_fn=hook, draws=3, warmup_steps=2, num_chains=2)
    assert seen == [("Warmup", 0), ("Warmup", 1), ("Sample", 0), ("Sample", 1), ("Sample", 2)]


# -- starts


@pytest.mark.parametrize("strategy", [init_to_feasible, init_to_mean, init_to_median(num_samples=3), init_to_sample])
def test_every_strategy_starts_a_run(strategy: Any) -> None:
    assert run(kernel=NUTS(model, init_strategy=strategy), draws=5).get_samples()["mu"].isfinite().all()


def test_strategy_decides_where_the_chain_starts() -> None:
    kernel = NUTS(
        model, init_strategy=init_to_value(values={"mu": 5.0, "tau": 2.0}), step_size=1e-6, adapt_step_size=False
    )
    samples = run(kernel=kernel, draws=1, warmup_steps=0).get_samples()
    assert float(samples["mu"]) == pytest.approx(5.0, abs=1e-3)
    assert float(samples["tau"]) == pytest.approx(2.0, abs=1e-3)


def test_initial_params_are_unconstrained_and_may_differ_between_chains() -> None:
    start = {"mu": tensor([1.0, -1.0]), "tau": tensor(0.0), "theta": torch.zeros(2, 3)}
    kernel = NUTS(model, step_size=1e-6, adapt_step_size=False)
    samples = run(kernel=kernel, draws=1, warmup_steps=0, num_chains=2, initial_params=start).get_samples(
        group_by_chain=True
    )
    torch.testing.assert_close(samples["mu"][:, 0], tensor([1.0, -1.0]), atol=1e-3, rtol=0.0)
    torch.testing.assert_close(samples["tau"][:, 0], tensor([1.0, 1.0]), atol=1e-3, rtol=0.0)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ({"mu": 0.0}, UnknownSiteError),
        ({"mu": 0.0, "tau": 0.0, "theta": torch.zeros(3), "extra": 0.0}, UnknownSiteError),
        ({"mu": 0.0, "tau": 0.0, "theta": torch.zeros(4)}, ShapeError),
    ],
)
def test_initial_params_that_do_not_fit_are_refused(start: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        run(initial_params=start)


def test_no_finite_start_names_the_site_and_the_value() -> None:
    def impossible() -> None:
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.factor("wall", torch.where(x.abs() < 1e6, tensor(-torch.inf), x))

    with pytest.raises(NonFiniteError, match="site 'wall' is -inf"):
        run(impossible)


def test_nan_in_the_data_is_named() -> None:
    with pytest.raises(ValueError, match="'y'"):
        run(model, tensor([1.0, torch.nan, 0.0]))


def test_potential_fn_without_a_start_is_refused() -> None:
    with pytest.raises(InferenceError, match="where to start"):
        MCMC(NUTS(potential_fn=lambda z: z.sum()), 5, progress_bar=False).run()


def test_potential_fn_of_one_tensor_and_transforms() -> None:
    def energy(z: dict[str, Tensor]) -> Tensor:
        return 0.5 * (z["u"] ** 2).sum()

    transforms = {"u": dist.biject_to(constraints.positive).inv}
    mcmc = MCMC(
        NUTS(potential_fn=energy), 20, initial_params={"u": torch.zeros(2)}, transforms=transforms, progress_bar=False
    )
    mcmc.run()
    assert bool((mcmc.get_samples()["u"] > 0).all())
    plain = MCMC(NUTS(potential_fn=lambda z: 0.5 * (z**2).sum()), 5, initial_params=torch.zeros(2), progress_bar=False)
    plain.run()
    assert plain.get_samples()["x"].shape == (5, 2)


# -- kinds of models


def test_a_model_that_branches_on_values_runs_without_a_graph() -> None:
    def branching(y: Tensor) -> None:
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        scale = 1.0 if x > 0 else 2.0
        tf.sample("y", dist.Normal(x, scale), obs=y)

    assert run(branching, tensor(0.5), draws=10, num_chains=2).get_samples()["x"].shape == (20,)


def every_support() -> None:
    x = tf.sample("x", dist.Gamma(5.0, 1.0))
    tf.sample("below", dist.Uniform(0.0, x))
    tf.sample("weights", dist.Dirichlet(torch.ones(3)))
    tf.sample("factor", dist.LKJCholesky(3, 1.0))
    tf.sample("flat", dist.ImproperUniform(constraints.interval(0.0, 1.0), (), ()))
    tf.factor("pull", -x)


def test_draws_of_every_support_lie_in_it() -> None:
    draws = run(every_support, draws=50).get_samples()
    assert bool(((draws["below"] > 0) & (draws["below"] < draws["x"])).all())
    torch.testing.assert_close(draws["weights"].sum(-1), torch.ones(50))
    torch.testing.assert_close(draws["factor"].square().sum(-1), torch.ones(50, 3))
    assert bool(((draws["flat"] > 0) & (draws["flat"] < 1)).all())


def test_nested_uniform_has_the_marginal_of_its_prior() -> None:
    """E[u] = E[x] / 2 = 1 for x of Gamma(4, 2); within five Monte Carlo errors."""
    from twofold_torch.diagnostics import mcse_mean

    def nested() -> None:
        x = tf.sample("x", dist.Gamma(4.0, 2.0))
        tf.sample("u", dist.Uniform(0.0, x))

    u = run(nested, draws=600, warmup_steps=300, num_chains=4).get_samples(group_by_chain=True)["u"]
    assert abs(float(u.mean()) - 1.0) < 5 * float(mcse_mean(u))


def test_reparameterised_site_is_among_the_draws() -> None:
    samples = run(handlers.reparam(model, config={"theta": LocScaleReparam(0.0)}), Y, draws=10).get_samples()
    torch.testing.assert_close(
        samples["theta"], samples["mu"][:, None] + samples["tau"][:, None] * samples["theta_decentered"]
    )


def test_params_and_mini_batches_are_warned_of() -> None:
    def odd() -> None:
        loc = tf.param("loc", 1.0)
        x = tf.sample("x", dist.Normal(loc, 1.0))
        with tf.plate("rows", 10, subsample_size=2):
            tf.sample("y", dist.Normal(x, 1.0), obs=torch.zeros(2))

    with pytest.warns(InferenceWarning) as caught:
        run(odd, draws=3)
    text = " ".join(str(w.message) for w in caught)
    assert "'loc'" in text
    assert "mini-batch of 'rows'" in text


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda: tf.sample("z", dist.Poisson(1.0)), "'z' is discrete"),
        (lambda: tf.sample("y", dist.Normal(0.0, 1.0), obs=tensor(0.0)), "no continuous latent"),
    ],
)
def test_models_that_cannot_be_sampled_say_why(bad: Any, words: str) -> None:
    with pytest.raises(InferenceError, match=words):
        run(bad)


def test_column_of_observations_is_a_shape_error() -> None:
    with pytest.raises(ShapeError, match="'y'"):
        run(model, Y.unsqueeze(-1))


def test_float64_is_kept_from_start_to_end() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        mcmc = run(model, Y.double(), draws=5)
        assert mcmc.get_samples()["theta"].dtype is torch.float64
        assert mcmc.get_extra_fields()["energy"].dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


# -- settings and warnings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_samples": 0}, "num_samples"),
        ({"num_samples": 5, "num_chains": 0}, "num_chains"),
        ({"num_samples": 5, "warmup_steps": -1}, "warmup_steps"),
        ({"num_samples": 5, "thinning": 0}, "thinning"),
        ({"num_samples": 2.5}, "num_samples"),
        ({"num_samples": 5, "chain_method": "parallel"}, "chain_method"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(HandlerError, match=words):
        MCMC(NUTS(model), **settings)


def test_both_lineages_spell_the_warm_up() -> None:
    assert MCMC(NUTS(model), 5, 7).num_warmup == MCMC(NUTS(model), num_samples=5, num_warmup=7).num_warmup == 7


@pytest.fixture
def loud() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def test_divergences_are_counted_in_a_warning(loud: list[warnings.WarningMessage]) -> None:
    def funnel() -> None:
        v = tf.sample("v", dist.Normal(0.0, 3.0))
        tf.sample("x", dist.Normal(torch.zeros(9), (v / 2).exp()).to_event(1))

    mcmc = run(funnel, draws=150, num_chains=2)
    assert int(mcmc.get_extra_fields()["diverging"].sum()) > 0
    assert any("diverged" in str(w.message) for w in loud)


def test_chains_that_disagree_are_warned_of(loud: list[warnings.WarningMessage]) -> None:
    def two_modes() -> None:
        x = tf.sample("x", dist.Normal(0.0, 20.0))
        tf.factor("modes", torch.logaddexp(-0.5 * (x - 30) ** 2, -0.5 * (x + 30) ** 2))

    kernel = NUTS(two_modes, step_size=0.5, adapt_step_size=False, adapt_mass_matrix=False)
    run(two_modes, kernel=kernel, draws=100, warmup_steps=0, num_chains=2, initial_params={"x": tensor([30.0, -30.0])})
    assert any("R-hat" in str(w.message) for w in loud)


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    run(draws=3)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_progress_shows_the_phase(capsys: pytest.CaptureFixture[str]) -> None:
    tf.set_rng_seed(0)
    MCMC(NUTS(model), 300, 300).run(Y)
    shown = capsys.readouterr().err
    assert "600/600" in shown


# -- a real posterior

DATA = Path(__file__).parents[5] / "examples" / "data"


def test_eight_schools_agree_with_the_reference_posterior() -> None:
    """Means within five combined Monte Carlo errors plus 2% of an sd, ten scalars: one false alarm in 10**5 runs."""
    from twofold_torch.diagnostics import mcse_mean

    table = json.loads((DATA / "eight_schools.data.json").read_text())
    truth = json.loads((DATA / "eight_schools.reference.json").read_text())["parameters"]
    sigma, y = (tensor(table[name], dtype=torch.get_default_dtype()) for name in ("sigma", "y"))

    def schools(sigma: Tensor, y: Tensor) -> None:
        mu = tf.sample("mu", dist.Normal(0.0, 5.0))
        tau = tf.sample("tau", dist.HalfCauchy(5.0))
        with tf.plate("school", len(sigma)):
            standardised = tf.sample("theta_trans", dist.Normal(0.0, 1.0))
            theta = tf.deterministic("theta", mu + tau * standardised)
            tf.sample("y", dist.Normal(theta, sigma), obs=y)

    samples = run(schools, sigma, y, draws=700, warmup_steps=500, num_chains=4).get_samples(group_by_chain=True)
    scalars = {"mu": samples["mu"], "tau": samples["tau"]}
    scalars |= {f"theta[{i + 1}]": samples["theta"][..., i] for i in range(8)}
    for name, value in scalars.items():
        error = float(np.hypot(mcse_mean(value), truth[name]["mcse_mean"]))
        assert abs(float(value.mean()) - truth[name]["mean"]) < 5 * error + 0.02 * truth[name]["sd"], name
