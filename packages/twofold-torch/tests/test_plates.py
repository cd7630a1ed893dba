"""Plates, beyond what the conformance kit asks of every implementation."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold_torch import (
    PlateError,
    ShapeError,
    SiteTypeError,
    TwofoldWarning,
    deterministic,
    iarange,
    irange,
    param,
    plate,
    plate_stack,
    sample,
    subsample,
)
from twofold_torch import distributions as dist
from twofold_torch.handlers import Messenger, block, condition, lift, replay, scale, trace
from twofold_torch.infer.enum import iter_discrete_traces
from twofold_torch.runtime import active_handlers


def normal(name: str = "x") -> torch.Tensor:
    return sample(name, dist.Normal(0.0, 1.0))


@st.composite
def nests(draw: st.DrawFn) -> list[tuple[int, int, int | None]]:
    """Sizes, subsample sizes and dims of plates that can be nested."""
    dims = draw(st.lists(st.one_of(st.none(), st.integers(-4, -1)), min_size=1, max_size=4))
    explicit = [dim for dim in dims if dim is not None]
    if len(set(explicit)) < len(explicit):
        dims = [None] * len(dims)
    plates = []
    for dim in dims:
        size = draw(st.integers(1, 4))
        plates.append((size, draw(st.integers(1, size)), dim))
    return plates


@given(nests())
@settings(max_examples=60, deadline=None)
def test_shape_scale_and_frames_of_a_nest_follow_from_its_plates(plates: list[tuple[int, int, int | None]]) -> None:
    expected: dict[int, int] = {}
    factor = 1.0
    later = [dim for _, _, dim in plates if dim is not None]
    entered: list[Any] = []
    try:
        for place, (size, count, dim) in enumerate(plates):
            taken = set(expected)
            if dim is None:
                dim = next(free for free in range(-1, -9, -1) if free not in taken)
            if dim in taken:
                with pytest.raises(PlateError, match="one dim"):
                    plate(f"p{place}", size, count, dim=dim).__enter__()
                return
            entered.append(plate(f"p{place}", size, count, dim=plates[place][2]))
            entered[-1].__enter__()
            expected[dim] = count
            factor *= size / count
        with trace() as recorder:
            value = normal()
        site = recorder.nodes["x"]
    finally:
        for opened in reversed(entered):
            opened.__exit__(None, None, None)
    depth = -min(expected)
    assert value.shape == tuple(expected.get(dim, 1) for dim in range(-depth, 0))
    assert site["scale"] == pytest.approx(factor)
    assert [(f.dim, f.size) for f in site["cond_indep_stack"]] == list(expected.items())
    assert later is not None


def test_drawing_few_of_many_rows_costs_no_permutation() -> None:
    plate("warm", 10_000_000, 10).indices
    started = time.perf_counter()
    for _ in range(20):
        indices = plate("rows", 10_000_000, 10).indices
    assert time.perf_counter() - started < 0.2  # a permutation of ten million numbers takes longer than that alone
    assert indices is not None
    assert len(set(indices.tolist())) == 10


@pytest.mark.parametrize("rows", [[3, 1], (3, 1), np.array([3, 1]), torch.tensor([3, 1]), range(3, 0, -2)])
def test_rows_of_the_users_choice_may_come_in_any_sequence(rows: Any) -> None:
    with plate("rows", 4, subsample=rows) as ind:
        assert isinstance(ind, torch.Tensor)
        assert ind.dtype is torch.int64
        assert ind.tolist() == [3, 1]
        assert normal().shape == (2,)


@pytest.mark.parametrize("rows", [[4], [-1, 0], torch.tensor([0.5]), [], [[0, 1]], [True], ["a"], 3])
def test_rows_that_the_plate_has_not_are_refused(rows: Any) -> None:
    with pytest.raises(PlateError, match="'rows'"):
        plate("rows", 4, subsample=rows)


def test_repeated_rows_warn() -> None:
    with pytest.warns(TwofoldWarning, match="more than once"):
        plate("rows", 4, subsample=[1, 1])


@pytest.mark.parametrize("size", [0, -1, 2.5, "3", 3.0, None])
@pytest.mark.parametrize("argument", ["size", "subsample_size"])
def test_sizes_are_positive_integers(size: Any, argument: str) -> None:
    if size is None:
        plate("rows", 4, **{argument: size}) if argument != "size" else plate("rows")
        return
    with pytest.raises(PlateError, match=f"'rows': {argument}"):
        plate("rows", **{"size": 9, argument: size})


def test_sizes_may_come_from_numpy_and_torch() -> None:
    assert len(plate("a", np.int64(3))) == len(plate("b", torch.tensor(3))) == 3
    assert len(plate("c", 3, subsample_size=False)) == 3  # the published default
    with pytest.raises(PlateError, match="no size"):
        len(plate("d"))


@pytest.mark.parametrize("dim", [0, 1, -1.0, "left"])
def test_a_dim_counts_from_the_right(dim: Any) -> None:
    with pytest.raises(PlateError, match="'rows': dim"):
        plate("rows", 3, dim=dim)


def test_a_name_is_a_string() -> None:
    with pytest.raises(SiteTypeError, match="no string"):
        plate(3, 3)  # type: ignore[arg-type]


def test_errors_of_a_nest_name_both_plates() -> None:
    with plate("left", 3, dim=-1), pytest.raises(PlateError, match=r"'left' and 'right'.*-1"):
        plate("right", 2, dim=-1).__enter__()
    rows = plate("rows", 3)
    with rows, pytest.raises(PlateError, match="while it is active"):
        rows.__enter__()
    with rows, pytest.raises(PlateError, match="'rows' are active at once"):
        plate("rows", 3).__enter__()
    assert active_handlers() == ()


def test_a_plate_built_outside_of_the_model_draws_anew_in_each_run() -> None:
    rows = plate("rows", 100, subsample_size=5)

    def model() -> list[int]:
        with rows as first:
            normal()
        with rows as second:
            normal("y")
        assert first is second
        return first.tolist()

    runs = [trace(model).get_trace() for _ in range(3)]
    drawn = {tuple(sites.nodes["_RETURN"]["value"]) for sites in runs}
    assert len(drawn) == 3
    for sites in runs:
        assert sites.nodes["rows"]["value"].tolist() == sites.nodes["_RETURN"]["value"]
    repeated = trace(replay(model, trace=runs[0])).get_trace()
    assert repeated.nodes["_RETURN"]["value"] == runs[0].nodes["_RETURN"]["value"]


def test_a_recorder_of_params_around_several_runs_does_not_join_them() -> None:
    rows = plate("rows", 100, subsample_size=5)

    def program() -> None:
        with rows:
            normal()

    with trace(param_only=True):
        guide = trace(program).get_trace()
        model = trace(replay(program, trace=guide)).get_trace()
        other = trace(program).get_trace()
    assert torch.equal(guide.nodes["rows"]["value"], model.nodes["rows"]["value"])
    assert not torch.equal(guide.nodes["rows"]["value"], other.nodes["rows"]["value"])


def test_each_of_the_runs_of_sequential_enumeration_has_the_site_of_a_plate() -> None:
    rows = plate("rows", 4, subsample_size=2)

    def program() -> None:
        with rows:
            normal()
        sample("k", dist.Bernoulli(0.5), infer={"enumerate": "sequential"})

    traces = list(iter_discrete_traces("flat", program))
    assert len(traces) == 2
    assert all("rows" in sites for sites in traces)


def test_a_plate_built_outside_of_all_handlers_keeps_its_rows() -> None:
    rows = plate("rows", 100, subsample_size=5)
    assert rows.indices is rows.indices


def test_an_inner_trace_does_not_make_a_plate_draw_again() -> None:
    def model() -> None:
        rows = plate("rows", 100, subsample_size=5)
        with rows as first:
            normal()
        with trace(), rows as second:
            normal("y")
        assert first is second

    trace(model).get_trace()


def test_model_and_guide_need_one_subsample_size() -> None:
    def program(count: int) -> None:
        with plate("rows", 10, subsample_size=count):
            normal()

    guide = trace(program).get_trace(3)
    with pytest.raises(PlateError, match="model and guide"):
        trace(replay(program, trace=guide)).get_trace(4)


def test_an_unsized_plate_expands_nothing_and_cannot_be_subsampled() -> None:
    with plate("rows") as ind:
        assert ind is None
        assert normal().shape == ()
    for settings_ in ({"subsample_size": 2}, {"subsample": [1]}):
        with pytest.raises(PlateError, match="no size"):
            plate("rows", **settings_)


def test_a_loop_gives_python_ints_and_repeats_its_rows_in_one_run() -> None:
    def model() -> list[list[int]]:
        rows = plate("rows", 50, subsample_size=4)
        return [list(rows), list(rows)]

    first, second = trace(model).get_trace().nodes["_RETURN"]["value"]
    assert first == second
    assert all(type(row) is int for row in first)


def test_a_plate_is_a_loop_or_a_batch_dim_not_both() -> None:
    rows = plate("rows", 3)
    list(rows)
    with pytest.raises(PlateError, match="both"):
        rows.__enter__()
    rows = plate("rows", 3)
    with rows:
        pass
    with pytest.raises(PlateError, match="both"):
        iter(rows)
    with pytest.raises(PlateError, match="cannot be a loop"):
        iter(plate("rows", 3, dim=-1))
    with pytest.raises(PlateError, match="cannot be a loop"):
        iter(plate("rows"))


def test_steps_of_a_loop_have_one_name_and_different_counters() -> None:
    def model() -> None:
        for i in plate("steps", 3):
            with plate("rows", 2):
                normal(f"x{i}")
        normal("after")

    sites = trace(model).get_trace
    with pytest.raises(RuntimeError, match="'rows'"):
        sites()

    def shared() -> None:
        rows = plate("rows", 2)
        for i in plate("steps", 3):
            with rows:
                normal(f"x{i}")
        normal("after")

    recorded = trace(shared).get_trace()
    frames = [recorded.nodes[f"x{i}"]["cond_indep_stack"] for i in range(3)]
    assert [[f.name for f in stack] for stack in frames] == [["steps", "rows"]] * 3
    assert [stack[0].counter for stack in frames] == [0, 1, 2]
    assert not frames[0][0].vectorized
    assert recorded.nodes["after"]["cond_indep_stack"] == ()


def test_a_loop_inside_of_a_loop_of_the_same_name_is_refused() -> None:
    with pytest.raises(PlateError, match="'steps'"):  # noqa: PT012 - the error comes from inside of the block
        for _ in plate("steps", 2):
            for _ in plate("steps", 2):
                pass
    assert active_handlers() == ()


def test_device_and_the_deprecated_flag() -> None:
    with plate("rows", 3, device="cpu") as ind:
        assert ind.device.type == "cpu"
    with pytest.warns(FutureWarning, match="use_cuda"):
        rows = plate("rows", 3, use_cuda=False)
    with rows as ind:
        assert ind.device.type == "cpu"
    with pytest.warns(FutureWarning), pytest.raises(PlateError, match="disagree"):
        plate("rows", 3, use_cuda=True, device="cpu")


def test_the_former_names_are_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="irange"):
        assert list(irange("rows", 3)) == [0, 1, 2]
    with pytest.warns(DeprecationWarning, match="iarange"), iarange("rows", 3) as ind:
        assert ind.tolist() == [0, 1, 2]


def test_a_stack_of_plates_counts_from_the_right() -> None:
    with plate_stack("p", (4, 3, 2), rightmost_dim=-2):
        assert normal().shape == (4, 3, 2, 1)
    with pytest.raises(PlateError, match="'p'"), plate_stack("p", (4,), rightmost_dim=0):
        pass


def test_every_kind_of_site_bears_the_marks_of_the_plates_around_it() -> None:
    def model() -> None:
        with plate("outer", 2, dim=-2), plate("inner", 3):
            normal()
            deterministic("d", 1.0)
            param("p", torch.ones(3), event_dim=0)
        for _ in plate("steps", 1):
            deterministic("in_loop", 1.0)

    nodes = trace(model).get_trace().nodes
    for name in ("x", "d", "p"):
        assert [(frame.name, frame.dim) for frame in nodes[name]["cond_indep_stack"]] == [("outer", -2), ("inner", -1)]
    assert [(frame.name, frame.dim) for frame in nodes["in_loop"]["cond_indep_stack"]] == [("steps", None)]


def test_a_lifted_param_stands_outside_of_the_plates_around_its_statement() -> None:
    def model() -> torch.Tensor:
        with plate("rows", 3):
            return param("p", torch.tensor(1.0))

    site = trace(lift(model, prior={"p": dist.Normal(0.0, 1.0)})).get_trace().nodes["p"]
    assert (site["type"], site["cond_indep_stack"], site["value"].shape) == ("sample", (), ())


def test_params_are_taken_row_by_row_and_keep_their_leaf() -> None:
    with plate("rows", 4, subsample=[2, 0]):
        rows = param("w", torch.arange(4.0), event_dim=0)
        whole = param("w")
    assert rows.tolist() == [2.0, 0.0]
    assert rows.unconstrained() is whole.unconstrained()
    with plate("rows", 3), pytest.raises(PlateError, match=r"(?s)param 'w'.*'rows'.*size 4.*size 3"):
        param("w", event_dim=0)


def test_a_site_that_does_not_fit_names_plate_and_sizes() -> None:
    with plate("rows", 3), pytest.raises(ShapeError, match=r"(?s)'x'.*'rows'.*size 2.*size 3"):
        sample("x", dist.Normal(torch.zeros(2), 1.0))


def test_plates_do_not_touch_stochastic_functions_but_scale_their_sites() -> None:
    def model() -> None:
        with plate("rows", 6, subsample_size=2):
            sample("x", lambda: torch.tensor(1.0))

    site = trace(model).get_trace().nodes["x"]
    assert site["scale"] == 3.0
    assert site["value"].shape == ()


def test_a_blocked_site_inside_of_a_plate_is_not_broadcast() -> None:
    with plate("rows", 3), block():
        assert normal().shape == ()


def test_conditioning_on_the_rows_fixes_them() -> None:
    def model() -> torch.Tensor:
        with plate("rows", 5, subsample_size=2) as ind:
            normal()
        return ind

    sites = trace(condition(model, data={"rows": torch.tensor([4, 1])})).get_trace()
    assert sites.nodes["_RETURN"]["value"].tolist() == [4, 1]
    assert sites.nodes["x"]["scale"] == 2.5


def test_a_handler_of_a_user_may_supply_the_rows() -> None:
    class First(Messenger):
        def _pyro_sample(self, msg: Any) -> None:
            if type(msg["fn"]).__name__ == "_Subsample":
                msg["value"] = torch.arange(msg["fn"].subsample_size)

    with First(), plate("rows", 9, subsample_size=3) as ind:
        assert ind.tolist() == [0, 1, 2]


def test_scales_of_plates_and_handlers_multiply() -> None:
    def model() -> None:
        with plate("a", 6, 2), plate("b", 8, 4):
            normal()

    assert trace(scale(model, scale=0.5)).get_trace().nodes["x"]["scale"] == pytest.approx(3.0)


def test_a_permutation_of_all_rows_is_a_subsample_too() -> None:
    data, order = torch.arange(3.0), torch.tensor([2, 0, 1])
    with plate("rows", 3, subsample=order):
        assert subsample(data, event_dim=0).tolist() == [2.0, 0.0, 1.0]

    def model() -> Any:
        with plate("rows", 3):
            return subsample(data, event_dim=0)

    assert model() is data
    assert condition(model, data={"rows": order})().tolist() == [2.0, 0.0, 1.0]
