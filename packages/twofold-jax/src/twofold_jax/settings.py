"""Settings of the whole process, by name.

>>> from twofold_jax import settings
>>> settings.get("validation")
True
>>> with settings.context(validation=False):
...     settings.get("validation")
False
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax

from .errors import TwofoldError
from .util import enable_x64
from .validation import enable_validation, is_validation_enabled

__all__ = ["context", "get", "register", "set"]


class SettingError(TwofoldError, KeyError):
    """There is no setting of this name, or it cannot have this value."""


class _Setting(NamedTuple):
    read: Callable[[], Any]
    write: Callable[[Any], None]
    check: Callable[[Any], bool]


_SETTINGS: dict[str, _Setting] = {}


def register(name: str, read: Callable[[], Any], write: Callable[[Any], None], check: Callable[[Any], bool]) -> None:
    """Make a value of your own a setting.

    Args:
        name: not taken yet.
        read: gives the value.
        write: changes it.
        check: whether a value will do.
    """
    if name in _SETTINGS:
        raise SettingError(f"there is a setting {name!r} already")
    _SETTINGS[name] = _Setting(read, write, check)


def get(name: str | None = None) -> Any:
    """The value of one setting, or a dict of all."""
    if name is None:
        return {key: setting.read() for key, setting in _SETTINGS.items()}
    return _find(name).read()


def set(**values: Any) -> None:
    """Change settings: all of them or, if a name or value will not do, none."""
    for name, value in values.items():
        if not _find(name).check(value):
            raise SettingError(f"setting {name!r} cannot have this value", seen=repr(value))
    for name, value in values.items():
        _SETTINGS[name].write(value)


@contextmanager
def context(**values: Any) -> Iterator[None]:
    """Change settings inside a ``with`` block."""
    former = {name: get(name) for name in values}
    set(**values)
    try:
        yield
    finally:
        set(**former)


def _find(name: str) -> _Setting:
    if name not in _SETTINGS:
        raise SettingError(f"there is no setting {name!r}", expected=f"one of {sorted(_SETTINGS)}")
    return _SETTINGS[name]


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


register("validation", is_validation_enabled, enable_validation, _is_bool)
register("x64", lambda: bool(jax.config.read("jax_enable_x64")), enable_x64, _is_bool)  # type: ignore[no-untyped-call]
