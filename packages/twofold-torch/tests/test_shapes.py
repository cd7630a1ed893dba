"""The shape check of statements, against a brute-force reading of the rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold_torch import ShapeError, plate, sample
from twofold_torch import distributions as dist
from twofold_torch.handlers import condition, trace

SIZES = st.integers(1, 3)
SHAPES = st.lists(SIZES, max_size=3).map(tuple)


def observe(obs_shape: tuple[int, ...], law_shape: tuple[int, ...] = (), event_dim: int = 0, **infer: bool) -> object:
    law = dist.Normal(torch.zeros(law_shape), 1.0).to_event(event_dim)
    return trace(lambda: sample("y", law, obs=torch.zeros(obs_shape), infer=infer)).get_trace()


@given(SHAPES, SHAPES)
@settings(max_examples=150)
def test_outside_plates_one_of_value_and_law_may_be_larger_not_both(value: tuple, law: tuple) -> None:
    try:
        joint = np.broadcast_shapes(value, law)
    except ValueError:
        joint = None
    pad = [(1,) * (len(joint or ()) - len(shape)) + shape for shape in (value, law)]
    fits = joint is not None and joint in pad
    if fits:
        observe(value, law)
    else:
        with pytest.raises(ShapeError, match="'y'"):
            observe(value, law)


@given(SHAPES, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=150)
def test_inside_plates_the_value_broadcasts_to_the_shape_of_the_site(value: tuple, rows: int, columns: int) -> None:
    def model() -> None:
        with plate("rows", rows), plate("columns", columns):
            sample("y", dist.Normal(0.0, 1.0), obs=torch.zeros(value))

    while value[:1] == (1,):  # leading dims of size 1 repeat nothing
        value = value[1:]
    try:
        fits = np.broadcast_shapes(value, (columns, rows)) == (columns, rows)
    except ValueError:
        fits = False
    if fits:
        sites = trace(model).get_trace()
        sites.compute_log_prob()
        assert sites.nodes["y"]["log_prob"].shape == (columns, rows)
    else:
        with pytest.raises(ShapeError, match=r"(?s)'y'.*'rows' \(dim -1, size \d\).*'columns' \(dim -2, size \d\)"):
            trace(model).get_trace()


def test_a_column_against_a_row_is_refused_and_the_fix_is_named() -> None:
    with pytest.raises(ShapeError, match=r"squeeze\(-1\)"):
        observe((5, 1), (5,))

    def model() -> None:
        with plate("rows", 5):
            sample("y", dist.Normal(0.0, 1.0), obs=torch.zeros(5, 1))

    with pytest.raises(ShapeError, match=r"(?s)rows.*5\n.*squeeze"):
        trace(model).get_trace()


def test_the_check_can_be_switched_off_for_one_site() -> None:
    sites = observe((5, 1), (5,), allow_broadcast=True)
    assert sites.log_prob_sum().shape == ()
    assert sites.nodes["y"]["log_prob"].shape == (5, 5)


def test_a_plate_without_a_size_takes_any_length() -> None:
    def model(length: int) -> None:
        with plate("rows"):
            sample("y", dist.Normal(0.0, 1.0), obs=torch.zeros(length))

    for length in (1, 4):
        sites = trace(model).get_trace(length)
        assert sites.log_prob_sum().item() == pytest.approx(-0.5 * np.log(2 * np.pi) * length, rel=1e-5)


def test_the_event_shape_has_to_match() -> None:
    observe((2, 3), (3,), event_dim=1)
    observe((4,), (1,), event_dim=1)  # a law of one entry scores all entries of an event alike
    for wrong in ((), (2,), (1,), (3, 1)):
        with pytest.raises(ShapeError, match="event shape"):
            observe(wrong, (3,), event_dim=1)


def test_values_from_handlers_are_checked_like_observations() -> None:
    def model() -> None:
        with plate("rows", 3):
            sample("x", dist.Normal(0.0, 1.0))

    with pytest.raises(ShapeError, match="observation"):
        trace(condition(model, data={"x": torch.zeros(3, 1)})).get_trace()
