"""Laws of names that no statement has."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import twofold_jax as tf
import twofold_jax.distributions as dist
from twofold_jax import handlers
from twofold_jax.errors import TwofoldWarning, UnknownSiteError
from twofold_jax.infer.reparam import LocScaleReparam
from twofold_jax.runtime import active_handlers


def model(**more: Any) -> None:
    tf.param("spread", 1.0)
    tf.sample("height", dist.Normal(0.0, 1.0))
    tf.sample("z_10", dist.Normal(0.0, 1.0))


def given(handler: str, name: str) -> Any:
    site = handlers.trace(lambda: tf.sample(name, dist.Normal(0.0, 1.0), obs=0.0)).get_trace()[name]
    settings: dict[str, Any] = {
        "condition": {"data": {name: 0.5}},
        "substitute": {"data": {name: 0.5}},
        "do": {"data": {name: 0.5}},
        "lift": {"prior": {name: dist.Normal(0.0, 1.0)}},
        "reparam": {"config": {name: LocScaleReparam(0.0)}},
        "replay": {"trace": {name: {**site, "is_observed": False}}},
    }
    return handlers.seed(getattr(handlers, handler)(model, **settings[handler]), rng_seed=0)


HANDLERS = ["condition", "substitute", "do", "lift", "reparam", "replay"]


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_misspelt_name_is_an_error_that_names_the_site(handler: str) -> None:
    with pytest.raises(UnknownSiteError, match=r"(?s)'heigth'.*did you mean 'height'"):
        given(handler, "heigth")()
    assert active_handlers() == ()


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("name", ["elsewhere", "z_9"])
def test_any_other_name_is_a_warning(handler: str, name: str) -> None:
    with pytest.warns(TwofoldWarning, match=f"{handler} was given '{name}'"):
        given(handler, name)()


@pytest.mark.parametrize("handler", HANDLERS)
def test_inference_and_validation_can_switch_the_report_off(handler: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tf.validation_enabled(False):
            given(handler, "heigth")()
        quiet = given(handler, "heigth")
        quiet.fn.check_names = False
        quiet()


def test_a_name_that_resembles_another_given_name_is_no_misspelling() -> None:
    with pytest.warns(TwofoldWarning):
        handlers.condition(handlers.seed(model, rng_seed=0), data={"height": 1.0, "heights": 1.0})()


def test_an_error_of_the_model_is_not_replaced() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        handlers.condition(broken, data={"x": 1.0})()


def test_the_warning_points_at_the_users_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        given("condition", "elsewhere")()
    assert caught[0].filename == __file__
