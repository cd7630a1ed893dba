"""Checks see what the constraint's own check sees, and say where."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twofold_torch.distributions import constraints as C
from twofold_torch.distributions.checks import check_argument, check_value, is_valid
from twofold_torch.errors import SupportError

CONSTRAINTS = [
    C.real,
    C.positive,
    C.nonnegative,
    C.less_than(1.0),
    C.unit_interval,
    C.half_open_interval(0.0, 1.0),
    C.open_interval(0.0, 1.0),
    C.boolean,
    C.nonnegative_integer,
    C.integer_interval(0, 2),
    C.greater_than(torch.tensor(0.5)),
    C.interval(0.0, torch.tensor(1.0)),
    C.circular,
    C.softplus_positive,
]
entries = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 1e38, math.inf, -math.inf, math.nan])


@given(st.sampled_from(CONSTRAINTS), st.lists(entries, max_size=4), st.booleans())
def test_the_quick_look_agrees_with_the_full_check(constraint, numbers, with_gradient):
    value = torch.tensor(numbers, requires_grad=with_gradient)
    assert is_valid(constraint, value) == bool(constraint.check(value.detach()).all())
    for number in numbers:
        assert is_valid(constraint, number) == bool(constraint.check(torch.tensor(number)).all())


def test_integers_and_booleans_pass_the_quick_look():
    assert is_valid(C.real, torch.tensor([1, 2]))
    assert is_valid(C.positive, torch.tensor([1, 2]))
    assert not is_valid(C.positive, torch.tensor([0, 2]))
    assert is_valid(C.boolean, torch.tensor([True, False]))


def test_errors_name_law_argument_value_place_domain_and_count():
    with pytest.raises(SupportError) as caught:
        check_argument("Normal", "scale", C.positive, torch.tensor([[1.0, -1.0], [0.0, -2.0]]))
    text = str(caught.value)
    for part in ("'scale' of Normal", "-1 at (0, 1)", "0 at (1, 0)", "-2 at (1, 1)", "greater than 0"):
        assert part in text
    with pytest.raises(SupportError) as caught:
        check_value("Poisson", C.nonnegative_integer, torch.full((100,), -1.0))
    assert "(100 of 100 entries)" in str(caught.value)


def test_errors_show_small_events_and_sum_up_large_ones():
    with pytest.raises(SupportError, match=r"\[0.5, 0.25\] at 1"):
        check_value("Dirichlet", C.simplex, torch.tensor([[0.5, 0.5], [0.5, 0.25]]))
    with pytest.raises(SupportError, match=r"an event of shape \(5, 5\)"):
        check_value("LKJ", C.lower_cholesky, torch.ones(5, 5))
    with pytest.raises(SupportError, match="mask"):
        check_value("Normal", C.real, torch.tensor(math.nan))


def test_bounds_that_broadcast_against_the_value_are_checked_everywhere():
    with pytest.raises(SupportError):
        check_value("Uniform", C.interval(0.0, torch.tensor([1.0, 0.1])), torch.tensor(0.5))


def test_tracers_are_let_through():
    seen = torch.func.vmap(lambda x: torch.as_tensor(is_valid(C.positive, x)).expand(()))(torch.tensor([1.0, -1.0]))
    assert seen.tolist() == [True, True]
