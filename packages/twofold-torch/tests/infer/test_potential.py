"""A model as a density of one flat vector."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.distributions import constraints
from twofold_torch.errors import DuplicateSiteError, InferenceError, ShapeError, SupportError, UnknownSiteError
from twofold_torch.infer import Potential, make_potential
from twofold_torch.infer.reparam import LocScaleReparam


def one_site(law: Any) -> Potential:
    return make_potential(lambda: tf.sample("x", law))


@pytest.mark.parametrize(
    "law",
    [
        dist.Normal(0.5, 2.0),
        dist.HalfNormal(2.0),
        dist.Gamma(2.0, 3.0),
        dist.Beta(2.0, 3.0),
        dist.Uniform(-1.0, 3.0),
        dist.LogNormal(0.0, 0.5),
        dist.StudentT(5.0, 1.0, 2.0),
        dist.Exponential(0.7),
    ],
    ids=lambda law: type(law).__name__,
)
def test_density_of_one_unconstrained_number_integrates_to_one(law: Any) -> None:
    potential = one_site(law)
    total, _ = integrate.quad(lambda u: math.exp(potential.log_density(tensor([u], dtype=torch.float64))), -40, 40)
    assert total == pytest.approx(1.0, rel=1e-4)


def test_density_of_a_simplex_integrates_to_one() -> None:
    potential = one_site(dist.Dirichlet(tensor([2.0, 1.5, 3.0])))
    grid = torch.linspace(-12.0, 12.0, 161, dtype=torch.float64)
    points = torch.cartesian_prod(grid, grid)
    density = torch.func.vmap(potential.log_density)(points).exp()
    assert float(density.sum() * (grid[1] - grid[0]) ** 2) == pytest.approx(1.0, rel=1e-3)


def test_density_of_a_correlation_matrix_factor_integrates_to_one() -> None:
    potential = one_site(dist.LKJCholesky(2, 1.5))
    assert potential.size == 1
    total, _ = integrate.quad(lambda u: math.exp(potential.log_density(tensor([u], dtype=torch.float64))), -20, 20)
    assert total == pytest.approx(1.0, rel=1e-4)


def hierarchy(y: Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 2.0))
    tau = tf.sample("tau", dist.HalfNormal(1.0))
    with tf.plate("groups", 3):
        theta = tf.sample("theta", dist.Normal(mu, tau))
        tf.deterministic("twice", 2 * theta)
        tf.sample("y", dist.Normal(theta, 1.0), obs=y)


Y = tensor([0.5, -1.0, 2.0])


def test_log_density_is_the_joint_density_with_the_jacobian() -> None:
    potential = make_potential(hierarchy, Y)
    position = tensor([0.3, -0.7, 0.1, 0.2, 0.4])
    tau = math.exp(-0.7)
    theta = position[2:].numpy()
    expected = stats.norm.logpdf(0.3, 0, 2) + stats.halfnorm.logpdf(tau) + math.log(tau)
    expected += stats.norm.logpdf(theta, 0.3, tau).sum() + stats.norm.logpdf(Y.numpy(), theta, 1).sum()
    assert float(potential.log_density(position)) == pytest.approx(expected, rel=1e-5)
    assert float(potential(position)) == pytest.approx(-expected, rel=1e-5)


def test_sites_say_name_shape_place_and_plates() -> None:
    potential = make_potential(hierarchy, Y)
    assert [(s.name, s.shape, s.offset, s.size, s.plates) for s in potential.sites] == [
        ("mu", (), 0, 1, ()),
        ("tau", (), 1, 1, ()),
        ("theta", (3,), 2, 3, ("groups",)),
    ]
    assert potential.names == ("mu", "tau", "groups", "theta", "twice", "y")


def test_gradient_agrees_with_finite_differences() -> None:
    potential = make_potential(hierarchy, Y.double())
    position = tensor([0.3, -0.7, 0.1, 0.2, 0.4], dtype=torch.float64)
    assert torch.autograd.gradcheck(potential.log_density, position.requires_grad_())


def test_data_are_inputs() -> None:
    potential = make_potential(hierarchy, Y)
    other = make_potential(hierarchy, 2 * Y)
    position = torch.randn(5)
    torch.testing.assert_close(potential.log_density(position, 2 * Y), other.log_density(position))


def test_constrain_and_unconstrain_are_inverse() -> None:
    potential = make_potential(hierarchy, Y)
    position = torch.randn(5)
    values = potential.constrain(position)
    assert set(values) == {"mu", "tau", "theta"}
    torch.testing.assert_close(potential.unconstrain(values), position)


def test_constrain_computes_deterministic_sites_on_request() -> None:
    values = make_potential(hierarchy, Y).constrain(torch.randn(5), deterministics=True)
    torch.testing.assert_close(values["twice"], 2 * values["theta"])


def test_unconstrain_names_the_sites_that_are_missing() -> None:
    with pytest.raises(UnknownSiteError, match="tau"):
        make_potential(hierarchy, Y).unconstrain({"mu": 0.0, "theta": torch.zeros(3)})


def test_unconstrain_refuses_a_value_outside_the_support() -> None:
    with pytest.raises(SupportError, match="'tau'"):
        make_potential(hierarchy, Y).unconstrain({"mu": 0.0, "tau": -1.0, "theta": torch.zeros(3)})


def test_unconstrain_refuses_a_value_of_another_shape() -> None:
    with pytest.raises(ShapeError, match="'theta'"):
        make_potential(hierarchy, Y).unconstrain({"mu": 0.0, "tau": 1.0, "theta": torch.zeros(4)})


def test_position_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match="one flat vector"):
        make_potential(hierarchy, Y).log_density(torch.zeros(4))


def nested_uniform() -> None:
    x = tf.sample("x", dist.Gamma(2.0, 1.0))
    tf.sample("u", dist.Uniform(0.0, x))


def test_support_that_depends_on_another_latent_is_made_anew_at_each_run() -> None:
    potential = make_potential(nested_uniform)
    assert [site.transform is None for site in potential.sites] == [False, True]
    values = potential.constrain(tensor([1.0, 0.0]))
    assert float(values["u"]) == pytest.approx(math.e / 2, rel=1e-5)
    back = potential.unconstrain(values)
    torch.testing.assert_close(back, tensor([1.0, 0.0]))


def test_density_with_a_support_that_depends_on_another_latent_integrates_to_one() -> None:
    potential = make_potential(nested_uniform)
    grid = torch.linspace(-14.0, 14.0, 281, dtype=torch.float64)
    density = torch.func.vmap(potential.log_density)(torch.cartesian_prod(grid, grid)).exp()
    assert float(density.sum() * (grid[1] - grid[0]) ** 2) == pytest.approx(1.0, rel=1e-3)


def test_factor_counts_and_is_no_latent() -> None:
    def model() -> None:
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.factor("f", -(x**4))

    potential = make_potential(model)
    assert potential.size == 1
    assert float(potential.log_density(tensor([1.5]))) == pytest.approx(stats.norm.logpdf(1.5) - 1.5**4, rel=1e-5)


def test_improper_prior_counts_nothing() -> None:
    potential = one_site(dist.ImproperUniform(constraints.positive, (), ()))
    assert float(potential.log_density(tensor([0.7]))) == pytest.approx(0.7)  # the Jacobian alone


def test_masked_rows_count_nothing() -> None:
    def model() -> None:
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        with tf.plate("rows", 2), handlers.mask(mask=tensor([True, False])):
            tf.sample("y", dist.Normal(mu, 1.0), obs=tensor([1.0, torch.nan]))

    density = make_potential(model).log_density
    gradient, value = torch.func.grad_and_value(density)(tensor([0.5]))
    assert float(value) == pytest.approx(stats.norm.logpdf(0.5) + stats.norm.logpdf(0.5), rel=1e-5)
    assert float(gradient) == pytest.approx(0.0, abs=1e-6)


def test_subsampled_plate_keeps_its_batch_and_is_scaled() -> None:
    data = torch.arange(6.0)

    def model() -> None:
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        with tf.plate("rows", 6, subsample_size=2) as rows:
            tf.sample("y", dist.Normal(mu, 1.0), obs=data[rows])

    potential = make_potential(model)
    rows = potential.subsamples["rows"]
    expected = stats.norm.logpdf(0.0) + 3 * stats.norm.logpdf(data[rows].numpy()).sum()
    for _ in range(3):
        assert float(potential.log_density(torch.zeros(1))) == pytest.approx(expected, rel=1e-5)


def test_param_is_held_at_its_value_and_named() -> None:
    def model() -> None:
        tf.sample("x", dist.Normal(tf.param("loc", 2.0), 1.0))

    potential = make_potential(model)
    assert potential.params == ("loc",)
    assert float(potential.log_density(tensor([2.0])).detach()) == pytest.approx(stats.norm.logpdf(0.0), rel=1e-5)


def test_reparameterised_site_is_a_deterministic_one() -> None:
    model = handlers.reparam(hierarchy, config={"theta": LocScaleReparam(0.0)})
    potential = make_potential(model, Y)
    assert [site.name for site in potential.sites] == ["mu", "tau", "theta_decentered"]
    position = torch.randn(5)
    values = potential.constrain(position, deterministics=True)
    torch.testing.assert_close(values["theta"], values["mu"] + values["tau"] * position[2:])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: tf.sample("z", dist.Bernoulli(0.5)), "'z' is discrete"),
        (lambda: tf.sample("f", lambda: torch.randn(())), "'f' is drawn by a function"),
    ],
)
def test_latent_that_cannot_be_moved_is_named(model: Callable[[], Any], words: str) -> None:
    with pytest.raises(InferenceError, match=words):
        make_potential(model)


def test_latent_that_turns_up_later_is_named() -> None:
    seen = []

    def model() -> None:
        tf.sample("x", dist.Normal(0.0, 1.0))
        if len(seen) > 1:
            tf.sample("later", dist.Normal(0.0, 1.0))
        seen.append(1)

    potential = make_potential(model)
    seen.append(1)
    with pytest.raises(InferenceError, match="'later' was not there"):
        potential.log_density(torch.zeros(1))


def test_column_of_observations_in_a_plate_is_a_shape_error() -> None:
    with pytest.raises(ShapeError, match="'y'"):
        make_potential(hierarchy, Y.unsqueeze(-1))


def test_site_log_densities_add_up_to_the_density_without_jacobian() -> None:
    potential = make_potential(hierarchy, Y)
    position = torch.randn(5)
    parts = potential.site_log_densities(position)
    assert set(parts) == {"mu", "tau", "theta", "y"}
    total = sum(map(float, parts.values())) + float(position[1])
    assert total == pytest.approx(float(potential.log_density(position)), rel=1e-5)


def test_batched_density_agrees_with_single_ones() -> None:
    potential = make_potential(hierarchy, Y)
    positions = torch.randn(4, 5)
    values, gradients = potential.batched(4)(positions)
    for position, value, gradient in zip(positions, values, gradients, strict=True):
        expected_gradient, expected = torch.func.grad_and_value(potential.log_density)(position)
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(gradient, expected_gradient)


def test_default_dtype_decides_the_dtype() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        potential = make_potential(hierarchy, Y.double())
        assert potential.log_density(torch.zeros(5)).dtype is torch.float64
        assert potential.batched(2)(torch.zeros(2, 5))[1].dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_two_latent_sites_of_one_name_are_refused():
    def model():
        for _ in range(2):
            tf.sample("m", dist.Normal(0.0, 1.0))

    with pytest.raises(DuplicateSiteError, match="'m'"):
        make_potential(model)
