"""Laws of all guides that are made from a model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch import handlers
from twofold_torch.distributions import constraints
from twofold_torch.errors import HandlerError, InferenceError
from twofold_torch.infer import SVI, Predictive, Trace_ELBO, init_to_value
from twofold_torch.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal, AutoNormal
from twofold_torch.optim import Adam

GUIDES = [AutoDelta, AutoNormal, AutoDiagonalNormal, AutoMultivariateNormal]
FLAT = [AutoDiagonalNormal, AutoMultivariateNormal]


def everything(y: Tensor) -> None:
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    tau = tf.sample("tau", dist.HalfNormal(1.0))
    tf.sample("weights", dist.Dirichlet(torch.ones(3)))
    tf.sample("factor", dist.LKJCholesky(3, 1.0))
    with tf.plate("outer", 2, dim=-2), tf.plate("inner", 3, dim=-1):
        theta = tf.sample("theta", dist.Normal(mu, tau))
        tf.sample("vector", dist.Normal(theta.unsqueeze(-1), 1.0).expand([2, 3, 4]).to_event(1))
        tf.sample("y", dist.Normal(theta, 1.0), obs=y)


SHAPES = {"mu": (), "tau": (), "weights": (3,), "factor": (3, 3), "theta": (2, 3), "vector": (2, 3, 4)}
Y = torch.zeros(2, 3)


@pytest.mark.parametrize("kind", GUIDES)
def test_guide_draws_every_latent_in_its_support_and_shape(kind: Any) -> None:
    guide = kind(everything)
    values = guide(Y)
    assert {name: tuple(value.shape) for name, value in values.items()} == SHAPES
    sites = handlers.trace(everything).get_trace(Y)
    for name, value in values.items():
        assert bool(sites.nodes[name]["fn"].support.check(value).all()), name


@pytest.mark.parametrize("kind", GUIDES)
def test_guide_matches_its_model_and_can_be_scored(kind: Any) -> None:
    loss = Trace_ELBO(num_particles=2, vectorize_particles=True).loss_and_grads(everything, kind(everything), Y)
    assert torch.isfinite(tensor(loss))


@pytest.mark.parametrize("kind", GUIDES)
def test_median_and_posterior_draws_have_the_shapes_of_the_sites(kind: Any) -> None:
    guide = kind(everything)
    median = guide.median(Y)
    assert {name: tuple(value.shape) for name, value in median.items()} == SHAPES
    assert not any(value.requires_grad for value in median.values())
    draws = guide.sample_posterior(sample_shape=(5, 2))
    assert {name: tuple(value.shape) for name, value in draws.items()} == {k: (5, 2, *s) for k, s in SHAPES.items()}
    assert not any(value.requires_grad for value in draws.values())


@pytest.mark.parametrize("kind", [AutoNormal, *FLAT])
def test_quantiles_rise_and_the_middle_one_is_the_median(kind: Any) -> None:
    guide = kind(everything)
    guide.setup(Y)
    quantiles, median = guide.quantiles([0.1, 0.5, 0.9]), guide.median()
    for name in ("mu", "tau", "theta"):
        assert quantiles[name].shape == (3, *SHAPES[name])
        torch.testing.assert_close(quantiles[name][1], median[name])
        assert bool((quantiles[name][0] < quantiles[name][2]).all())


@pytest.mark.parametrize("kind", GUIDES)
def test_init_loc_fn_says_where_the_guide_starts(kind: Any) -> None:
    guide = kind(everything, init_loc_fn=init_to_value(values={"mu": 0.7, "tau": 2.5}))
    median = guide.median(Y)
    assert float(median["mu"]) == pytest.approx(0.7, rel=1e-5)
    assert float(median["tau"]) == pytest.approx(2.5, rel=1e-5)


@pytest.mark.parametrize("kind", GUIDES)
def test_prefix_keeps_two_guides_apart(kind: Any) -> None:
    kind(everything, prefix="first")(Y)
    names = set(tf.get_param_store())
    assert all(name.startswith("first.") for name in names)
    kind(everything, prefix="second")(Y)
    assert len(tf.get_param_store()) == 2 * len(names)


@pytest.mark.parametrize("kind", GUIDES)
def test_reading_a_guide_that_has_not_seen_its_model_is_refused(kind: Any) -> None:
    with pytest.raises(InferenceError, match="has not seen its model"):
        kind(everything).median()


@pytest.mark.parametrize("kind", GUIDES)
def test_discrete_latent_is_named(kind: Any) -> None:
    with pytest.raises(InferenceError, match="'z' is discrete"):
        kind(lambda: tf.sample("z", dist.Bernoulli(0.5)))()


@pytest.mark.parametrize("kind", GUIDES)
def test_model_without_latents_is_refused(kind: Any) -> None:
    with pytest.raises(InferenceError, match="no latent site"):
        kind(lambda: tf.sample("y", dist.Normal(0.0, 1.0), obs=tensor(1.0)))()


@pytest.mark.parametrize("kind", GUIDES)
def test_what_is_no_model_is_refused(kind: Any) -> None:
    with pytest.raises(HandlerError, match="needs a model"):
        kind(3)


@pytest.mark.parametrize("kind", [AutoNormal, *FLAT])
def test_init_scale_must_be_positive(kind: Any) -> None:
    with pytest.raises(HandlerError, match="init_scale"):
        kind(everything, init_scale=0.0)


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1.0])
def test_quantile_must_be_a_probability(quantile: float) -> None:
    guide = AutoNormal(everything)
    with pytest.raises(HandlerError, match="quantile"):
        guide.quantiles([quantile], Y)


@pytest.mark.parametrize("kind", GUIDES)
def test_setup_leaves_no_trace_in_handlers_around_the_guide(kind: Any) -> None:
    recorded = handlers.trace(kind(everything)).get_trace(Y)
    extra = {name for name in recorded.stochastic_nodes if name not in SHAPES and name not in ("inner", "outer")}
    assert all(recorded.nodes[name]["infer"].get("is_auxiliary") for name in extra)
    assert "y" not in recorded


def nested_uniform() -> None:
    x = tf.sample("x", dist.Gamma(20.0, 10.0))
    tf.sample("u", dist.Uniform(0.0, x))


@pytest.mark.parametrize("kind", GUIDES)
def test_support_that_depends_on_another_latent_is_kept(kind: Any) -> None:
    guide = kind(nested_uniform, **({} if kind is AutoDelta else {"init_scale": 1.0}))
    for _ in range(20):
        values = {name: value.detach() for name, value in guide().items()}
        assert 0.0 < float(values["u"]) < float(values["x"])
    assert torch.isfinite(tensor(Trace_ELBO(num_particles=3, vectorize_particles=True).loss(nested_uniform, guide)))


@pytest.mark.parametrize("kind", [AutoNormal, *FLAT])
def test_density_of_the_guide_has_the_jacobian(kind: Any) -> None:
    """ELBO of a guide that equals the prior is zero: LogNormal is normal in unconstrained space."""

    def model() -> None:
        tf.sample("x", dist.LogNormal(0.5, 2.0))

    guide = kind(model, init_loc_fn=init_to_value(values={"x": tensor(0.5).exp()}), init_scale=2.0)
    assert Trace_ELBO(num_particles=50, vectorize_particles=True).loss(model, guide) == pytest.approx(0.0, abs=1e-5)


# -- fits with a known answer

COVARIANCE = tensor([[1.0, 0.8], [0.8, 2.0]])
MEAN = tensor([1.0, -2.0])


def correlated() -> None:
    tf.sample("x", dist.MultivariateNormal(MEAN, COVARIANCE))


def fit(guide: Any, model: Any = correlated, steps: int = 1000, *args: Any) -> None:
    """Two rates, the second to quieten the noise."""
    elbo = Trace_ELBO(num_particles=8, vectorize_particles=True)
    for rate in (0.05, 0.005):
        SVI(model, guide, Adam({"lr": rate}), elbo).run(steps // 2, *args)


def test_auto_multivariate_normal_recovers_mean_and_covariance() -> None:
    guide = AutoMultivariateNormal(correlated, init_scale=1.0)
    fit(guide)
    posterior = guide.get_posterior()
    torch.testing.assert_close(posterior.mean.detach(), MEAN, atol=0.05, rtol=0.0)
    torch.testing.assert_close(posterior.covariance_matrix.detach(), COVARIANCE, atol=0.1, rtol=0.0)


@pytest.mark.parametrize("kind", [AutoNormal, AutoDiagonalNormal])
def test_mean_field_guides_recover_mean_and_conditional_deviations(kind: Any) -> None:
    """Of all independent normals the nearest has the inverse diagonal of the precision as variances."""
    guide = kind(correlated, init_scale=1.0)
    fit(guide)
    expected = torch.linalg.inv(COVARIANCE).diagonal().rsqrt()
    low, high = guide.quantiles([0.15865525, 0.84134475])["x"]
    torch.testing.assert_close(guide.median()["x"], MEAN, atol=0.05, rtol=0.0)
    torch.testing.assert_close((high - low) / 2, expected, atol=0.06, rtol=0.0)


def test_auto_delta_finds_the_maximum_of_the_posterior_density() -> None:
    def model() -> None:
        rate = tf.sample("rate", dist.Gamma(3.0, 1.0))
        with tf.plate("rows", 4):
            tf.sample("y", dist.Poisson(rate), obs=tensor([1.0, 2.0, 4.0, 3.0]))

    guide = AutoDelta(model)
    SVI(model, guide, Adam({"lr": 0.05}), Trace_ELBO()).run(500)
    assert float(guide.median()["rate"]) == pytest.approx((3 - 1 + 10) / (1 + 4), rel=1e-2)


def test_get_transform_maps_standard_normal_numbers_to_draws_of_the_posterior() -> None:
    for kind in FLAT:
        guide = kind(correlated)
        guide.setup()
        transform, posterior = guide.get_transform(), guide.get_posterior()
        draw = torch.randn(2)
        base = dist.Normal(torch.zeros(2), 1.0).to_event(1)
        expected = base.log_prob(draw) - transform.log_abs_det_jacobian(draw, transform(draw))
        torch.testing.assert_close(posterior.log_prob(transform(draw)), expected)


# -- subsampled plates


def local(data: Tensor, rows: Tensor | None = None) -> None:
    scale = tf.sample("scale", dist.LogNormal(0.0, 1.0))
    with tf.plate("rows", 6, subsample_size=None if rows is not None else 2, subsample=rows) as index:
        z = tf.sample("z", dist.LogNormal(0.0, scale))
        tf.sample("y", dist.Normal(z, 1.0), obs=data[index])


DATA = torch.arange(6.0)


@pytest.mark.parametrize("kind", [AutoDelta, AutoNormal])
def test_local_latent_of_a_subsampled_plate_has_parameters_for_all_rows(kind: Any) -> None:
    guide = kind(local)
    values = guide(DATA)
    assert values["z"].shape == (2,)
    assert guide.median()["z"].shape == (6,)


def test_only_the_rows_of_the_batch_get_a_gradient() -> None:
    guide = AutoNormal(local)
    recorded = handlers.trace(guide).get_trace(DATA)
    rows = recorded.nodes["rows"]["value"]
    Trace_ELBO().loss_and_grads(handlers.replay(local, trace=recorded), handlers.replay(guide, trace=recorded), DATA)
    gradient = tf.param("AutoNormal.locs.z").grad
    assert gradient is not None
    assert sorted(gradient.nonzero().flatten().tolist()) == sorted(rows.tolist())


@pytest.mark.parametrize("kind", FLAT)
def test_flat_guides_refuse_latents_in_subsampled_plates(kind: Any) -> None:
    with pytest.raises(InferenceError, match="'z' lies in the subsampled plate 'rows'"):
        kind(local)(DATA)


@pytest.mark.parametrize("kind", [AutoDelta, AutoNormal])
def test_rows_chosen_by_the_caller_need_create_plates(kind: Any) -> None:
    rows = tensor([4, 1])
    with pytest.raises(InferenceError, match="create_plates"):
        kind(local)(DATA, rows)

    def create_plates(data: Tensor, rows: Tensor) -> tf.plate:
        return tf.plate("rows", 6, subsample=rows)

    guide = kind(local, create_plates=create_plates)
    for batch in (rows, tensor([0, 2, 5])):  # another size too
        recorded = handlers.trace(guide).get_trace(DATA, batch)
        assert torch.equal(recorded.nodes["rows"]["value"], batch)
        assert recorded.nodes["z"]["value"].shape == (len(batch),)


# -- with Predictive


@pytest.mark.parametrize("kind", GUIDES)
def test_predictive_draws_from_a_guide(kind: Any) -> None:
    guide = kind(everything)
    draws = Predictive(everything, guide=guide, num_samples=7)(Y)
    assert {name: tuple(value.shape) for name, value in draws.items()} == {
        **{name: (7, *shape) for name, shape in SHAPES.items()},
        "y": (7, 2, 3),
    }


def test_parameters_keep_their_documented_names() -> None:
    AutoNormal(everything)(Y)
    AutoMultivariateNormal(everything)(Y)
    AutoDelta(everything)(Y)
    names = set(tf.get_param_store())
    assert {"AutoNormal.locs.mu", "AutoNormal.scales.mu", "AutoDelta.tau", "AutoMultivariateNormal.scale_tril"} <= names
    assert tf.get_param_store().constraint("AutoDelta.weights") is constraints.simplex
