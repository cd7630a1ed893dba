"""Settings, validation and seeds of the process."""

from __future__ import annotations

import pytest

from twofold_torch import settings
from twofold_torch.validation import is_validation_enabled


def test_settings_are_read_changed_and_put_back() -> None:
    assert settings.get("validation") is True
    assert set(settings.get()) >= {"validation", "validate_distributions_torch"}
    with pytest.raises(ZeroDivisionError), settings.context(validation=False):  # noqa: PT012 - the error comes from inside of the block
        assert not is_validation_enabled()
        _ = 1 / 0
    assert is_validation_enabled()
    settings.set(validation=False)
    assert settings.get("validation") is False


def test_an_unknown_setting_or_value_changes_nothing() -> None:
    for values in ({"validatoin": False}, {"validation": "off"}, {"validation": False, "other": 1}):
        with pytest.raises(KeyError):
            settings.set(**values)
    assert is_validation_enabled()
    with pytest.raises(KeyError, match="already"):
        settings.register("validation", __name__, "TOLERANCE")


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


@pytest.mark.parametrize("name", ["validate_distributions_pyro", "validate_infer", "validate_poutine"])
def test_the_names_of_the_lineage_move_the_one_switch(name: str) -> None:
    with settings.context(**{name: False}):
        assert not is_validation_enabled()
    assert is_validation_enabled()
