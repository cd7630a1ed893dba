"""What every law shares: checks, pytrees, calling, shapes, and how cheap a trace is."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax import distributions as dist
from twofold_jax.errors import RandomKeyError, ShapeError, SiteTypeError, SupportError
from twofold_jax.validation import validation_enabled


def _equations(fn, *args):
    return len(jax.make_jaxpr(fn)(*args).eqns)


def test_a_trace_records_one_equation_per_density():
    def score(x, loc, scale):
        return dist.Normal(loc, scale).log_prob(x)

    assert _equations(score, 1.0, 0.0, 1.0) == 1
    assert _equations(lambda x: dist.Beta(2.0, 3.0).log_prob(x), 0.5) == 1
    assert _equations(lambda x: dist.Normal(0.0, 1.0).expand((3,)).log_prob(x), jnp.zeros(3)) == 1


def test_making_a_law_in_a_trace_records_nothing():
    def make(x, matrix):
        dist.Normal(x, 1.0).expand((5, 2)).to_event(1).mask(True)
        dist.MultivariateNormal(x, covariance_matrix=matrix)
        dist.Categorical(logits=x)
        dist.TransformedDistribution(dist.LogNormal(x, 1.0), dist.transforms.AffineTransform(x, 2.0))
        return x

    assert _equations(make, jnp.zeros(2), jnp.eye(2)) == 0


def test_checks_follow_the_switch_and_the_keyword():
    with pytest.raises(SupportError):
        dist.Normal(0.0, -1.0)
    with validation_enabled(False):
        assert dist.Normal(0.0, -1.0).scale == -1.0
        with pytest.raises(SupportError):
            dist.Normal(0.0, -1.0, validate_args=True)
        assert np.isnan(dist.Normal(0.0, 1.0).log_prob(np.nan))
    with pytest.raises(SupportError):
        dist.Normal(0.0, 1.0).log_prob(np.nan)
    dist.Distribution.set_default_validate_args(True)


def test_checks_never_look_inside_a_trace():
    assert np.isnan(jax.jit(lambda s: dist.Normal(0.0, s).log_prob(0.0))(-1.0))
    assert float(jax.jit(lambda x: dist.Exponential(1.0).log_prob(x))(-1.0)) == -np.inf
    with pytest.raises(SupportError):
        jax.jit(lambda x: dist.Normal(x, -1.0).log_prob(0.0))(0.0)  # a wrong constant is seen


def test_errors_show_the_offenders():
    with pytest.raises(SupportError) as caught:
        dist.Normal(0.0, np.array([1.0, -2.0, np.nan, -4.0, 0.0]))
    assert "-2.0 at [1]; nan at [2]; -4.0 at [3]; 4 in all" in str(caught.value)
    with pytest.raises(SupportError, match="too few dims"):
        dist.Dirichlet(np.ones(3)).log_prob(0.5)


def test_wrong_types_and_shapes_are_refused():
    with pytest.raises(SiteTypeError, match="'loc' of Normal"):
        dist.Normal("a", 1.0)
    with pytest.raises(SiteTypeError, match="value"):
        dist.Normal(0.0, 1.0).log_prob("a")
    with pytest.raises(ShapeError, match="loc, scale of Normal"):
        dist.Normal(np.zeros(3), np.ones((2, 4)))


def test_lists_are_arguments_too():
    law = dist.Normal([0.0, 1.0], 1.0)
    assert law.batch_shape == (2,)
    np.testing.assert_allclose(law.log_prob([0.0, 1.0]), [-0.9189385] * 2, rtol=1e-6)
    traced = jax.jit(lambda x: dist.Normal([x, 2 * x], 1.0).mean)(3.0)
    np.testing.assert_array_equal(traced, [3.0, 6.0])


@pytest.mark.parametrize("key", [None, 0, np.zeros(2), jnp.zeros((2, 2), jnp.uint32)])
def test_a_draw_without_a_key_is_refused(key):
    with pytest.raises(RandomKeyError, match="Normal"):
        dist.Normal(0.0, 1.0).sample(key)


def test_both_kinds_of_keys_draw_the_same():
    old, new = jax.random.PRNGKey(3), jax.random.key(3)
    assert float(dist.Normal(0.0, 1.0).sample(old)) == float(dist.Normal(0.0, 1.0).sample(new))


def test_calling_draws(key):
    law = dist.Normal(np.zeros(2), 1.0)
    np.testing.assert_array_equal(law(key), law.sample(key))
    value, intermediates = law(rng_key=key, sample_shape=(3,), sample_intermediates=True)
    assert value.shape == (3, 2)
    assert intermediates == []


def test_rsample_of_a_law_without_it_says_so(key):
    with pytest.raises(NotImplementedError, match="Poisson has no differentiable draw"):
        dist.Poisson(1.0).rsample(key)
    with pytest.raises(NotImplementedError, match="quantile"):
        dist.Gamma(1.0, 1.0).icdf(0.5)


def test_infer_shapes_needs_no_values():
    assert dist.Normal.infer_shapes((3, 1), scale=(4,)) == ((3, 4), ())
    assert dist.MultivariateNormal.infer_shapes((5, 2), scale_tril=(2, 2)) == ((5,), (2,))
    assert dist.Categorical.infer_shapes(probs=(5, 2)) == ((5,), ())
    assert dist.LKJCholesky.infer_shapes(3, (2,)) == ((2,), (3, 3))


def test_arguments_stay_as_they_were_given():
    loc = np.arange(3)
    law = dist.Normal(loc, 2)
    assert law.loc is loc
    assert law.get_args() == {"loc": loc, "scale": 2} or law.get_args()["scale"] == 2
    assert law.log_prob(1).dtype == jnp.float32
    assert repr(law) == "Normal(loc: (3,), scale: 2)"


def test_dtype_of_draws_and_densities_follows_the_arguments(key, x64):
    for dtype in (jnp.float32, jnp.float64):
        law = dist.Gamma(jnp.ones(2, dtype), jnp.ones(2, dtype))
        assert law.sample(key).dtype == dtype
        assert law.log_prob(jnp.ones(2, dtype)).dtype == dtype
        assert dist.Normal(jnp.zeros((), dtype), 1.0).sample(key).dtype == dtype


def test_laws_pass_through_vmap_with_their_shapes():
    locs = jnp.arange(6.0).reshape(3, 2)
    laws = jax.vmap(lambda loc: dist.Normal(loc, 1.0).to_event(1))(locs)
    assert laws.base_dist.loc.shape == (3, 2)
    inner = []

    def look(law):
        inner.append((law.batch_shape, law.event_shape))
        return law.log_prob(jnp.zeros(2))

    assert jax.vmap(look)(dist.Normal(locs, jnp.ones((3, 2))).to_event(1)).shape == (3,)
    assert inner == [((), (2,))]


def test_gradient_with_respect_to_a_law():
    slopes = jax.grad(lambda law: law.log_prob(2.0))(dist.Normal(0.0, 1.0))
    assert isinstance(slopes, dist.Normal)
    assert (float(slopes.loc), float(slopes.scale)) == (2.0, 3.0)


def test_leaves_have_names():
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(dist.Normal(0.0, 1.0))]
    assert paths == [".loc", ".scale"]


def test_all_public_laws_pickle_by_reference():
    for name in dist.__all__:
        member = getattr(dist, name)
        if isinstance(member, type):
            assert pickle.loads(pickle.dumps(member)) is member


def test_validate_args_checks_now():
    law = dist.Normal(0.0, -1.0, validate_args=False)
    with pytest.raises(SupportError, match="scale"):
        law.validate_args()
    with pytest.raises(RuntimeError, match="being traced"):
        jax.jit(lambda s: dist.Normal(0.0, s).validate_args())(1.0)
    jax.jit(lambda s: dist.Normal(0.0, s).validate_args(strict=False))(1.0)


def test_rank_promotion_may_be_an_error_for_the_caller():
    with jax.numpy_rank_promotion("raise"):
        assert dist.Normal(np.zeros((2, 1)), np.ones(3)).log_prob(np.zeros(3)).shape == (2, 3)


def test_laws_work_without_compilation(key):
    with jax.disable_jit():
        assert dist.Normal(0.0, 1.0).sample(key, (2,)).shape == (2,)
        assert float(dist.Beta(2.0, 2.0).log_prob(0.5)) == pytest.approx(np.log(1.5), rel=1e-5)
        assert dist.MultivariateNormal(np.zeros(2), scale_tril=np.eye(2)).log_prob(np.zeros(2)).shape == ()
