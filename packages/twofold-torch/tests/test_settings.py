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
        settings.register("validation", lambda: 1, lambda value: None, lambda value: True)
