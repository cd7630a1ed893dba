"""The stack: order, exits, threads, and handlers that users bring along."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from twofold_torch import HandlerError, plate, sample, validation_enabled
from twofold_torch import distributions as dist
from twofold_torch.handlers import block, condition, mask, scale, trace
from twofold_torch.messages import new_message
from twofold_torch.poutine.runtime import am_i_wrapped
from twofold_torch.primitives import effectful
from twofold_torch.runtime import Messenger, active_handlers, apply_stack, current_run


class Recorder(Messenger):
    """Notes when it is asked and told."""

    def __init__(self, label: str, notes: list[str], stops: bool = False) -> None:
        super().__init__()
        self.label, self.notes, self.stops = label, notes, stops

    def process_message(self, msg: Any) -> None:
        self.notes.append(f"asked {self.label}")
        msg["stop"] = msg["stop"] or self.stops

    def postprocess_message(self, msg: Any) -> None:
        self.notes.append(f"told {self.label}")


def standard_normal(name: str = "x") -> torch.Tensor:
    return sample(name, dist.Normal(0.0, 1.0))


def test_the_innermost_handler_is_asked_first_and_told_last() -> None:
    notes: list[str] = []
    with Recorder("outer", notes), Recorder("inner", notes):
        standard_normal()
    assert notes == ["asked inner", "asked outer", "told outer", "told inner"]


@given(st.lists(st.booleans(), max_size=5))
def test_a_stop_ends_the_round_and_only_the_asked_are_told(stops: list[bool]) -> None:
    notes: list[str] = []
    entered = [Recorder(str(place), notes, stop) for place, stop in enumerate(stops)]
    for handler in entered:
        handler.__enter__()
    standard_normal()
    for handler in reversed(entered):
        handler.__exit__(None, None, None)
    last = max((place for place, stop in enumerate(stops) if stop), default=0)
    asked = [str(place) for place in range(len(stops) - 1, last - 1, -1)]
    assert notes == [f"asked {label}" for label in asked] + [f"told {label}" for label in reversed(asked)]


def test_continuation_is_called_when_all_have_been_told() -> None:
    notes: list[str] = []
    with Recorder("only", notes):
        apply_stack(new_message("note", "n", lambda: 1, continuation=lambda msg: notes.append("continued")))
    assert notes == ["asked only", "told only", "continued"]


def test_exit_drops_what_an_abandoned_generator_left_inside() -> None:
    def steps() -> Any:
        with mask(mask=False):
            yield

    with scale(scale=2.0):
        abandoned = steps()
        next(abandoned)
    assert active_handlers() == ()
    abandoned.close()
    assert active_handlers() == ()


def test_closing_a_generator_removes_its_own_handler_only() -> None:
    def steps() -> Any:
        with mask(mask=False):
            yield

    generator = steps()
    next(generator)
    with scale(scale=2.0) as kept:
        generator.close()
        assert active_handlers() == (kept,)
    assert active_handlers() == ()


def test_a_plate_iterator_that_is_kept_ends_with_the_handler_around_it() -> None:
    kept: list[Any] = []

    def model() -> torch.Tensor:
        kept.append(iter(plate("rows", 3)))
        next(kept[0])
        return standard_normal()

    trace(model).get_trace()
    assert active_handlers() == ()
    kept.clear()
    gc.collect()
    assert active_handlers() == ()


def test_break_return_and_exception_leave_no_loop_behind() -> None:
    for _ in plate("rows", 3):
        break
    assert active_handlers() == ()

    def returning() -> None:
        for _ in plate("rows", 3):
            return

    returning()
    assert active_handlers() == ()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the error comes from inside of the block
        for _ in plate("rows", 3):
            _ = 1 / 0
    assert active_handlers() == ()


def test_an_exception_leaves_the_stack_as_it_was() -> None:
    def failing() -> None:
        with plate("rows", 2), mask(mask=True):
            raise KeyError("inside")

    with pytest.raises(KeyError):
        trace(scale(failing, scale=2.0)).get_trace()
    assert active_handlers() == ()


def test_one_handler_is_not_entered_twice() -> None:
    handler = mask(mask=True)
    with handler, pytest.raises(HandlerError, match="active already"):
        handler.__enter__()
    with handler:
        pass


def test_a_handled_function_may_call_itself() -> None:
    def model(depth: int) -> int:
        standard_normal(f"x{depth}")
        return depth if depth == 0 else wrapped(depth - 1)

    wrapped = scale(model, scale=2.0)
    sites = trace(wrapped).get_trace(2)
    assert [sites.nodes[f"x{depth}"]["scale"] for depth in (2, 1, 0)] == [2.0, 4.0, 8.0]


def test_one_handled_function_runs_in_two_threads_at_once() -> None:
    barrier = threading.Barrier(2)
    results: dict[int, Any] = {}

    def model(which: int) -> torch.Tensor:
        barrier.wait()
        value = standard_normal()
        barrier.wait()
        return value + which

    shared = condition(model, data={"x": torch.tensor(10.0)})

    def work(which: int) -> None:
        results[which] = shared(which).item()

    threads = [threading.Thread(target=work, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: 10.0, 1: 11.0}


def test_threads_that_trace_do_not_see_each_other() -> None:
    recorded: dict[int, list[str]] = {}

    def work(which: int) -> None:
        def model() -> None:
            for step in range(50):
                standard_normal(f"x{which}_{step}")

        recorded[which] = trace(model).get_trace().stochastic_nodes

    threads = [threading.Thread(target=work, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded == {which: [f"x{which}_{step}" for step in range(50)] for which in range(4)}


def test_handlers_of_the_lineage_work_by_their_hook_names() -> None:
    class Shift(Messenger):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def _pyro_sample(self, msg: Any) -> None:
            self.seen.append(f"sample {msg['name']}")

        def _pyro_post_sample(self, msg: Any) -> None:
            msg["value"] = msg["value"] + 100.0

        def _pyro_param(self, msg: Any) -> None:
            self.seen.append(f"param {msg['name']}")

    class Both(Shift):
        def _process_message(self, msg: Any) -> None:
            self.seen.append("any")
            super()._process_message(msg)

    with Both() as shift:
        value = standard_normal()
    assert value > 50
    assert shift.seen == ["any", "sample x"]


def test_a_subclass_of_a_handler_may_add_hooks_for_single_types() -> None:
    class Louder(trace):
        def _pyro_sample(self, msg: Any) -> None:
            notes.append(f"asked {msg['name']}")

        def _pyro_post_sample(self, msg: Any) -> None:
            notes.append(f"told {msg['name']}, recorded {msg['name'] in self.trace}")

    class Loudest(Louder):
        def postprocess_message(self, msg: Any) -> None:
            super().postprocess_message(msg)
            notes.append("last")

    notes: list[str] = []
    assert Louder(standard_normal).get_trace().stochastic_nodes == ["x"]
    assert notes == ["asked x", "told x, recorded True"]
    notes.clear()
    assert Loudest(standard_normal).get_trace().stochastic_nodes == ["x"]
    assert notes == ["asked x", "last"]


def test_a_wrapper_of_the_lineage_takes_the_function_afterwards() -> None:
    traced = trace(condition(data={"x": torch.tensor(2.0)})(standard_normal)).get_trace()
    assert traced.nodes["x"]["is_observed"]


def test_a_decorator_keeps_each_function_apart() -> None:
    doubled = scale(scale=2.0)
    first, second = doubled(lambda: standard_normal("a")), doubled(lambda: standard_normal("b"))
    assert trace(first).get_trace().stochastic_nodes == ["a"]
    assert trace(second).get_trace().stochastic_nodes == ["b"]


@pytest.mark.parametrize("nothing", [1, "model", [], torch.tensor(1.0)])
def test_a_handler_refuses_what_cannot_be_called(nothing: Any) -> None:
    with pytest.raises(HandlerError, match="needs a function"):
        trace(nothing)
    with pytest.raises(HandlerError, match="no function yet"):
        mask(mask=True)(nothing)


def test_methods_are_registered_and_taken_off() -> None:
    class Quiet(Messenger):
        pass

    @Quiet.register(type="sample")
    def stop(self: Any, msg: Any) -> None:
        msg["stop"] = True

    assert trace(Quiet(standard_normal)).get_trace().stochastic_nodes == []
    Quiet.unregister(stop, type="sample")
    assert trace(Quiet(standard_normal)).get_trace().stochastic_nodes == ["x"]
    with pytest.raises(HandlerError, match="type of statement"):
        Quiet.register(stop)


def test_statements_of_a_users_own_type_are_seen_by_handlers() -> None:
    @effectful(type="double")
    def double(x: float) -> float:
        return 2 * x

    class Triple(Messenger):
        def _pyro_double(self, msg: Any) -> None:
            msg["value"] = 3 * msg["args"][0]

    assert double(2.0) == 4.0
    with Triple():
        assert double(2.0, name="d", infer={"a": 1}) == 6.0
        with block():
            assert double(2.0) == 4.0


def test_a_run_is_what_the_outermost_trace_records() -> None:
    assert current_run() is None
    with scale(scale=2.0):
        first = current_run()
        with mask(mask=True):
            assert current_run() is first
        with trace():
            second = current_run()
            with trace():
                assert current_run() is second
        with trace():
            third = current_run()
    assert len({id(first), id(second), id(third)}) == 3


def test_am_i_wrapped_tells_whether_handlers_are_active() -> None:
    assert not am_i_wrapped()
    with mask(mask=True):
        assert am_i_wrapped()


@pytest.mark.parametrize("checked", [True, False])
def test_a_handled_model_is_one_graph_for_torch_compile(checked: bool) -> None:
    def density(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        def model() -> None:
            loc = sample("z", dist.Normal(0.0, 1.0))
            with plate("rows", 3):
                sample("y", dist.Normal(loc, 1.0), obs=y)

        return trace(condition(model, data={"z": z})).get_trace().log_prob_sum()

    z, y = torch.tensor(0.3), torch.zeros(3)
    with validation_enabled(checked):
        compiled = torch.compile(density, fullgraph=True, backend="eager")
        assert torch.allclose(compiled(z, y), density(z, y))
