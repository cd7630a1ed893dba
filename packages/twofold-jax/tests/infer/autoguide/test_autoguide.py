"""Laws that all guides made from a model keep."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.distributions import constraints
from twofold_jax.errors import HandlerError, InferenceError, UnknownSiteError
from twofold_jax.handlers import block, seed, substitute, trace
from twofold_jax.infer import SVI, Predictive, Trace_ELBO, init_to_value
from twofold_jax.infer.autoguide import (
    AutoDelta,
    AutoDiagonalNormal,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoNormal,
)

GUIDES = [AutoDelta, AutoNormal, AutoDiagonalNormal, AutoMultivariateNormal, AutoLowRankMultivariateNormal]
GAUSSIAN = GUIDES[2:]
every_guide = pytest.mark.parametrize("make", GUIDES, ids=lambda guide: guide.__name__)
X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
Y = np.array([0.5, 1.0, 2.5, 2.0])


def mixed(y):
    loc = tf.sample("loc", dist.Normal(0.0, 1.0))
    spread = tf.sample("spread", dist.LogNormal(0.0, 0.5))
    share = tf.sample("share", dist.Dirichlet(np.ones(3)))
    with tf.plate("rows", len(y)):
        tf.sample("y", dist.Normal(loc + share[0], spread), obs=y)


def regression(x, y):
    beta = tf.sample("beta", dist.Normal(0.0, 1.0).expand((2,)).to_event(1))
    with tf.plate("rows", len(x)):
        tf.sample("y", dist.Normal(x @ beta, 1.0), obs=y)


COVARIANCE = np.linalg.inv(np.eye(2) + X.T @ X)
MEAN = COVARIANCE @ X.T @ Y


def start(guide, *args):
    svi = SVI(guide.model, guide, optax.sgd(0.1))
    return svi.get_params(svi.init(jax.random.key(0), *args))


@every_guide
def test_sites_lie_in_their_supports_at_the_start(make):
    values = seed(make(mixed), rng_seed=0)(Y)
    assert set(values) == {"loc", "spread", "share"}
    assert float(values["spread"]) > 0
    assert bool(constraints.simplex(values["share"]))


@every_guide
def test_guide_starts_where_it_is_told(make):
    truth = {"loc": 2.0, "spread": 0.5, "share": np.array([0.2, 0.3, 0.5])}
    guide = make(mixed, init_loc_fn=init_to_value(values=truth))
    params = start(guide, Y)
    median = guide.median(params)
    for name, value in truth.items():
        np.testing.assert_allclose(median[name], value, rtol=1e-4)


@every_guide
def test_prefix_names_the_params(make):
    params = start(make(mixed, prefix="mine"), Y)
    assert all("mine" in name for name in params)


@every_guide
def test_draws_have_the_asked_shape_and_lie_in_the_supports(make):
    guide = make(mixed)
    draws = guide.sample_posterior(jax.random.key(1), start(guide, Y), sample_shape=(2, 5))
    assert {name: value.shape for name, value in draws.items()} == {"loc": (2, 5), "spread": (2, 5), "share": (2, 5, 3)}
    assert np.all(constraints.simplex(draws["share"]))
    assert np.all(draws["spread"] > 0)


@pytest.mark.parametrize("make", [AutoNormal, AutoMultivariateNormal], ids=lambda guide: guide.__name__)
def test_draws_are_those_of_the_guides_statements(make):
    guide = make(mixed)
    params = start(guide, Y)
    drawn = guide.sample_posterior(jax.random.key(1), params, sample_shape=(4000,))
    run = Predictive(guide, params=params, num_samples=4000)(jax.random.key(2), Y)
    for name in ("loc", "spread"):
        one, two = np.asarray(drawn[name]), np.asarray(run[name])
        # means of 4000 draws each, 5 standard errors of their difference: error rate 6e-7 each
        assert abs(one.mean() - two.mean()) <= 5 * np.hypot(one.std(), two.std()) / np.sqrt(4000) + 1e-5


@pytest.mark.parametrize("make", GUIDES[1:], ids=lambda guide: guide.__name__)
def test_density_of_the_guide_is_that_of_its_law_in_constrained_space(make):
    guide = make(lambda: tf.sample("x", dist.LogNormal(0.0, 1.0)), init_scale=0.7)
    guide.setup()
    params = start(guide)
    prefix = "x_auto" if make is AutoNormal else "auto"
    params[f"{prefix}_loc"] = jnp.zeros_like(params[f"{prefix}_loc"])
    if make is AutoLowRankMultivariateNormal:
        params["auto_cov_factor"] = jnp.zeros_like(params["auto_cov_factor"])
    sites = trace(substitute(seed(guide, rng_seed=0), data=params)).get_trace()
    value = float(sites["x"]["value"])
    density = sum(float(s["fn"].log_prob(s["value"]).sum()) for s in sites.values() if s["type"] == "sample")
    scale = 0.7
    expected = -np.log(value * scale * np.sqrt(2 * np.pi)) - 0.5 * (np.log(value) / scale) ** 2
    assert density == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("make", [AutoNormal, *GAUSSIAN], ids=lambda guide: guide.__name__)
def test_quantiles_surround_the_median(make):
    guide = make(mixed)
    params = start(guide, Y)
    found = guide.quantiles(params, [0.1, 0.5, 0.9])
    assert found["share"].shape == (3, 3)
    np.testing.assert_allclose(found["spread"][1], guide.median(params)["spread"], rtol=1e-5)
    assert np.all(np.diff(found["loc"]) > 0)
    assert np.asarray(guide.quantiles(params, 0.5)["loc"]).shape == ()


def fit(make, steps=3000):
    guide = make(regression, init_scale=0.5)
    svi = SVI(regression, guide, optax.adam(optax.linear_schedule(0.05, 0.001, steps)), Trace_ELBO(num_particles=8))
    return guide, svi.run(jax.random.key(0), steps, X, Y, progress_bar=False).params


@pytest.mark.parametrize(
    "make",
    [AutoMultivariateNormal, pytest.param(AutoLowRankMultivariateNormal, marks=pytest.mark.nightly)],
    ids=lambda guide: guide.__name__,
)
def test_dense_guides_find_a_gaussian_posterior(make):
    guide, params = fit(make)
    law = guide.get_posterior(params)
    np.testing.assert_allclose(law.mean, MEAN, atol=0.05)
    covariance = getattr(law, "covariance_matrix", None)
    np.testing.assert_allclose(covariance, COVARIANCE, atol=0.05)


@pytest.mark.parametrize(
    "make",
    [AutoNormal, pytest.param(AutoDiagonalNormal, marks=pytest.mark.nightly)],
    ids=lambda guide: guide.__name__,
)
def test_mean_field_guides_find_mean_and_conditional_sds(make):
    guide, params = fit(make)
    np.testing.assert_allclose(guide.median(params)["beta"], MEAN, atol=0.05)
    sds = (guide.quantiles(params, 0.8413447)["beta"]) - guide.median(params)["beta"]
    # the mean-field optimum has the precisions of the conditionals: Bishop (2006), section 10.1.2
    np.testing.assert_allclose(sds, 1 / np.sqrt(np.diag(np.linalg.inv(COVARIANCE))), atol=0.05)


def test_delta_finds_the_mode():
    guide = AutoDelta(regression)
    params = SVI(regression, guide, optax.adam(0.05)).run(jax.random.key(0), 1500, X, Y, progress_bar=False).params
    np.testing.assert_allclose(params["beta_auto_loc"], MEAN, atol=1e-3)


def batched(y):
    mu = tf.sample("mu", dist.Normal(0.0, 1.0))
    with tf.plate("rows", 6, subsample_size=2) as rows:
        p = tf.sample("p", dist.Dirichlet(np.ones(3)))
        tf.sample("y", dist.Normal(mu + p[..., 0], 1.0), obs=y[rows])


@pytest.mark.parametrize("make", [AutoNormal, AutoDelta], ids=lambda guide: guide.__name__)
def test_local_latents_of_mini_batches_have_params_for_all_rows(make):
    guide = make(batched)
    svi = SVI(batched, guide, optax.adam(0.05))
    result = svi.run(jax.random.key(0), 300, np.arange(6.0), progress_bar=False)
    assert result.params["p_auto_loc"].shape == ((6, 3) if make is AutoDelta else (6, 2))
    assert guide.sample_posterior(jax.random.key(0), result.params, sample_shape=(4,))["p"].shape == (4, 6, 3)
    before = svi.get_params(svi.init(jax.random.key(0), np.arange(6.0)))
    moved = np.abs(result.params["p_auto_loc"] - before["p_auto_loc"]).max(axis=-1)
    assert np.all(moved > 1e-3)


@pytest.mark.parametrize("make", GAUSSIAN, ids=lambda guide: guide.__name__)
def test_one_vector_cannot_serve_mini_batches(make):
    with pytest.raises(InferenceError, match=r"site 'p' stands in the subsampled plate 'rows'"):
        make(batched).setup(np.arange(6.0))


def test_users_plates_take_the_place_of_the_guides():
    guide = AutoNormal(batched, create_plates=lambda y: tf.plate("rows", 6, subsample_size=2, dim=-1))
    sites = trace(seed(guide, rng_seed=0)).get_trace(np.arange(6.0))
    assert sites["p"]["value"].shape == (2, 3)


@every_guide
def test_impossible_models_are_refused_by_name(make):
    def bounded():
        tf.sample("x", dist.Uniform(0.0, tf.sample("upper", dist.HalfNormal(1.0))))

    with pytest.raises(InferenceError, match=r"'x', whose support depends on other latents"):
        make(bounded).setup()
    with pytest.raises(InferenceError, match="'z' is discrete"):
        make(lambda: tf.sample("z", dist.Bernoulli(0.5))).setup()
    with pytest.raises(InferenceError, match="no latent site"):
        make(lambda: tf.factor("f", 1.0)).setup()
    make(block(lambda: tf.sample("x", dist.Normal(0.0, 1.0)) + tf.sample("z", dist.Bernoulli(0.5)), hide=["z"])).setup()


@every_guide
def test_misuse_is_explained(make):
    with pytest.raises(InferenceError, match="not seen its model"):
        make(mixed).median({})
    guide = make(mixed)
    guide.setup(Y)
    with pytest.raises(UnknownSiteError, match="params lack"):
        guide.median({})
    with pytest.raises(HandlerError, match="needs a model"):
        make(3)
    if make is AutoDelta:
        with pytest.raises(InferenceError, match="no quantiles"):
            guide.quantiles({}, 0.5)
    else:
        with pytest.raises(HandlerError, match="init_scale"):
            make(mixed, init_scale=0.0)


def test_rank_of_the_low_rank_guide():
    with pytest.raises(HandlerError, match="rank"):
        AutoLowRankMultivariateNormal(mixed, rank=0)
    assert start(AutoLowRankMultivariateNormal(mixed, rank=1), Y)["auto_cov_factor"].shape == (4, 1)


@pytest.mark.parametrize("make", [AutoDiagonalNormal, AutoMultivariateNormal], ids=lambda guide: guide.__name__)
def test_transform_maps_standard_normals_to_the_law(make):
    guide = make(regression)
    params = start(guide, X, Y)
    law, transform = guide.get_posterior(params), guide.get_transform(params)
    z = np.array([0.3, -0.7])
    jacobian = transform.log_abs_det_jacobian(z, transform(z))
    expected = float((-0.5 * z**2 - 0.5 * np.log(2 * np.pi)).sum()) - float(jacobian)
    assert law.log_prob(transform(z)) == pytest.approx(expected, rel=1e-4)
