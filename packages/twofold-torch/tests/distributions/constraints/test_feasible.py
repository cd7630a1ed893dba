"""Feasible values lie inside, whatever the prototype holds."""

import math

import pytest
import torch

from twofold_torch.distributions import constraints as C

CASES = [
    (C.real, ()),
    (C.positive, (3,)),
    (C.softplus_positive, (3,)),
    (C.nonnegative, ()),
    (C.greater_than(3.0), (2,)),
    (C.greater_than_eq(torch.tensor([1.0, -5.0])), (2,)),
    (C.less_than(-1.0), ()),
    (C.unit_interval, (2,)),
    (C.interval(torch.tensor([0.0, 10.0]), torch.tensor([1.0, 20.0])), (2,)),
    (C.half_open_interval(0.0, 1.0), ()),
    (C.open_interval(2.0, 3.0), ()),
    (C.circular, ()),
    (C.boolean, (2,)),
    (C.integer, (2,)),
    (C.nonnegative_integer, (2,)),
    (C.positive_integer, (2,)),
    (C.integer_interval(3, 7), (2,)),
    (C.simplex, (2, 3)),
    (C.sphere, (2, 3)),
    (C.l1_ball, (3,)),
    (C.one_hot, (3,)),
    (C.multinomial(5), (3,)),
    (C.ordered_vector, (2, 3)),
    (C.positive_ordered_vector, (3,)),
    (C.zero_sum(2), (3, 4)),
    (C.lower_triangular, (3, 3)),
    (C.lower_cholesky, (2, 3, 3)),
    (C.softplus_lower_cholesky, (3, 3)),
    (C.scaled_unit_lower_cholesky, (3, 3)),
    (C.corr_cholesky, (3, 3)),
    (C.unit_lower_cholesky, (3, 3)),
    (C.corr_matrix, (3, 3)),
    (C.positive_definite, (3, 3)),
    (C.positive_semidefinite, (3, 3)),
    (C.symmetric, (3, 3)),
    (C.square, (3, 3)),
    (C.real_vector, (3,)),
    (C.independent(C.positive, 1), (2, 3)),
    (C.cat([C.positive, C.less_than(0.0)], 0, [1, 2]), (3,)),
    (C.stack([C.positive, C.less_than(0.0)], 0), (2, 3)),
]


@pytest.mark.parametrize(("constraint", "shape"), CASES, ids=repr)
def test_feasible_value_is_inside_and_like_the_prototype(constraint, shape):
    prototype = torch.full(shape, math.nan, dtype=torch.float64, requires_grad=True)
    value = C.feasible_like(constraint, prototype)
    assert (value.shape, value.dtype) == (prototype.shape, prototype.dtype)
    assert not value.requires_grad
    assert bool(constraint.check(value).all())


def test_feasible_value_of_an_integer_prototype_is_an_integer():
    assert C.feasible_like(C.positive_integer, torch.tensor([0, 0])).tolist() == [1, 1]


def test_dependent_constraints_have_no_feasible_value():
    with pytest.raises(NotImplementedError, match="no feasible value"):
        C.feasible_like(C.dependent, torch.zeros(()))
