"""Constraints: membership, a member, equality, pickling, words and data."""

import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twofold_jax.distributions import constraints as c
from twofold_jax.errors import FileFormatError

MEMBERS = [
    (c.real, [0.0, -3.0], [np.nan, np.inf]),
    (c.positive, [0.1, 5.0], [0.0, -1.0, np.nan]),
    (c.softplus_positive, [0.1], [0.0]),
    (c.nonnegative, [0.0, 5.0], [-1e-9, np.nan]),
    (c.unit_interval, [0.0, 0.5, 1.0], [-0.1, 1.1]),
    (c.circular, [-3.0, 3.0], [3.2]),
    (c.boolean, [0.0, 1.0], [0.5, 2.0]),
    (c.integer, [-3.0, 4.0], [0.5, np.inf]),
    (c.nonnegative_integer, [0.0, 4.0], [0.5, -1.0]),
    (c.positive_integer, [1.0], [0.0, 1.5]),
    (c.greater_than(2.0), [2.5], [2.0, 1.0]),
    (c.greater_than_eq(2.0), [2.0], [1.0]),
    (c.less_than(2.0), [1.0], [2.0]),
    (c.less_than_eq(2.0), [2.0], [2.5]),
    (c.interval(-1.0, 3.0), [-1.0, 3.0], [-1.1, 3.1]),
    (c.open_interval(-1.0, 3.0), [0.0], [-1.0, 3.0]),
    (c.integer_interval(-1, 3), [-1, 3], [4, -2]),
    (c.integer_greater_than(2), [2, 7], [1]),
    (c.real_vector, [[1.0, 2.0]], [[1.0, np.nan]]),
    (c.simplex, [[0.2, 0.8], [0.0, 1.0]], [[0.3, 0.8], [-0.2, 1.2]]),
    (c.ordered_vector, [[-1.0, 2.0]], [[2.0, 2.0], [3.0, 1.0]]),
    (c.positive_ordered_vector, [[1.0, 2.0]], [[-1.0, 2.0]]),
    (c.sphere, [[0.6, 0.8]], [[0.6, 0.9]]),
    (c.l1_ball, [[0.6, -0.4]], [[0.6, 0.6]]),
    (c.one_hot, [[0.0, 1.0]], [[1.0, 1.0], [0.5, 0.5]]),
    (c.multinomial(3), [[1, 2], [3, 0]], [[1, 1], [4, -1]]),
    (c.zero_sum(1), [[1.0, -1.0]], [[1.0, 1.0]]),
    (c.positive_definite_circulant_vector, [[2.0, 0.5, 0.5]], [[0.5, 2.0, 2.0]]),
    (c.independent(c.positive, 1), [[1.0, 2.0]], [[1.0, -2.0]]),
    (c.lower_cholesky, [[[1.0, 0.0], [2.0, 3.0]]], [[[1.0, 1.0], [2.0, 3.0]], [[1.0, 0.0], [2.0, -3.0]]]),
    (c.softplus_lower_cholesky, [[[1.0, 0.0], [2.0, 3.0]]], [[[1.0, 1.0], [2.0, 3.0]]]),
    (c.scaled_unit_lower_cholesky, [[[1.0, 0.0], [2.0, 3.0]]], [[[-1.0, 0.0], [2.0, 3.0]]]),
    (c.unit_lower_cholesky, [[[1.0, 0.0], [2.0, 1.0]]], [[[1.0, 0.0], [2.0, 3.0]]]),
    (c.corr_cholesky, [[[1.0, 0.0], [0.6, 0.8]]], [[[1.0, 0.0], [0.6, 0.9]]]),
    (c.corr_matrix, [[[1.0, 0.5], [0.5, 1.0]]], [[[1.0, 2.0], [2.0, 1.0]], [[2.0, 0.5], [0.5, 1.0]]]),
    (c.positive_definite, [[[2.0, 0.5], [0.5, 1.0]]], [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]]]),
    (c.positive_semidefinite, [[[1.0, 1.0], [1.0, 1.0]]], [[[1.0, 2.0], [2.0, 1.0]]]),
    (c.real_matrix, [[[1.0, 2.0], [2.0, 1.0]]], [[[1.0, np.inf], [2.0, 1.0]]]),
]


