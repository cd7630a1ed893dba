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
        settings.register("validation", lambda: 0, print, bool)


def test_x64_gives_indices_of_64_bits() -> None:
    with settings.context(x64=True), tf.plate("rows", 3) as indices:
        assert indices.dtype == "int64"
    with tf.plate("rows", 3) as indices:
        assert indices.dtype == "int32"
