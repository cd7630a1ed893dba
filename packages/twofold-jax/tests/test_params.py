"""Laws of params."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.distributions import constraints
from twofold_jax.errors import NonFiniteError, PlateError, RandomKeyError, SiteTypeError, SupportError
from twofold_jax.params import take_along_plate


@pytest.mark.parametrize("value", [2, 2.0, np.float64(2.0), np.array([2.0, 3.0]), jnp.array(2.0)])
def test_an_initial_value_becomes_an_array(value: Any) -> None:
    given = tf.param("p", value)
    np.testing.assert_array_equal(given, value)
    assert given.shape == np.shape(value)


def test_a_tree_stays_as_it_is() -> None:
    tree = {"w": np.ones(2)}
    assert tf.param("p", tree) is tree


def test_both_names_of_the_initial_value_are_understood() -> None:
    assert tf.param("p", init_tensor=2.0) == 2.0


@pytest.mark.parametrize("value", [-1.0, np.array([1.0, -1.0]), lambda key: jnp.array(-1.0)])
def test_an_initial_value_outside_its_constraint_is_refused(value: Any) -> None:
    with handlers.seed(rng_seed=0), pytest.raises(SupportError, match="param 'p'"):
        tf.param("p", value, constraint=constraints.positive)
    with tf.validation_enabled(False), handlers.seed(rng_seed=0):
        tf.param("p", value, constraint=constraints.positive)


def test_nan_as_an_initial_value_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="param 'p'"):
        tf.param("p", np.array([1.0, np.nan]))


@pytest.mark.parametrize("value", ["1.0", b"1"])
def test_text_is_no_initial_value(value: Any) -> None:
    with pytest.raises(SiteTypeError, match="param 'p'"):
        tf.param("p", value)


@pytest.mark.parametrize("event_dim", [-1, 0.5, True])
def test_event_dim_counts_dims(event_dim: Any) -> None:
    with pytest.raises(SiteTypeError, match="event_dim of param 'p'"):
        tf.param("p", 1.0, event_dim=event_dim)


def test_a_callable_needs_a_key_and_depends_on_it_alone() -> None:
    def model() -> Any:
        return tf.param("p", lambda key: dist.Normal(0.0, 1.0).sample(key))

    with pytest.raises(RandomKeyError, match="param 'p'"):
        model()
    with pytest.raises(RandomKeyError, match="param 'p'"), handlers.trace():
        model()
    values = [float(handlers.seed(model, rng_seed=seed)()) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("outer", ["trace", "seed"])
def test_two_statements_of_one_run_are_one_parameter(outer: str) -> None:
    calls = []

    def init(key: Any) -> Any:
        calls.append(key)
        return jnp.array(2.0)

    def model() -> tuple[Any, Any]:
        return tf.param("p", init), tf.param("p", 3.0)

    seeded = handlers.seed(model, rng_seed=0)
    run = handlers.trace(seeded) if outer == "trace" else seeded
    assert run() == (2.0, 2.0)
    assert run() == (2.0, 2.0)
    assert len(calls) == 2


def test_statements_in_two_scopes_are_two_parameters() -> None:
    def part(value: float) -> Any:
        return tf.param("p", value)

    def model() -> tuple[Any, ...]:
        return tuple(
            handlers.scope(part, prefix=prefix)(value) for prefix, value in (("a", 1.0), ("b", 2.0), ("a", 3.0))
        )

    assert handlers.seed(model, rng_seed=0)() == (1.0, 2.0, 1.0)
    assert list(handlers.trace(model).get_trace()) == ["a/p", "b/p"]


def test_substitution_does_not_shift_the_keys_of_other_sites() -> None:
    def model() -> Any:
        tf.param("p", lambda key: jnp.array(1.0))
        return tf.sample("x", dist.Normal(0.0, 1.0))

    plain = handlers.seed(model, rng_seed=0)()
    assert handlers.seed(handlers.substitute(model, data={"p": 2.0}), rng_seed=0)() == plain


def test_the_trace_keeps_all_rows_and_the_statement_gives_those_of_the_minibatch() -> None:
    rows = np.arange(10.0)

    def model() -> Any:
        with tf.plate("rows", 5, subsample_size=2) as indices:
            first = tf.param("p", rows.reshape(5, 2), event_dim=1)
            again = tf.param("p", rows.reshape(5, 2), event_dim=1)
        return indices, first, again

    with handlers.trace() as sites:
        indices, first, again = handlers.seed(model, rng_seed=0)()
    np.testing.assert_array_equal(first, rows.reshape(5, 2)[np.asarray(indices)])
    np.testing.assert_array_equal(first, again)
    assert sites["p"]["value"].shape == (5, 2)


@pytest.mark.parametrize("subsample_size", [2, 5])
def test_rows_that_do_not_fit_the_plate_are_refused(subsample_size: int) -> None:
    refusal = pytest.raises(PlateError, match="param 'p' does not fit plate 'rows'")
    with handlers.seed(rng_seed=0), tf.plate("rows", 5, subsample_size=subsample_size), refusal:
        tf.param("p", np.zeros(4), event_dim=0)


def test_rows_are_taken_in_the_dim_of_the_plate() -> None:
    value = np.arange(24.0).reshape(2, 3, 4)
    taken = take_along_plate(value, 1, plate="p", dim=-2, size=2, indices=jnp.array([1]), site="s")
    np.testing.assert_array_equal(taken, value[[1]])
    whole = take_along_plate(value, 3, plate="p", dim=-1, size=7, indices=jnp.array([1]), site="s")
    assert whole is value
