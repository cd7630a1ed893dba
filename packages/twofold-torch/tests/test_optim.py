"""Optimisers of the parameters in the store."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import twofold_torch as tf
from twofold_torch import optim
from twofold_torch.errors import FileFormatError, HandlerError
from twofold_torch.optim import SGD, Adam, ClippedAdam, PyroOptim, as_optimizer


def leaf(name: str, value: float = 1.0) -> Tensor:
    tf.param(name, value)
    return dict(tf.get_param_store().named_parameters())[name]


def number(each: Tensor) -> float:
    return float(each.detach())


def give_gradient(*leaves: Tensor, value: float = 1.0) -> None:
    for each in leaves:
        each.grad = torch.full_like(each, value)


def test_adam_moves_as_the_adam_of_torch() -> None:
    own, other = leaf("x"), torch.tensor(1.0, requires_grad=True)
    ours, theirs = Adam({"lr": 0.1}), torch.optim.Adam([other], lr=0.1)
    for gradient in (1.0, -0.5, 2.0):
        give_gradient(own, other, value=gradient)
        ours([own])
        theirs.step()
    assert number(own) == pytest.approx(number(other))


def test_every_optimiser_of_torch_has_its_name_here() -> None:
    for name in ("Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"):
        assert name in optim.__all__
        own = leaf(name)
        give_gradient(own)
        getattr(optim, name)({"lr": 0.1})([own])
        assert number(own) != 1.0, name


def test_a_parameter_that_turns_up_later_is_taken_in() -> None:
    first, second = leaf("a"), leaf("b")
    optimizer = SGD({"lr": 1.0})
    give_gradient(first)
    optimizer([first])
    give_gradient(first, second)
    optimizer([first, second])
    assert (number(first), number(second)) == (-1.0, 0.0)


def test_settings_may_depend_on_the_name() -> None:
    fast, slow = leaf("fast"), leaf("slow")
    give_gradient(fast, slow)
    SGD(lambda name: {"lr": 1.0 if name == "fast" else 0.25})([fast, slow])
    assert (number(fast), number(slow)) == (0.0, 0.75)


def test_parameters_of_equal_settings_are_in_one_group() -> None:
    optimizer = Adam({"lr": 0.1})
    for name in "abc":
        own = leaf(name)
        give_gradient(own)
        optimizer([own])
    assert optimizer.optimizer is not None
    assert [len(group["params"]) for group in optimizer.optimizer.param_groups] == [3]


def test_clip_norm_limits_the_norm_of_all_gradients_together() -> None:
    x, y = leaf("x"), leaf("y")
    x.grad, y.grad = torch.tensor(3.0), torch.tensor(4.0)
    SGD({"lr": 1.0}, {"clip_norm": 1.0})([x, y])
    assert (number(x), number(y)) == (pytest.approx(0.4, abs=1e-5), pytest.approx(0.2, abs=1e-5))


def test_clip_value_limits_each_entry() -> None:
    x, y = leaf("x"), leaf("y")
    x.grad, y.grad = torch.tensor(3.0), torch.tensor(-0.25)
    SGD({"lr": 1.0}, {"clip_value": 0.5})([x, y])
    assert (number(x), number(y)) == (0.5, 1.25)


def test_clipped_adam_clips_and_lowers_its_rate() -> None:
    own = leaf("x")
    optimizer = ClippedAdam({"lr": 0.1, "clip_norm": 0.5, "lrd": 0.5, "betas": (0.0, 0.0)})
    for _ in range(2):
        give_gradient(own, value=100.0)
        optimizer([own])
    assert optimizer.optimizer is not None
    assert optimizer.optimizer.param_groups[0]["lr"] == pytest.approx(0.025)
    assert number(own) == pytest.approx(1.0 - 0.1 - 0.05, rel=1e-4)


def test_state_by_name_continues_where_it_was_left() -> None:
    def run(optimizer: Any, own: Tensor, steps: int) -> None:
        for step in range(steps):
            give_gradient(own, value=1.0 + step)
            optimizer([own])

    straight = leaf("straight")
    run(Adam({"lr": 0.1}), straight, 3)
    give_gradient(straight, value=9.0)

    first, broken = Adam({"lr": 0.1}), leaf("x")
    run(first, broken, 3)
    second = Adam({"lr": 0.1})
    second.set_state(first.get_state())
    assert second.get_state().keys() == {"x"}
    for optimizer in (first, second):
        state = optimizer.get_state()["x"]
        assert float(state["step"]) == 3.0
    before = number(broken)
    give_gradient(broken, value=9.0)
    second([broken])
    moved = before - number(broken)
    other = leaf("other", before)
    third = Adam({"lr": 0.1})
    third.set_state({"other": first.get_state()["x"]})
    give_gradient(other, value=9.0)
    third([other])
    assert before - number(other) == pytest.approx(moved)


def test_state_is_saved_and_read_without_running_code(tmp_path: Path) -> None:
    own, optimizer = leaf("x"), Adam({"lr": 0.1})
    give_gradient(own)
    optimizer([own])
    file = str(tmp_path / "adam.pt")
    optimizer.save(file)
    other = Adam({"lr": 0.1})
    other.load(file)
    assert float(other.get_state()["x"]["exp_avg"]) == pytest.approx(0.1)


def test_a_file_with_code_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return print, ("boom",)

    file = tmp_path / "bomb.pt"
    file.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FileFormatError, match="holds no state"):
        Adam({"lr": 0.1}).load(str(file))


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Adam({"lr": 0.1}).load(str(tmp_path / "none.pt"))


@pytest.mark.parametrize(("args", "words"), [((0.1,), "settings"), (({"lr": 0.1}, {"clip": 1.0}), "clip_args")])
def test_settings_of_the_wrong_kind_are_refused(args: Any, words: str) -> None:
    with pytest.raises(HandlerError, match=words):
        Adam(*args)


def test_as_optimizer_takes_objects_classes_and_factories() -> None:
    own = Adam({"lr": 0.1})
    assert as_optimizer(own) is own
    assert isinstance(as_optimizer(torch.optim.SGD), PyroOptim)
    fixed = torch.tensor(1.0, requires_grad=True)
    wrapped = as_optimizer(torch.optim.SGD([fixed], lr=0.5))
    give_gradient(fixed)
    wrapped([fixed])
    assert number(fixed) == 0.5
    with pytest.raises(HandlerError, match="needs an optimiser"):
        as_optimizer("adam")


def test_optimiser_with_its_own_parameters_ignores_no_gradient() -> None:
    own = leaf("x")
    SGD({"lr": 1.0})([own])  # no gradient there
    assert number(own) == 1.0
