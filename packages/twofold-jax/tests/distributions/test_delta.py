"""Point masses, factors and improper laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.distributions import Delta, ImproperUniform, Normal, Unit, constraints, kl_divergence
from twofold_jax.errors import ShapeError


def test_delta_has_its_density_at_one_value_only():
    law = Delta(np.array([1.0, 2.0]), log_density=0.5)
    np.testing.assert_array_equal(law.log_prob(np.array([1.0, 3.0])), [0.5, -np.inf])
    whole = Delta(np.array([[1.0, 2.0]]), event_dim=1)
    assert (whole.batch_shape, whole.event_shape) == ((1,), (2,))
    np.testing.assert_array_equal(whole.log_prob(np.array([[1.0, 2.0], [1.0, 3.0]])), [0.0, -np.inf])


def test_delta_draws_need_no_key_and_repeat_the_value():
    np.testing.assert_array_equal(Delta(np.array([1.0, 2.0])).sample(None, (3,)), np.tile([1.0, 2.0], (3, 1)))
    assert Delta(2.0).has_rsample
    assert float(jax.grad(lambda v: Delta(v).rsample(None))(2.0)) == 1.0


def test_delta_moments_and_quantiles():
    law = Delta(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(law.mean, [1.0, 2.0])
    np.testing.assert_array_equal(law.variance, [0.0, 0.0])
    np.testing.assert_array_equal(law.cdf(1.5), [1.0, 0.0])
    np.testing.assert_array_equal(law.icdf(0.3), [1.0, 2.0])


def test_delta_shapes_and_transformations():
    law = Delta(np.arange(6.0).reshape(2, 3), event_dim=1)
    assert jax.jit(lambda law: law.log_prob(law.sample()))(law).shape == (2,)
    assert law.expand((4, 2)).sample(None).shape == (4, 2, 3)
    assert law.to_event(1).event_shape == (2, 3)


def test_delta_refuses_too_many_event_dims_and_nan():
    with pytest.raises(ShapeError, match="event dims"):
        Delta(1.0, event_dim=1)
    with pytest.raises(ValueError, match="'v'"):
        Delta(np.nan)


def test_unit_is_a_factor():
    law = Unit(np.array([0.5, -np.inf]))
    assert (law.batch_shape, law.event_shape) == ((2,), (0,))
    np.testing.assert_array_equal(law.log_prob(law.sample(None, (3,))), np.tile([0.5, -np.inf], (3, 1)))
    assert float(jax.grad(lambda f: Unit(f).log_prob(jnp.zeros(0)))(1.0)) == 1.0


def test_unit_masked_and_expanded():
    assert float(Unit(3.0).mask(False).log_prob(np.zeros(0))) == 0.0
    np.testing.assert_array_equal(Unit(3.0).expand((2,)).log_prob(np.zeros(0)), [3.0, 3.0])


def test_improper_uniform_is_flat_on_its_support():
    law = ImproperUniform(constraints.positive, (2,), (3,))
    assert law.log_prob(np.ones((5, 2, 3))).shape == (5, 2)
    assert law.support.event_dim == 1
    assert law.expand((4, 2)).batch_shape == (4, 2)
    with pytest.raises(ValueError, match="greater than 0"):
        law.log_prob(-np.ones((2, 3)))
    with pytest.raises(NotImplementedError, match="sampler"):
        law.sample(jax.random.PRNGKey(0))
    ordered = ImproperUniform(constraints.ordered_vector, (), (3,))
    assert float(ordered.log_prob(np.array([1.0, 2.0, 3.0]))) == 0.0
    assert jax.jit(lambda law, x: law.log_prob(x))(law, jnp.ones((2, 3))).shape == (2,)


def test_divergence_of_any_law_from_a_point_mass():
    q = Normal(0.0, 1.0)
    assert float(kl_divergence(Delta(1.0, log_density=0.25), q)) == pytest.approx(0.25 - float(q.log_prob(1.0)))
