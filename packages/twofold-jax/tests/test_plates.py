"""Laws of plates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import DuplicateSiteError, PlateError, RandomKeyError, ShapeError, SiteTypeError


def scalar(name: str = "x") -> Any:
    return tf.sample(name, dist.Normal(0.0, 1.0))


@pytest.mark.parametrize("size", [0, -1, 2.5, "3", None, True, jnp.float32(2.0)])
def test_a_size_is_a_positive_integer(size: Any) -> None:
    with pytest.raises(PlateError, match="'rows'"):
        tf.plate("rows", size)


@pytest.mark.parametrize("subsample_size", [0, -1, 5, 1.5])
def test_a_subsample_has_from_one_to_size_rows(subsample_size: Any) -> None:
    with pytest.raises(PlateError, match="'rows'"), handlers.seed(rng_seed=0):
        tf.plate("rows", 4, subsample_size=subsample_size)


@pytest.mark.parametrize("dim", [0, 1, -1.0, True])
def test_a_dim_is_negative(dim: Any) -> None:
    with pytest.raises(PlateError, match="negative"):
        tf.plate("rows", 4, dim=dim)


def test_sizes_may_be_numpy_integers() -> None:
    assert tf.plate("rows", np.int64(3), dim=np.int64(-2)).size == 3  # type: ignore[arg-type]


def test_a_subsample_needs_a_key_when_the_plate_is_made() -> None:
    with pytest.raises(RandomKeyError, match="'rows'"):
        tf.plate("rows", 4, subsample_size=2)


def test_a_plate_is_no_loop_and_no_function() -> None:
    with pytest.raises(SiteTypeError, match="cannot be iterated"):
        iter(tf.plate("rows", 4))
    with pytest.raises(PlateError, match="no function"):
        tf.plate("rows", 4)(scalar)


def test_plates_made_first_and_nested_later_get_different_dims() -> None:
    with handlers.trace() as sites, handlers.seed(rng_seed=0):
        rows, columns = tf.plate("rows", 2), tf.plate("columns", 2)
        with rows, columns:
            assert scalar().shape == (2, 2)
        with columns:
            assert scalar("y").shape == (2,)
    assert [frame.dim for frame in sites["x"]["cond_indep_stack"]] == [-2, -1]


def test_a_plate_made_outside_the_run_is_recorded_when_it_is_entered() -> None:
    rows = tf.plate("rows", 3)

    def model() -> None:
        for i in range(2):
            with rows:
                tf.sample(f"x{i}", dist.Normal(0.0, 1.0), obs=0.0)

    sites = handlers.trace(model).get_trace()
    assert list(sites) == ["rows", "x0", "x1"]
    np.testing.assert_array_equal(sites["rows"]["value"], [0, 1, 2])


def test_two_plates_of_one_name_in_one_run_are_refused() -> None:
    def model() -> None:
        for size in (2, 3):
            with tf.plate("rows", size):
                pass

    with pytest.raises(DuplicateSiteError, match="'rows'"):
        handlers.trace(model).get_trace()


def test_an_active_plate_is_not_entered_again() -> None:
    rows = tf.plate("rows", 2)
    with rows, pytest.raises(PlateError, match="active already"), rows:
        pass
    with rows:
        pass


def test_a_taken_dim_names_both_plates_and_the_dim() -> None:
    collision = pytest.raises(PlateError, match=r"'columns' and 'rows' collide at dim -1")
    with collision, tf.plate("rows", 2, dim=-1), tf.plate("columns", 3, dim=-1):
        pass


def test_a_refused_entry_frees_the_plate() -> None:
    columns = tf.plate("columns", 3, dim=-1)
    with tf.plate("rows", 2, dim=-1), pytest.raises(PlateError), columns:
        pass
    with columns:
        pass


def test_a_batch_that_does_not_fit_names_site_plate_and_sizes() -> None:
    with handlers.seed(rng_seed=0), tf.plate("rows", 3), pytest.raises(ShapeError) as caught:
        tf.sample("x", dist.Normal(np.zeros(5), 1.0))
    for part in ("'x'", "'rows'", "size 5", "size 3", "dim -1"):
        assert part in str(caught.value)


def test_full_data_in_a_subsampled_plate_asks_for_the_indices() -> None:
    with handlers.seed(rng_seed=0), tf.plate("rows", 6, subsample_size=2), pytest.raises(ShapeError, match="idx"):
        tf.sample("x", dist.Normal(0.0, 1.0), obs=np.zeros(6))


@pytest.mark.parametrize("indices", [[0, 1], [0.0, 1.0, 2.0], [[0, 1, 2]], [0, 1, 9], [-1, 0, 1]])
def test_supplied_indices_have_to_fit(indices: Any) -> None:
    model = handlers.substitute(lambda: tf.plate("rows", 6, subsample_size=3), data={"rows": np.array(indices)})
    with pytest.raises(PlateError, match="'rows'"):
        handlers.seed(model, rng_seed=0)()


def test_replay_gives_a_full_plate_the_minibatch_of_the_guide() -> None:
    def guide() -> None:
        tf.plate("rows", 6, subsample_size=2)

    def model() -> None:
        with tf.plate("rows", 6) as indices:
            tf.sample("x", dist.Normal(0.0, 1.0), obs=jnp.zeros(6)[indices])

    recorded = handlers.trace(handlers.seed(guide, rng_seed=0)).get_trace()
    sites = handlers.trace(handlers.replay(model, trace=recorded)).get_trace()
    np.testing.assert_array_equal(sites["rows"]["value"], recorded["rows"]["value"])
    assert sites["x"]["scale"] == 3.0


def test_indices_are_jax_integers_made_once() -> None:
    with tf.plate("rows", 5) as one:
        pass
    with tf.plate("rows", 5) as two:
        pass
    assert one is two
    assert isinstance(one, jax.Array)
    assert jnp.issubdtype(one.dtype, jnp.integer)


@pytest.mark.parametrize("rows", [[4, 1, 1], (4, 1, 1), np.array([4, 1, 1]), jnp.array([4, 1, 1])])
def test_rows_of_ones_own_are_yielded_and_scaled(rows: Any) -> None:
    data = jnp.arange(6.0)
    with handlers.trace() as sites, tf.plate("rows", 6, subsample=rows) as indices:
        tf.sample("x", dist.Normal(0.0, 1.0), obs=tf.subsample(data, event_dim=0))
    assert indices.tolist() == [4, 1, 1]
    assert sites["x"]["value"].tolist() == [4.0, 1.0, 1.0]
    assert sites["x"]["scale"] == 2.0


def test_a_permutation_of_all_rows_is_a_subsample_too() -> None:
    data = jnp.arange(3.0)
    with tf.plate("rows", 3, subsample=[2, 0, 1]):
        assert tf.subsample(data, event_dim=0).tolist() == [2.0, 0.0, 1.0]

    def model() -> Any:
        with tf.plate("rows", 3):
            return tf.subsample(data, event_dim=0)

    assert handlers.substitute(model, data={"rows": np.array([2, 0, 1])})().tolist() == [2.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "arguments",
    [
        {"subsample": [3]},
        {"subsample": [-1]},
        {"subsample": [0.5]},
        {"subsample": []},
        {"subsample": [0, 1], "subsample_size": 1},
        {"subsample": [[0]]},
    ],
)
def test_rows_that_do_not_fit_the_plate_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(tf.PlateError, match="rows"):
        tf.plate("rows", 3, **arguments)


def test_a_small_sample_of_a_large_plate_is_cheap() -> None:
    with handlers.seed(rng_seed=0), tf.plate("rows", 10**9, subsample_size=5) as indices:
        assert len(set(indices.tolist())) == 5
        assert indices.max() < 10**9


def test_plate_stack_nests_from_the_right() -> None:
    with handlers.trace() as sites, handlers.seed(rng_seed=0), tf.plate_stack("grid", (4, 3, 2), rightmost_dim=-2):
        assert scalar().shape == (4, 3, 2, 1)
    frames = {frame.name: (frame.dim, frame.size) for frame in sites["x"]["cond_indep_stack"]}
    assert frames == {"grid_0": (-2, 2), "grid_1": (-3, 3), "grid_2": (-4, 4)}


@st.composite
def nests(draw: st.DrawFn) -> tuple[list[tuple[int, int, int | None]], tuple[int, ...]]:
    """Plates as (size, batch, dim), and the batch shape of a law that fits them."""
    plates: list[tuple[int, int, int | None]] = []
    taken: dict[int, int] = {}
    for _ in range(draw(st.integers(0, 3))):
        size = draw(st.integers(1, 4))
        batch = draw(st.integers(1, size))
        free = [dim for dim in range(-1, -6, -1) if dim not in taken]
        dim = draw(st.sampled_from([None, *free]))
        plates.append((size, batch, dim))
        taken[free[0] if dim is None else dim] = batch
    ndim = draw(st.integers(0, 4))
    shape = tuple(draw(st.sampled_from([1, taken.get(dim, draw(st.integers(1, 3)))])) for dim in range(-ndim, 0))
    return plates, shape


@settings(max_examples=40, deadline=None, derandomize=True)
@given(nests())
def test_shape_scale_and_frames_of_any_nest_follow_the_algebra(
    nest: tuple[list[tuple[int, int, int | None]], tuple[int, ...]],
) -> None:
    plates, shape = nest
    dims: dict[int, int] = {}
    scale = 1.0
    for size, batch, dim in plates:
        dims[dim or next(d for d in range(-1, -9, -1) if d not in dims)] = batch
        scale *= size / batch
    ndim = max([len(shape), *(-dim for dim in dims)])
    law_shape = (1,) * (ndim - len(shape)) + shape
    expected = tuple(dims.get(dim, law_shape[dim]) for dim in range(-ndim, 0))

    def model(level: int = 0) -> Any:
        if level == len(plates):
            return tf.sample("x", dist.Normal(np.zeros(shape, np.float32), 1.0), obs=0.0)
        size, batch, dim = plates[level]
        with tf.plate(f"p{level}", size, subsample_size=batch, dim=dim):
            return model(level + 1)

    data = {f"p{i}": jnp.arange(batch) for i, (_, batch, _) in enumerate(plates)}
    site = handlers.trace(handlers.substitute(model, data=data)).get_trace()["x"]
    assert site["fn"].batch_shape == expected
    assert (site["scale"] or 1.0) == pytest.approx(scale)
    assert {frame.dim: frame.size for frame in site["cond_indep_stack"]} == dims