@pytest.mark.parametrize(("constraint", "inside", "outside"), MEMBERS, ids=lambda x: str(x)[:30])
def test_membership_by_numpy_and_by_jax(constraint, inside, outside):
    for values, expected in ((inside, True), (outside, False)):
        array = np.array(values)
        for x in (array, jnp.asarray(array)):
            seen = constraint(x)
            assert np.shape(seen) == (len(values),)
            assert np.all(np.asarray(seen) == expected), (constraint, values)
        assert not isinstance(constraint(array), jax.Array)
    assert constraint.check(np.array(inside)).all()


@pytest.mark.parametrize(("constraint", "inside"), [row[:2] for row in MEMBERS], ids=lambda x: str(x)[:30])
def test_feasible_values_are_members_of_the_same_shape_and_dtype(constraint, inside):
    for prototype in (np.array(inside), jnp.asarray(np.array(inside))):
        feasible = constraint.feasible_like(prototype)
        assert feasible.shape == prototype.shape
        assert feasible.dtype == prototype.dtype
        assert np.all(constraint(feasible))


@pytest.mark.parametrize("constraint", [row[0] for row in MEMBERS], ids=lambda x: str(x)[:30])
def test_constraints_compare_by_value_and_survive_pickle_json_and_trees(constraint):
    again = pickle.loads(pickle.dumps(constraint))
    assert again == constraint
    assert hash(again) == hash(constraint)
    assert c.from_spec(json.loads(json.dumps(c.to_spec(constraint)))) == constraint
    leaves, tree = jax.tree.flatten(constraint)
    assert jax.tree.unflatten(tree, leaves) == constraint
    assert isinstance(c.describe(constraint), str)


def test_singletons_stay_themselves():
    for name in ("real", "positive", "simplex", "real_vector", "unit_interval", "corr_cholesky", "nonnegative_integer"):
        constraint = getattr(c, name)
        assert pickle.loads(pickle.dumps(constraint)) is constraint
        assert c.from_spec(c.to_spec(constraint)) is constraint


def test_different_constraints_differ():
    assert c.positive != c.nonnegative
    assert c.greater_than(1.0) != c.greater_than(2.0)
    assert c.interval(0.0, np.ones(2)) == c.interval(0.0, np.ones(2))
    assert c.independent(c.real, 1) == c.real_vector
    assert c.independent(c.independent(c.real, 1), 1) == c.real_matrix


def test_scalars_are_tested_without_arrays():
    assert c.positive(1.0) is True
    assert c.real(float("nan")) is False


def test_bounds_may_be_traced():
    @jax.jit
    def inside(low, x):
        return c.interval(low, low + 1.0)(x)

    np.testing.assert_array_equal(inside(1.0, jnp.array([0.5, 1.5])), [False, True])


def test_cat_tests_each_piece():
    constraint = c.cat([c.positive, c.real], dim=-1, lengths=[2, 1])
    np.testing.assert_array_equal(constraint(np.array([1.0, -1.0, -1.0])), [True, False, True])
    assert np.all(constraint(constraint.feasible_like(np.zeros(3))))
    assert c.from_spec(c.to_spec(constraint)) == constraint
    with pytest.raises(ValueError, match="lengths"):
        c.cat([c.real], lengths=[1, 2])


def test_array_bounds_and_infinities_survive_json():
    constraint = c.interval(jnp.zeros(2), np.inf)
    again = c.from_spec(json.loads(json.dumps(c.to_spec(constraint))))
    assert again == constraint
    assert again.lower_bound.dtype == jnp.float32


@pytest.mark.parametrize(
    "spec", [{}, {"name": "nonsense"}, {"name": "interval"}, {"name": "greater_than", "lower_bound": []}, 3]
)
def test_damaged_data_is_refused(spec):
    with pytest.raises(FileFormatError):
        c.from_spec(spec)


def test_dependent_constraints():
    assert c.is_dependent(c.dependent)
    assert c.dependent(is_discrete=True, event_dim=1).event_dim == 1
    assert not c.is_dependent(c.real)
    with pytest.raises(ValueError, match="support"):
        c.dependent(1.0)
    with pytest.raises(TypeError, match="written form"):
        c.to_spec(c.dependent)


def test_descriptions_are_words():
    assert c.describe(c.interval(-1.0, 2.0)) == "between -1 and 2"
    assert c.describe(c.independent(c.positive, 1)) == "greater than 0 (each entry)"
    assert c.describe(c.greater_than(np.zeros(3))) == "greater than an array of bounds, shape (3,)"
