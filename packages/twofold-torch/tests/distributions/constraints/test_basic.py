"""Each constraint accepts what is inside and refuses what is not."""

import math

import pytest
import torch

from twofold_torch.distributions import constraints as C

EYE = torch.eye(2)
CASES = {
    "integer": (C.integer, [2.0, -3.0], [0.5, math.nan]),
    "open_interval": (C.open_interval(0.0, 1.0), [0.5], [0.0, 1.0, math.nan]),
    "circular": (C.circular, [math.pi / 2], [4.0]),
    "softplus_positive": (C.softplus_positive, [1e-30], [0.0, -1.0, math.nan]),
    "simplex": (C.simplex, [[0.2, 0.8]], [[0.2, 0.7], [-0.1, 1.1]]),
    "sphere": (C.sphere, [[0.6, 0.8]], [[0.6, 0.7]]),
    "l1_ball": (C.l1_ball, [[0.5, -0.5]], [[0.8, -0.5]]),
    "ordered_vector": (C.ordered_vector, [[-1.0, 2.0]], [[2.0, 2.0], [1.0, math.nan]]),
    "positive_ordered_vector": (C.positive_ordered_vector, [[1.0, 2.0]], [[-1.0, 2.0], [2.0, 1.0]]),
    "zero_sum": (C.zero_sum(1), [[1.0, -1.0]], [[1.0, -0.9]]),
    "zero_sum_2": (C.zero_sum(2), [[[1.0, -1.0], [-1.0, 1.0]]], [[[1.0, -1.0], [1.0, -1.0]]]),
    "unit_lower_cholesky": (
        C.unit_lower_cholesky,
        [[[1.0, 0.0], [5.0, 1.0]]],
        [[[1.0, 0.1], [0.0, 1.0]], [[2.0, 0.0], [0.0, 1.0]]],
    ),
    "softplus_lower_cholesky": (C.softplus_lower_cholesky, [[[1.0, 0.0], [5.0, 2.0]]], [[[1.0, 0.0], [0.0, -1.0]]]),
    "scaled_unit_lower_cholesky": (
        C.scaled_unit_lower_cholesky,
        [[[3.0, 0.0], [5.0, 2.0]]],
        [[[1.0, 1.0], [0.0, 1.0]]],
    ),
    "corr_matrix": (C.corr_matrix, [[[1.0, 0.3], [0.3, 1.0]]], [[[1.0, 1.3], [1.3, 1.0]], [[2.0, 0.3], [0.3, 1.0]]]),
    "real_matrix": (C.real_matrix, [[[1.0, 2.0]]], [[[1.0, math.nan]]]),
}


@pytest.mark.parametrize("name", CASES)
def test_constraint_accepts_the_inside_and_refuses_the_rest(name):
    constraint, inside, outside = CASES[name]
    for value in inside:
        assert bool(constraint.check(torch.tensor(value)).all()), value
    for value in outside:
        assert not bool(constraint.check(torch.tensor(value)).any()), value


@pytest.mark.parametrize("name", CASES)
def test_check_removes_the_event_dims(name):
    constraint, inside, _ = CASES[name]
    value = torch.tensor(inside[0])
    assert constraint.check(value.expand(3, *value.shape)).shape == (
        3,
        *value.shape[: value.dim() - constraint.event_dim],
    )


def test_simplex_of_many_entries_tolerates_rounding_but_no_more():
    value = torch.rand(100_000)
    assert bool(C.simplex.check(value / value.sum()))
    assert not bool(C.simplex.check(value / value.sum() * 1.2))
    assert not bool(C.simplex.check(torch.tensor([0.5, 0.5 + 1e-5], dtype=torch.float64)))


def test_zero_sum_needs_a_dim():
    with pytest.raises(ValueError, match="event_dim"):
        C.zero_sum(0)


def test_torchs_own_constraints_are_the_same_objects():
    torchs = torch.distributions.constraints
    for name in ("real", "positive", "unit_interval", "interval", "lower_cholesky", "corr_cholesky", "independent"):
        assert getattr(C, name) is getattr(torchs, name)


def test_descriptions_say_what_is_expected():
    assert C.describe(C.interval(-1.0, 2.5)) == "between -1 and 2.5"
    assert C.describe(C.greater_than(torch.tensor(3.0))) == "greater than 3"
    assert C.describe(C.less_than(torch.zeros(2))) == "less than a tensor of bounds, shape (2,)"
    assert C.describe(C.nonnegative_integer) == "a whole number, 0 or more"
    assert C.describe(C.integer_interval(0, 3)) == "a whole number from 0 to 3"
    assert "each entry" in C.describe(C.independent(C.positive, 1))
    assert C.describe(C.half_open_interval(0.0, 1.0)) == "at least 0 and below 1"
    assert C.describe(C.sphere) == "a vector of length 1"
