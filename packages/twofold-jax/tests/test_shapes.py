"""Laws of the shape check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import ShapeError
from twofold_jax.messages import joint_log_density


def run(batch: tuple[int, ...], value: tuple[int, ...], plate: int | None = None, **infer: Any) -> Any:
    def model() -> None:
        tf.sample("x", dist.Normal(np.zeros(batch), 1.0), obs=np.zeros(value), infer=infer)

    def inside() -> None:
        with tf.plate("rows", plate or 1):
            model()

    return handlers.trace(model if plate is None else inside).get_trace()["x"]


def test_a_column_against_a_row_shows_both_and_the_way_out() -> None:
    with pytest.raises(ShapeError) as caught:
        run((5,), (5, 1), plate=5)
    for part in ("'x'", "5 1", "'rows' (dim -1, size 5)", "reshape the value to (5,)"):
        assert part in str(caught.value)


@pytest.mark.parametrize(("batch", "value"), [((), (3,)), ((3,), ()), ((2, 1), (2, 1)), ((3,), (2, 3)), ((2, 3), (3,))])
def test_one_sided_broadcasting_is_fine_outside_of_plates(batch: tuple[int, ...], value: tuple[int, ...]) -> None:
    run(batch, value)


@pytest.mark.parametrize(("batch", "value"), [((5,), (5, 1)), ((5, 1), (5,)), ((3,), (4,)), ((2, 1, 3), (2, 1))])
def test_two_sided_broadcasting_and_clashes_are_refused(batch: tuple[int, ...], value: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="'x'"):
        run(batch, value)


@pytest.mark.parametrize("value", [(5, 1), (2, 5), (3,), (5, 5)])
def test_inside_a_plate_a_value_has_the_shape_of_the_plate(value: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="does not fit its plates"):
        run((), value, plate=5)


@pytest.mark.parametrize("value", [(), (1,), (5,), (1, 5)])
def test_inside_a_plate_a_value_may_be_smaller(value: tuple[int, ...]) -> None:
    assert joint_log_density({"x": run((), value, plate=5)}).shape == ()


def test_one_word_allows_it() -> None:
    assert run((5,), (5, 1), plate=5, allow_broadcast=True)["value"].shape == (5, 1)


def test_an_event_of_another_shape_is_refused() -> None:
    law = dist.Normal(np.zeros((3, 2)), 1.0).to_event(1)
    for value in (np.zeros(3), np.zeros((3, 3)), 0.0):
        with pytest.raises(ShapeError, match="one event"), handlers.block():
            tf.sample("x", law, obs=value)


@pytest.mark.parametrize("handler", [handlers.condition, handlers.substitute])
def test_values_of_handlers_are_checked_too(handler: Any) -> None:
    def model() -> Any:
        with tf.plate("rows", 5):
            return tf.sample("x", dist.Normal(0.0, 1.0))

    with pytest.raises(ShapeError, match="'x'"):
        handler(model, data={"x": np.zeros((5, 1))})()


def test_the_check_is_no_part_of_validation() -> None:
    with tf.validation_enabled(False), pytest.raises(ShapeError):
        run((5,), (5, 1))


SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SHAPES, SHAPES)
def test_outside_of_plates_the_joint_shape_is_one_of_the_two(batch: tuple[int, ...], value: tuple[int, ...]) -> None:
    try:
        joint = np.broadcast_shapes(batch, value)
    except ValueError:
        joint = (0,)
    longest = max(len(batch), len(value))
    padded = [(1,) * (longest - len(shape)) + shape for shape in (batch, value)]
    if joint in padded:
        run(batch, value)
    else:
        with pytest.raises(ShapeError):
            run(batch, value)
