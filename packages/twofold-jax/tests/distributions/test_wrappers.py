"""Independent, expanded and masked laws, alone and in any combination."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold_jax.distributions import (
    Dirichlet,
    ExpandedDistribution,
    Gamma,
    Independent,
    LogNormal,
    MaskedDistribution,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
    kl_divergence,
)
from twofold_jax.errors import ShapeError

SIZES = st.sampled_from([1, 2, 3])


@st.composite
def wrapped_laws(draw):
    """A Normal law of some batch shape under up to four wrappers, with the shapes it should have."""
    batch = tuple(draw(st.lists(SIZES, max_size=2)))
    law, event = Normal(np.zeros(batch), 1.0), ()
    for word in draw(st.lists(st.sampled_from(["expand", "to_event", "mask", "expand_by"]), max_size=4)):
        if word == "expand":
            batch = tuple(draw(SIZES) if n == 1 else n for n in batch)
            law = law.expand(batch)
        elif word == "expand_by":
            more = tuple(draw(st.lists(SIZES, max_size=1)))
            batch, law = more + batch, law.expand_by(more)
        elif word == "to_event":
            n = draw(st.integers(0, len(batch)))
            cut = len(batch) - n
            batch, event, law = batch[:cut], batch[cut:] + event, law.to_event(n)
        else:
            law = law.mask(draw(st.sampled_from([True, np.ones(batch, bool)])))
    return law, batch, event


@settings(max_examples=60, deadline=None)
@given(wrapped_laws())
def test_wrappers_in_any_order_keep_shapes_and_density(case):
    law, batch, event = case
    assert (law.batch_shape, law.event_shape) == (batch, event)
    value = np.full((2, *batch, *event), 0.5, np.float32)
    expected = (-0.125 - 0.5 * np.log(2 * np.pi)) * np.prod(event, dtype=int)
    np.testing.assert_allclose(law.log_prob(value), np.full((2, *batch), expected), rtol=1e-5)
    assert law.support.event_dim == len(event)
    assert jax.eval_shape(lambda law: law.sample(jax.random.PRNGKey(0), (4,)), law).shape == (4, *batch, *event)
    leaves, tree = jax.tree.flatten(law)
    again = jax.tree.unflatten(tree, leaves)
    assert (again.batch_shape, again.event_shape) == (batch, event)
    assert np.shape(law.mean) == batch + event


def test_expanded_draws_are_independent(key):
    draws = Normal(np.zeros((2, 1)), 1.0).expand((4, 2, 3)).sample(key, (5,))
    assert draws.shape == (5, 4, 2, 3)
    assert np.unique(np.asarray(draws)).size == draws.size


def test_laws_with_their_own_sampler_are_expanded_too(key):
    """A law in the manner of NumPyro defines sample(key, sample_shape) and knows nothing of expansion."""
    from twofold_jax.distributions import Distribution, constraints

    class Shifted(Distribution):
        arg_constraints = {"loc": constraints.real}
        support = constraints.real

        def __init__(self, loc, *, validate_args=None):
            self.loc = loc
            super().__init__(np.shape(loc), (), validate_args=validate_args)

        def sample(self, key, sample_shape=()):
            return self.loc + jax.random.uniform(key, (*sample_shape, *self.batch_shape))

        def log_prob(self, value):
            return jnp.where((value >= self.loc) & (value <= self.loc + 1), 0.0, -jnp.inf)

    law = Shifted(np.array([[0.0], [10.0]]))
    draws = np.asarray(law.expand((4, 2, 3)).sample(key, (5,)))
    assert draws.shape == (5, 4, 2, 3)
    assert np.unique(draws).size == draws.size
    np.testing.assert_array_equal(np.floor(draws), np.broadcast_to([[0.0], [10.0]], (5, 4, 2, 3)))
    assert law.expand((2, 3)).to_event(1).log_prob(draws[0, 0]).shape == (2,)
    assert jax.jit(lambda law: law.log_prob(0.5))(law).shape == (2, 1)
    with pytest.raises(ValueError, match="loc"):
        Shifted(np.nan)


def test_expansion_that_does_not_broadcast_is_refused():
    for shape in ((2,), (3, 2), ()):
        with pytest.raises(ShapeError, match="cannot be expanded"):
            Normal(np.zeros(3), 1.0).expand(shape)
    with pytest.raises(ShapeError, match="cannot be expanded"):
        Normal(0.0, 1.0).expand((3,)).expand((2,))


def test_to_event_beyond_the_batch_is_refused():
    with pytest.raises(ShapeError, match="2 batch dims"):
        Normal(np.zeros(3), 1.0).to_event(2)
    assert Normal(np.zeros((2, 3)), 1.0).to_event().event_shape == (2, 3)
    twice = Normal(np.zeros((2, 3)), 1.0).to_event(1).to_event(1)
    assert isinstance(twice.base_dist, Normal)
    assert twice.event_shape == (2, 3)


def test_masked_out_values_cost_nothing_and_leave_gradients_finite():
    mask = jnp.array([True, False, False])
    values = jnp.array([1.0, jnp.nan, -5.0])

    def score(value, rate):
        return Gamma(2.0, rate).mask(mask).log_prob(value).sum()

    total, slopes = jax.jit(jax.value_and_grad(score, argnums=(0, 1)))(values, 3.0)
    assert float(total) == pytest.approx(float(Gamma(2.0, 3.0).log_prob(1.0)), rel=1e-6)
    np.testing.assert_allclose(slopes[0], [-2.0, 0.0, 0.0], atol=1e-6)
    assert float(slopes[1]) == pytest.approx(2 / 3 - 1, rel=1e-5)


@pytest.mark.parametrize(
    ("law", "bad"),
    [
        (Normal(0.0, 1.0), np.nan),
        (Uniform(np.array([0.0, 1.0]), np.array([1.0, 2.0])), 7.0),
        (Poisson(3.0), -1.0),
        (LogNormal(0.0, 1.0), -1.0),
        (Dirichlet(np.ones(3)), np.full(3, np.nan)),
        (MultivariateNormal(np.zeros(2), scale_tril=np.eye(2)), np.full(2, np.inf)),
    ],
)
def test_masked_out_values_are_not_checked_but_others_are(law, bad):
    mask = np.zeros(2, bool)
    values = np.broadcast_to(bad, (2, *law.event_shape))
    np.testing.assert_array_equal(law.mask(mask).log_prob(values), [0.0, 0.0])
    np.testing.assert_array_equal(law.expand((2,)).mask(mask).log_prob(values), [0.0, 0.0])
    mask[1] = True
    with pytest.raises(ValueError, match=type(law).__name__):
        law.mask(mask).log_prob(values)


def test_masks_of_events_and_nested_masks(key):
    law = (
        Normal(np.zeros((3, 2)), 1.0)
        .to_event(1)
        .mask(np.array([True, True, False]))
        .mask(np.array([False, True, True]))
    )
    value = law.sample(key)
    scores = np.asarray(law.log_prob(value))
    assert (scores[[0, 2]] == 0).all()
    assert scores[1] == pytest.approx(float(Normal(0.0, 1.0).log_prob(value[1]).sum()), rel=1e-5)


def test_a_mask_may_widen_the_batch():
    law = Normal(0.0, 1.0).mask(np.array([True, False]))
    assert law.batch_shape == (2,)
    assert law.log_prob(0.0).shape == (2,)
    with pytest.raises(ShapeError, match="mask"):
        Normal(np.zeros(3), 1.0).mask(np.array([True, False]))


def test_masks_that_are_not_boolean_are_refused():
    for mask in (1, 0.5, np.array([0.0, 1.0])):
        with pytest.raises(ValueError, match="boolean"):
            Normal(0.0, 1.0).mask(mask)


def test_wrappers_answer_for_their_base(key):
    base = Normal(np.array([1.0, 2.0]), 3.0)
    for law in (base.expand((4, 2)), base.mask(np.array([True, False])), base.to_event(1)):
        assert law.has_rsample
        assert not law.is_discrete
        assert law.variance.shape == law.shape()
        assert "Normal" in repr(law)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(law)).sample(key), law.sample(key))
    np.testing.assert_allclose(base.expand((4, 2)).entropy(), np.broadcast_to(base.entropy(), (4, 2)))
    np.testing.assert_allclose(base.to_event(1).entropy(), base.entropy().sum())
    np.testing.assert_allclose(base.expand((4, 2)).cdf(1.0), base.cdf(1.0))
    assert Poisson(np.ones(2)).expand((3, 2)).is_discrete


def test_intermediates_pass_through_wrappers(key):
    law = LogNormal(np.zeros(3), 1.0).expand((2, 3)).to_event(1).mask(np.array([True, False]))
    value, intermediates = law.sample_with_intermediates(key, (5,))
    np.testing.assert_allclose(law.log_prob(value, intermediates), law.log_prob(value), rtol=1e-5, atol=1e-5)


def test_divergences_carry_over_to_wrapped_laws():
    p, q = Normal(np.zeros((2, 3)), 1.0), Normal(np.ones(3), 2.0)
    parts = np.asarray(kl_divergence(p, q))
    assert parts.shape == (2, 3)
    np.testing.assert_allclose(kl_divergence(p.to_event(1), q.expand((2, 3)).to_event(1)), parts.sum(-1), rtol=1e-6)
    np.testing.assert_allclose(kl_divergence(p.to_event(2), q.expand((2, 3)).to_event(2)), parts.sum(), rtol=1e-6)
    np.testing.assert_allclose(kl_divergence(Normal(0.0, 1.0).expand((2, 3)), q), parts, rtol=1e-6)
    scalar = Normal(0.0, 1.0).expand((3,)).to_event(1)
    np.testing.assert_allclose(kl_divergence(scalar, q.to_event(1)), parts[0].sum(), rtol=1e-6)
    mask = np.array([True, False, True])
    np.testing.assert_allclose(kl_divergence(p.mask(mask), q.mask(np.ones(3, bool))), parts * mask, rtol=1e-6)
    with pytest.raises(NotImplementedError, match="register_kl"):
        kl_divergence(Normal(0.0, 1.0), Poisson(1.0))


def test_wrapper_classes():
    assert isinstance(Normal(0.0, 1.0).expand((2,)), ExpandedDistribution)
    assert isinstance(Normal(0.0, 1.0).expand((2,)).to_event(1), Independent)
    assert isinstance(Normal(0.0, 1.0).mask(False), MaskedDistribution)
    law = Normal(0.0, 1.0)
    assert law.mask(True) is law
    assert law.expand(()) is law
    assert law.to_event(0) is law
