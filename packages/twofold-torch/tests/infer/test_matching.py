"""What guide and model must have in common."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import tensor

import twofold_torch as tf
from twofold_torch import distributions as dist
from twofold_torch.errors import InferenceError, InferenceWarning, PlateError
from twofold_torch.infer import SVI, Trace_ELBO
from twofold_torch.optim import SGD


def normal(*names: str) -> Callable[[], None]:
    def run() -> None:
        for name in names:
            tf.sample(name, dist.Normal(0.0, 1.0))

    return run


def test_latent_that_the_guide_misses_is_named() -> None:
    with pytest.raises(InferenceError, match="no site for the model's latent 'y'"):
        Trace_ELBO().loss(normal("x", "y"), normal("x"))


def test_latent_of_the_guide_that_the_model_observes_is_named() -> None:
    def model() -> None:
        tf.sample("x", dist.Normal(0.0, 1.0), obs=tensor(1.0))

    with pytest.raises(InferenceError, match="draws 'x', which the model observes"):
        Trace_ELBO().loss(model, normal("x"))


def test_extra_site_of_the_guide_is_warned_of_once() -> None:
    svi = SVI(normal("x"), normal("x", "extra"), SGD({"lr": 0.1}), Trace_ELBO())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            svi.step()
    assert [w.category for w in caught] == [InferenceWarning]
    assert "'extra'" in str(caught[0].message)


def test_auxiliary_site_of_the_guide_is_fine() -> None:
    def guide() -> None:
        x = tf.sample("helper", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
        tf.sample("x", dist.Delta(x))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trace_ELBO().loss(normal("x"), guide)


def test_plates_do_not_count_as_latents() -> None:
    def run() -> None:
        with tf.plate("rows", 10, subsample_size=3):
            tf.sample("x", dist.Normal(0.0, 1.0))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trace_ELBO().loss(run, run)


def test_plates_nested_inside_out_are_named() -> None:
    def run(order: str) -> Callable[[], Any]:
        def inner() -> None:
            sizes = {"a": 2, "b": 3}
            with tf.plate(order[0], sizes[order[0]]), tf.plate(order[1], sizes[order[1]]):
                tf.sample("x", dist.Normal(0.0, 1.0))

        return inner

    with pytest.raises((PlateError, ValueError), match=r"plate '[ab]'|'x'"):
        Trace_ELBO().loss(run("ab"), run("ba"))


def test_plates_of_one_size_nested_inside_out_are_noticed() -> None:
    def run(order: str) -> Callable[[], Any]:
        def inner() -> None:
            with tf.plate(order[0], 3), tf.plate(order[1], 3):
                tf.sample("x", dist.Normal(torch.zeros(3), 1.0))

        return inner

    with pytest.raises(PlateError, match="differs between guide and model"):
        Trace_ELBO().loss(run("ab"), run("ba"))


@pytest.mark.parametrize("is_said", [None, True, False])
def test_factor_in_a_guide_has_to_say_whether_it_is_reparameterised(is_said: bool | None) -> None:
    def guide() -> None:
        tf.sample("x", dist.Normal(0.0, 1.0))
        tf.factor("f", tensor(0.5), has_rsample=is_said)

    if is_said is None:
        with pytest.raises(InferenceError, match="factor 'f'"):
            Trace_ELBO().loss(normal("x"), guide)
    else:
        assert Trace_ELBO().loss(normal("x"), guide) == pytest.approx(0.5)
