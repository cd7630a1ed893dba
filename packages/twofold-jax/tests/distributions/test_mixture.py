"""Mixtures against sums of densities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from twofold_jax.distributions import (
    Categorical,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
)
from twofold_jax.errors import ShapeError, SiteTypeError

WEIGHTS, LOCS, SCALES = np.array([0.2, 0.5, 0.3]), np.array([-2.0, 0.0, 3.0]), np.array([0.5, 1.0, 2.0])


def _mixture() -> MixtureSameFamily:
    return MixtureSameFamily(Categorical(WEIGHTS), Normal(LOCS, SCALES))


def test_log_prob_and_cdf_are_weighted_sums():
    points = np.array([-3.0, 0.5, 20.0])
    expected = (WEIGHTS * stats.norm.pdf(points[:, None], LOCS, SCALES)).sum(-1)
    np.testing.assert_allclose(_mixture().log_prob(points), np.log(expected), rtol=1e-5)
    below = (WEIGHTS * stats.norm.cdf(points[:, None], LOCS, SCALES)).sum(-1)
    np.testing.assert_allclose(_mixture().cdf(points), below, rtol=1e-5)
    parts = _mixture().component_log_probs(points)
    np.testing.assert_allclose(jax.nn.logsumexp(parts, -1), np.log(expected), rtol=1e-5)


def test_draws_follow_the_mixture_and_its_moments(check):
    cdf = lambda x: (WEIGHTS * stats.norm.cdf(np.asarray(x)[:, None], LOCS, SCALES)).sum(-1)  # noqa: E731
    check.draws_follow(_mixture(), cdf)
    mean = WEIGHTS @ LOCS
    check.moments(_mixture(), mean, WEIGHTS @ (SCALES**2 + LOCS**2) - mean**2)


def test_event_dims_and_batches(check):
    components = MultivariateNormal(np.arange(24.0).reshape(2, 4, 3), scale_tril=np.eye(3))
    law = MixtureSameFamily(Categorical(logits=np.zeros(4)), components)
    assert (law.batch_shape, law.event_shape) == ((2,), (3,))
    check.behaves(law)
    check.behaves(MixtureSameFamily(Categorical(logits=np.zeros((2, 3))), Poisson(np.array([1.0, 5.0, 30.0]))))


def test_support_is_the_hull_of_the_components():
    law = MixtureSameFamily(Categorical(np.array([0.5, 0.5])), Uniform(np.array([0.0, 2.0]), np.array([1.0, 5.0])))
    assert (float(law.support.lower_bound), float(law.support.upper_bound)) == (0.0, 5.0)
    assert float(law.log_prob(0.5)) == pytest.approx(np.log(0.5))
    assert float(law.log_prob(1.5)) == -np.inf


def test_gradients_are_finite_where_one_component_has_no_mass(check):
    check.gradients(lambda m: MixtureSameFamily(Categorical(WEIGHTS), Normal(m, SCALES)), [LOCS], [0.5, -1.0])
    low = jnp.array([0.0, 2.0])
    law = lambda t: MixtureSameFamily(Categorical(logits=t), Uniform(low, low + 1.0))  # noqa: E731
    slope = jax.grad(lambda t: law(t).log_prob(0.5))(jnp.zeros(2))
    np.testing.assert_allclose(slope, [0.5, -0.5], atol=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(SiteTypeError, match="Categorical"):
        MixtureSameFamily(Normal(0.0, 1.0), Normal(LOCS, 1.0))
    with pytest.raises(ShapeError, match="3 categories"):
        MixtureSameFamily(Categorical(WEIGHTS), Normal(np.zeros(4), 1.0))
