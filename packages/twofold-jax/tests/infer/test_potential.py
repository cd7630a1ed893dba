"""Laws of the flat log density of a model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.distributions import constraints
from twofold_jax.errors import (
    DuplicateSiteError,
    InferenceError,
    ShapeError,
    SiteError,
    SupportError,
    UnknownSiteError,
)
from twofold_jax.handlers import condition, mask, reparam, scale, substitute
from twofold_jax.infer import make_potential
from twofold_jax.infer.reparam import LocScaleReparam

Y = np.array([0.5, -1.0, 2.0])


def regression(y):
    mu = tf.sample("mu", dist.Normal(1.0, 2.0))
    spread = tf.sample("spread", dist.HalfNormal(1.5))
    with tf.plate("rows", len(y)):
        tf.sample("y", dist.Normal(mu, spread), obs=y)
    tf.deterministic("twice", 2 * mu)


def test_log_density_is_joint_plus_jacobian():
    potential = make_potential(regression, Y)
    u = np.array([0.3, -0.4])
    spread = np.exp(u[1])
    expected = (
        stats.norm.logpdf(u[0], 1.0, 2.0)
        + stats.halfnorm.logpdf(spread, scale=1.5)
        + stats.norm.logpdf(Y, u[0], spread).sum()
        + u[1]
    )
    assert potential.log_density(u) == pytest.approx(expected, rel=1e-5)
    assert potential(u) == pytest.approx(-expected, rel=1e-5)


def test_sites_tile_the_flat_vector():
    potential = make_potential(
        lambda: [tf.sample("a", dist.Dirichlet(np.ones(4))), tf.sample("b", dist.Normal(0.0, 1.0))]
    )
    assert [(s.name, s.offset, s.size, s.shape, s.unconstrained_shape) for s in potential.sites] == [
        ("a", 0, 3, (4,), (3,)),
        ("b", 3, 1, (), ()),
    ]
    assert potential.size == 4


def test_gradient_agrees_with_finite_differences():
    potential = make_potential(regression, Y)
    u, h = np.array([0.3, -0.4]), 1e-2
    density = jax.jit(potential.log_density)
    expected = [(density(u + h * e) - density(u - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(jax.grad(potential.log_density)(jnp.asarray(u)), expected, rtol=2e-3)


@pytest.mark.parametrize(
    "law",
    [
        dist.HalfNormal(1.5),
        dist.Gamma(3.0, 2.0),
        dist.Beta(2.0, 3.0),
        dist.Uniform(1.0, 3.0),
        dist.LogNormal(0.0, 0.5),
        dist.Pareto(1.0, 3.0),
        dist.LKJCholesky(2, 1.5),
    ],
    ids=lambda law: type(law).__name__,
)
def test_prior_density_integrates_to_one_over_a_line(law):
    density = jax.vmap(make_potential(lambda: tf.sample("x", law)).log_density)
    grid = np.linspace(-15.0, 15.0, 6001)
    assert np.trapezoid(np.exp(density(grid[:, None])), grid) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("model", ["simplex", "bounded by another latent"])
def test_prior_density_integrates_to_one_over_a_plane(model):
    def simplex():
        tf.sample("p", dist.Dirichlet(np.array([2.0, 1.5, 3.0])))

    def bounded():
        upper = tf.sample("upper", dist.Gamma(3.0, 2.0))
        tf.sample("x", dist.Uniform(0.0, upper))

    potential = make_potential(simplex if model == "simplex" else bounded)
    grid = np.linspace(-12.0, 12.0, 241)
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    density = np.exp(jax.jit(jax.vmap(potential.log_density))(points)).reshape(241, 241)
    assert np.trapezoid(np.trapezoid(density, grid), grid) == pytest.approx(1.0, abs=5e-3)


def test_unconstrain_inverts_constrain():
    def model():
        tf.sample("p", dist.Dirichlet(np.ones(3)))
        upper = tf.sample("upper", dist.HalfNormal(1.0))
        tf.sample("x", dist.Uniform(-1.0, upper))
        tf.sample("corr", dist.LKJCholesky(3, 1.0))

    potential = make_potential(model)
    u = np.random.default_rng(0).normal(size=potential.size)
    np.testing.assert_allclose(potential.unconstrain(potential.constrain(u)), u, rtol=1e-3, atol=1e-4)


def test_constrained_values_lie_in_their_supports():
    potential = make_potential(lambda: tf.sample("p", dist.Dirichlet(np.ones(3))))
    value = potential.constrain(np.array([3.0, -2.0]))["p"]
    assert bool(constraints.simplex(value))


def test_deterministics_come_on_request():
    potential = make_potential(regression, Y)
    assert set(potential.constrain(np.zeros(2))) == {"mu", "spread"}
    assert float(potential.constrain(np.array([1.5, 0.0]), deterministics=True)["twice"]) == 3.0


def test_data_are_inputs_of_the_density():
    potential, other = make_potential(regression, Y), np.array([4.0, 5.0, 6.0])
    u = np.array([0.1, 0.2])
    assert potential.log_density(u, other) == pytest.approx(float(make_potential(regression, other)(u)) * -1, rel=1e-6)
    program = potential.traced_log_density()
    assert program(u, [other]) == pytest.approx(float(potential.log_density(u, other)), rel=1e-6)


def test_support_follows_the_data():
    def model(top):
        tf.sample("x", dist.Uniform(0.0, top))

    potential = make_potential(model, np.array(2.0))
    assert potential.constrain(np.zeros(1), np.array(10.0))["x"] == pytest.approx(5.0)
    assert potential.log_density(np.zeros(1), np.array(10.0)) == pytest.approx(np.log(0.25), rel=1e-5)


def test_models_that_look_at_their_data_take_them_as_constants():
    def model(group, y):
        groups = len(np.unique(np.asarray(group)))
        with tf.plate("groups", groups):
            mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        tf.sample("y", dist.Normal(mu[group], 1.0), obs=y)

    potential = make_potential(model, np.array([0, 1, 1]), Y)
    u = np.array([0.5, -0.5])
    expected = stats.norm.logpdf(u).sum() + stats.norm.logpdf(Y, u[[0, 1, 1]]).sum()
    assert potential.traced_log_density()(u, potential.data) == pytest.approx(expected, rel=1e-5)


def test_equal_models_have_equal_programs_and_changed_captures_do_not():
    shift = {"value": 1.0}

    def model(y):
        tf.sample("y", dist.Normal(tf.sample("mu", dist.Normal(shift["value"], 1.0)), 1.0), obs=y)

    first, second = (make_potential(model, Y).traced_log_density() for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    shift["value"] = 2.0
    assert make_potential(model, Y).traced_log_density() != first


def test_factor_mask_and_scale_enter_the_density():
    def model():
        x = tf.sample("x", dist.Normal(0.0, 1.0))
        tf.factor("push", -x)
        with mask(mask=np.array([True, False])):
            tf.sample("y", dist.Normal(x, 1.0).expand((2,)), obs=np.array([1.0, np.nan]))
        with scale(scale=3.0):
            tf.sample("z", dist.Normal(x, 1.0), obs=0.0)

    expected = stats.norm.logpdf(0.5) - 0.5 + stats.norm.logpdf(1.0, 0.5) + 3.0 * stats.norm.logpdf(0.0, 0.5)
    potential = make_potential(model)
    assert potential.log_density(np.array([0.5])) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(jax.grad(potential.log_density)(np.array([0.5]))).all()


def test_improper_laws_have_flat_densities():
    potential = make_potential(lambda: tf.sample("s", dist.ImproperUniform(constraints.positive, (), ())))
    assert potential.log_density(np.array([0.7])) == pytest.approx(0.7)  # the Jacobian of exp alone


def test_handled_models_are_models():
    def model():
        x = tf.sample("x", dist.Normal(1.0, 2.0))
        tf.sample("y", dist.Normal(x, 1.0))

    assert [s.name for s in make_potential(condition(model, data={"y": 0.5})).sites] == ["x"]
    assert [s.name for s in make_potential(substitute(model, data={"x": 0.5})).sites] == ["y"]
    decentred = make_potential(reparam(model, config={"x": LocScaleReparam(0.0)}))
    assert [s.name for s in decentred.sites] == ["x_decentered", "y"]
    assert float(decentred.constrain(np.array([1.5, 0.0]), deterministics=True)["x"]) == 4.0


def test_subsampled_plate_keeps_one_batch_and_its_scale():
    def model(y):
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        with tf.plate("rows", 3, subsample_size=2) as rows:
            tf.sample("y", dist.Normal(mu, 1.0), obs=y[rows])

    potential = make_potential(model, Y)
    batch = np.asarray(potential.subsamples["rows"])
    expected = stats.norm.logpdf(0.2) + 1.5 * stats.norm.logpdf(Y[batch], 0.2).sum()
    for _ in range(2):
        assert potential.log_density(np.array([0.2])) == pytest.approx(expected, rel=1e-5)


def test_missing_entries_have_a_proper_density_of_their_own():
    y = np.array([0.5, np.nan, 2.0])

    def model(y):
        mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        with tf.plate("rows", 3):
            tf.sample("y", dist.LogNormal(mu, 1.0), obs=y, obs_mask=~np.isnan(y))

    potential = make_potential(model, y)
    u = np.array([0.1, 0.3, -0.2, 0.8])  # the second of the last three is missing
    expected = (
        stats.norm.logpdf(0.1)
        + stats.lognorm.logpdf(y[[0, 2]], 1.0, scale=np.exp(0.1)).sum()
        + stats.norm.logpdf(-0.2, 0.1)  # log of the missing value is normal
        - 0.5 * (0.3**2 + 0.8**2)
    )
    assert potential.log_density(u) == pytest.approx(expected, rel=1e-5)


def test_known_numbers_are_no_latents():
    def model():
        known = tf.sample("known", dist.Delta(3.0))
        tf.sample("x", dist.Normal(known, 1.0))

    potential = make_potential(model)
    assert [s.name for s in potential.sites] == ["x"]
    assert potential.log_density(np.array([3.0])) == pytest.approx(stats.norm.logpdf(0.0), rel=1e-6)


def test_params_are_held_and_named():
    potential = make_potential(lambda: tf.sample("x", dist.Normal(tf.param("loc", 2.0), 1.0)))
    assert potential.params == ("loc",)
    assert potential.log_density(np.array([2.0])) == pytest.approx(stats.norm.logpdf(0.0), rel=1e-6)


def test_site_log_densities_sum_to_the_joint():
    potential = make_potential(regression, Y)
    by_site = potential.site_log_densities(np.array([0.3, 0.0]))
    assert set(by_site) == {"mu", "spread", "y"}
    assert sum(float(v) for v in by_site.values()) == pytest.approx(float(potential.log_density(np.array([0.3, 0.0]))))


def test_float64_is_kept_where_it_is_on():
    with jax.enable_x64(True):
        potential = make_potential(regression, Y)
        assert potential.log_density(jnp.zeros(2)).dtype == jnp.float64


def test_discrete_latent_is_refused_by_name():
    with pytest.raises(InferenceError, match="'flip' is discrete"):
        make_potential(lambda: tf.sample("flip", dist.Bernoulli(0.5)))


def test_branch_on_a_latent_is_explained():
    def model():
        if tf.sample("x", dist.Normal(0.0, 1.0)) > 0:
            tf.factor("push", 1.0)

    with pytest.raises(InferenceError, match="looks at a value") as caught:
        make_potential(model)
    assert "after the statement 'x'" in str(caught.value)
    assert "jnp.where" in str(caught.value)


def test_duplicate_names_are_refused():
    with pytest.raises(DuplicateSiteError, match="'x'"):
        make_potential(lambda: [tf.sample("x", dist.Normal(0.0, 1.0)) for _ in range(2)])


def test_statement_inside_a_scan_is_refused():
    def model():
        jax.lax.scan(lambda c, i: (c, tf.sample("x", dist.Normal(0.0, 1.0), obs=c)), 0.0, jnp.arange(3))

    with pytest.raises(SiteError, match="'x'"):
        make_potential(model)


def test_observation_of_the_wrong_shape_or_outside_the_support_is_refused():
    def model(y):
        with tf.plate("rows", 3):
            tf.sample("y", dist.Exponential(tf.sample("rate", dist.HalfNormal(1.0))), obs=y)

    with pytest.raises(ShapeError, match="'y'"):
        make_potential(model, np.ones((3, 1)))
    with pytest.raises(SupportError, match="'y'"):
        make_potential(model, np.array([1.0, -1.0, 2.0]))
    with pytest.raises(SupportError, match="nan"):
        make_potential(model, np.array([1.0, np.nan, 2.0]))


def test_positions_and_values_are_checked():
    potential = make_potential(regression, Y)
    with pytest.raises(ShapeError, match="flat vector"):
        potential.log_density(np.zeros(3))
    with pytest.raises(UnknownSiteError, match="spread"):
        potential.unconstrain({"mu": 0.0})
    with pytest.raises(SupportError, match="'spread'"):
        potential.unconstrain({"mu": 0.0, "spread": -1.0})
    with pytest.raises(ShapeError, match="'mu'"):
        potential.unconstrain({"mu": np.zeros(2), "spread": 1.0})
