"""Laws of the statements."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import DuplicateSiteError, RandomKeyError, SiteTypeError, SupportError
from twofold_jax.messages import joint_log_density
from twofold_jax.primitives import mutable


@pytest.mark.parametrize("fn", [None, 3.0, "normal", lambda rng_key, sample_shape: 0.0, object()])
def test_sample_refuses_what_is_no_law_and_names_its_type(fn: Any) -> None:
    for context in (handlers.seed(rng_seed=0), handlers.block()):
        with context, pytest.raises(SiteTypeError, match=type(fn).__name__):
            tf.sample("x", fn)


def test_sample_refuses_a_class_in_the_place_of_an_instance() -> None:
    with pytest.raises(SiteTypeError, match=r"Normal\(\.\.\.\)"):
        tf.sample("x", dist.Normal)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [1, None, ("a",)])
@pytest.mark.parametrize("statement", ["sample", "param", "deterministic", "factor", "plate"])
def test_names_are_strings(statement: str, name: Any) -> None:
    second: Any = {"sample": dist.Normal(0.0, 1.0), "plate": 3}.get(statement, 1.0)
    with pytest.raises(SiteTypeError, match=f"name of a {statement} statement"):
        getattr(tf, statement)(name, second)


@pytest.mark.parametrize("obs", [0.5, np.float32(0.5), np.array([0.5, 1.0]), jnp.array([0.5, 1.0]), False, 0])
def test_an_observation_is_returned_as_it_was_given(obs: Any) -> None:
    assert tf.sample("x", dist.Normal(0.0, 1.0), obs=obs) is obs
    with handlers.trace() as sites:
        assert tf.sample("x", dist.Normal(0.0, 1.0), obs=obs) is obs
    assert sites["x"]["value"] is obs
    np.testing.assert_allclose(joint_log_density(sites), norm.logpdf(np.asarray(obs)).sum(), rtol=1e-6)


def test_a_list_is_an_observation_and_text_is_none() -> None:
    assert tf.sample("x", dist.Normal(0.0, 1.0), obs=[0.5, 1.0]).shape == (2,)  # type: ignore[arg-type]
    for wrong in ("1.0", [None, 1.0], {"a": 1}):
        with pytest.raises(SiteTypeError, match="'x'"):
            tf.sample("x", dist.Normal(0.0, 1.0), obs=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("sample_shape", [[3], 3, (2.0,), (-1,), (True,)])
def test_sample_shape_is_a_tuple_of_sizes(sample_shape: Any) -> None:
    with pytest.raises(SiteTypeError, match="sample_shape of site 'x'"), handlers.seed(rng_seed=0):
        tf.sample("x", dist.Normal(0.0, 1.0), sample_shape=sample_shape)


def test_an_observation_outside_the_support_names_the_site_unless_validation_is_off() -> None:
    def model() -> Any:
        return tf.sample("x", dist.HalfNormal(1.0), obs=np.array([1.0, -1.0]))

    with pytest.raises(SupportError, match="'x'"):
        handlers.trace(model).get_trace()
    with tf.validation_enabled(False):
        handlers.trace(model).get_trace()
    handlers.trace(handlers.mask(model, mask=np.array([True, False]))).get_trace()


def test_a_nan_in_the_data_names_the_site_unless_it_is_masked() -> None:
    data = np.array([0.0, np.nan])

    def model(mask: Any) -> Any:
        with handlers.mask(mask=mask):
            return tf.sample("x", dist.Normal(0.0, 1.0), obs=data)

    with pytest.raises(SupportError, match="'x'"):
        handlers.trace(model).get_trace(True)
    joint = joint_log_density(handlers.trace(model).get_trace(~np.isnan(data)))
    np.testing.assert_allclose(joint, norm.logpdf(0.0), rtol=1e-6)


def test_traced_values_are_not_looked_at() -> None:
    def density(x: Any) -> Any:
        return joint_log_density(handlers.trace(lambda: tf.sample("x", dist.HalfNormal(1.0), obs=x)).get_trace())

    assert jax.jit(density)(-1.0).shape == ()


def test_infer_is_copied() -> None:
    given = {"k": 1}
    with handlers.trace() as sites, handlers.infer_config(config_fn=lambda site: {"q": 2}):
        tf.sample("x", dist.Normal(0.0, 1.0), obs=0.0, infer=given)
    assert given == {"k": 1}
    assert sites["x"]["infer"] == {"k": 1, "q": 2}


MASK = np.array([True, False, True])
DATA = np.array([1.0, np.nan, 3.0])


def partly(**more: Any) -> Any:
    return tf.sample("x", dist.Normal(0.0, 2.0), obs=DATA, obs_mask=MASK, **more)


def test_obs_mask_makes_three_sites_whose_joint_counts_each_entry_once() -> None:
    sites = handlers.trace(handlers.seed(lambda: partly(infer={"k": 1}), rng_seed=0)).get_trace()
    assert list(sites) == ["x_observed", "x_unobserved", "x"]
    value = np.asarray(sites["x"]["value"])
    np.testing.assert_allclose(value[MASK], DATA[MASK])
    assert np.isfinite(value).all()
    np.testing.assert_allclose(joint_log_density(sites), norm.logpdf(value, 0.0, 2.0).sum(), rtol=1e-5)
    assert sites["x_unobserved"]["infer"] == {"k": 1}


def test_obs_mask_has_gradients_past_missing_data() -> None:
    def density(scale: Any) -> Any:
        def model() -> Any:
            return tf.sample("x", dist.Normal(0.0, scale), obs=DATA, obs_mask=MASK)

        data = {"x_unobserved": jnp.array([0.0, 2.0, 0.0])}
        return joint_log_density(handlers.trace(handlers.substitute(model, data=data)).get_trace())

    values = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(jax.grad(density)(2.0), (values**2 / 8.0 - 0.5).sum(), rtol=1e-5)


def test_obs_mask_acts_outside_of_handlers_too() -> None:
    value = partly(rng_key=jax.random.key(0))
    assert np.isfinite(value).all()
    np.testing.assert_allclose(value[MASK], DATA[MASK])


@pytest.mark.parametrize("mask", [True, False])
def test_obs_mask_may_be_one_bool(mask: bool) -> None:
    value = tf.sample("x", dist.Normal(0.0, 2.0), obs=1.5, obs_mask=mask, rng_key=jax.random.key(0))
    assert (float(value) == 1.5) is mask


def test_obs_mask_keeps_sample_shape() -> None:
    value = partly(sample_shape=(2,), rng_key=jax.random.key(0))
    assert value.shape == (2, 3)
    assert value[0, 1] != value[1, 1]


@pytest.mark.parametrize("mask", [np.array([1.0, 0.0, 1.0]), 1])
def test_obs_mask_is_boolean(mask: Any) -> None:
    with pytest.raises(SiteTypeError, match="site 'x' with obs_mask"):
        tf.sample("x", dist.Normal(0.0, 2.0), obs=DATA, obs_mask=mask)


@pytest.mark.parametrize("value", [2.0, np.array(2.0), {"a": 1}, None])
def test_deterministic_returns_its_value_whatever_handlers_say(value: Any) -> None:
    assert tf.deterministic("d", value) is value
    assert handlers.substitute(lambda: tf.deterministic("d", value), data={"d": 7.0})() is value


def test_factor_refuses_what_is_no_number() -> None:
    for wrong in (None, "1"):
        with pytest.raises(SiteTypeError, match="'f'"):
            tf.factor("f", wrong)  # type: ignore[arg-type]


def test_factor_takes_no_key() -> None:
    def model(with_factor: bool) -> Any:
        if with_factor:
            tf.factor("f", 1.0)
        return tf.sample("x", dist.Normal(0.0, 1.0))

    assert handlers.seed(model, rng_seed=0)(True) == handlers.seed(model, rng_seed=0)(False)


def test_a_name_is_used_once_whatever_the_statements() -> None:
    statements = {
        "sample": lambda: tf.sample("n", dist.Normal(0.0, 1.0)),
        "param": lambda: tf.param("n", 1.0),
        "deterministic": lambda: tf.deterministic("n", 1.0),
        "factor": lambda: tf.factor("n", 1.0),
        "plate": lambda: tf.plate("n", 2),
    }
    for first, make_first in statements.items():
        for second, make_second in statements.items():
            if first == second == "param":
                continue
            run = handlers.seed(lambda a=make_first, b=make_second: (a(), b()), rng_seed=0)
            with pytest.raises(DuplicateSiteError, match="'n'"):
                handlers.trace(run).get_trace()


def test_prng_keys_differ_and_need_a_seed() -> None:
    with handlers.seed(rng_seed=0):
        first, second = tf.prng_key(), tf.prng_key()
    assert not np.array_equal(first, second)
    with pytest.raises(RandomKeyError, match="prng_key"):
        tf.prng_key()


def test_get_mask_is_the_conjunction_of_the_masks_around() -> None:
    rows = np.array([True, False])
    assert tf.get_mask() is None
    with handlers.mask(mask=rows):
        with handlers.mask(mask=False):
            np.testing.assert_array_equal(tf.get_mask(), [False, False])
        np.testing.assert_array_equal(tf.get_mask(), rows)


def test_subsample_takes_the_rows_of_all_plates_and_keeps_trees() -> None:
    data = {"a": np.arange(12.0).reshape(4, 3), "b": np.arange(3.0)}
    with handlers.seed(rng_seed=0):
        outer, inner = tf.plate("columns", 3, subsample_size=2), tf.plate("rows", 4, subsample_size=2)
    with outer as columns, inner as rows:
        taken = tf.subsample(data, 0)
    np.testing.assert_array_equal(taken["a"], data["a"][np.asarray(rows)[:, None], np.asarray(columns)])
    np.testing.assert_array_equal(taken["b"], data["b"][np.asarray(columns)])
    assert tf.subsample(data, 0) is data


def test_mutable_state_is_recorded_and_can_be_supplied() -> None:
    def model() -> int:
        state = mutable("state", {"calls": 0})
        state["calls"] += 1
        return int(state["calls"])

    assert model() == 1
    assert handlers.substitute(model, data={"state": {"calls": 4}})() == 5
    assert handlers.trace(model).get_trace()["state"]["value"] == {"calls": 1}


def test_constraint_and_event_dim_of_a_param_may_stand_by_position() -> None:
    with handlers.trace() as sites, handlers.seed(rng_seed=0), tf.plate("rows", 4, subsample_size=2):
        value = tf.param("scale", jnp.ones(4), dist.constraints.positive, 0)
    assert value.shape == (2,)
    assert sites["scale"]["kwargs"] == {"constraint": dist.constraints.positive, "event_dim": 0}
