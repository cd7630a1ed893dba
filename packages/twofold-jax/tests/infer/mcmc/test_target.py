"""Laws of what chains move in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax.errors import InferenceError, ShapeError, UnknownSiteError
from twofold_jax.infer import make_potential
from twofold_jax.infer.mcmc.target import FunctionTarget, ModelTarget


def model():
    tf.sample("a", dist.Normal(0.0, 1.0))
    b = tf.sample("b", dist.HalfNormal(1.0).expand((2,)).to_event(1))
    tf.factor("trap", jnp.log(b[0] - 100.0))


def test_init_params_fill_the_flat_vector_in_the_order_of_the_sites():
    target = ModelTarget(make_potential(model))
    same = target.positions({"b": np.array([1.0, 2.0]), "a": 3.0}, 2)
    np.testing.assert_allclose(same, [[3.0, 1.0, 2.0]] * 2)
    each = target.positions({"a": np.array([3.0, 4.0]), "b": np.array([[1.0, 2.0], [5.0, 6.0]])}, 2)
    np.testing.assert_allclose(each, [[3.0, 1.0, 2.0], [4.0, 5.0, 6.0]])


def test_init_params_are_checked_by_name_and_shape():
    target = ModelTarget(make_potential(model))
    with pytest.raises(UnknownSiteError, match="latent sites"):
        target.positions({"a": 0.0}, 1)
    with pytest.raises(ShapeError, match="'b'"):
        target.positions({"a": 0.0, "b": np.zeros(3)}, 1)


def test_explanation_names_the_site_that_is_not_finite():
    error = ModelTarget(make_potential(model)).explain(jnp.zeros(3))
    assert "'trap'" in str(error)
    assert "init_to_value" in str(error)


def test_function_of_a_pytree_is_a_density_of_a_vector():
    target = FunctionTarget(lambda z: 0.5 * (z["x"] ** 2).sum() + z["y"], {"x": np.array([1.0, 2.0]), "y": 3.0}, 1)
    assert target.size == 3
    assert target.traced_log_density()(jnp.array([1.0, 2.0, 3.0]), []) == pytest.approx(-5.5)
    assert target.traced_constrain()(jnp.array([1.0, 2.0, 3.0]), [])["x"].tolist() == [1.0, 2.0]


def test_function_needs_a_start():
    with pytest.raises(InferenceError, match="where to start"):
        FunctionTarget(jnp.sum, None, 1)


def test_chains_of_a_function_start_at_rows():
    target = FunctionTarget(lambda z: z["x"].sum(), {"x": np.arange(6.0).reshape(3, 2)}, 3)
    np.testing.assert_allclose(target.positions({"x": np.arange(6.0).reshape(3, 2)}, 3), np.arange(6.0).reshape(3, 2))
    assert "energy" in str(target.explain(jax.numpy.array([jnp.nan, 0.0])))
