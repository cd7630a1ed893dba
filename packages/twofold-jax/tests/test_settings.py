"""Laws of settings by name."""

from __future__ import annotations

import pytest

import twofold_jax as tf
from twofold_jax import settings


def test_a_context_changes_settings_and_puts_them_back() -> None:
    with pytest.raises(ZeroDivisionError), settings.context(validation=False):
        _ = 1 / settings.get("validation")
    assert settings.get("validation") is True
    assert settings.get() == {"validation": True, "x64": settings.get("x64")}


def test_all_settings_change_or_none() -> None:
    with pytest.raises(KeyError, match="validation"):
        settings.set(x64=True, validation="yes")
    assert settings.get("x64") is False


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="no setting 'validate'"):
        settings.get("validate")
    with pytest.raises(KeyError, match="there is a setting"):
        settings.register("validation", __name__, "TOLERANCE")


def test_x64_gives_indices_of_64_bits() -> None:
    with settings.context(x64=True), tf.plate("rows", 3) as indices:
        assert indices.dtype == "int64"
    with tf.plate("rows", 3) as indices:
        assert indices.dtype == "int32"


TOLERANCE = 0.1


class Model:
    tolerance = 1.0


def test_a_variable_of_a_module_becomes_a_setting() -> None:
    @settings.register("test_tolerance", __name__, "TOLERANCE")
    def is_positive(value: float) -> None:
        if value <= 0:
            raise ValueError("a tolerance is positive")

    settings.register("test_model_tolerance", __name__, "Model.tolerance", lambda value: value > 0)
    with settings.context(test_tolerance=0.5, test_model_tolerance=2.0):
        assert (TOLERANCE, Model.tolerance) == (0.5, 2.0)
    assert (TOLERANCE, Model.tolerance) == (0.1, 1.0)
    with pytest.raises(KeyError, match="a tolerance is positive"):
        settings.set(test_model_tolerance=3.0, test_tolerance=-1.0)
    assert Model.tolerance == 1.0
    with pytest.raises(KeyError):
        settings.set(test_model_tolerance=-1.0)
