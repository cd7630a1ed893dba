"""Settings of the whole process, by name.

>>> from twofold_jax import settings
>>> settings.get("validation")
True
>>> with settings.context(validation=False):
...     settings.get("validation")
False
"""

from __future__ import annotations

import functools
import importlib
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
    check: Callable[[Any], Any]
    """Raises, or gives False, if a value will not do."""


_SETTINGS: dict[str, _Setting] = {}


def register(
    alias: str, modulename: str, deepname: str, validator: Callable[[Any], Any] | None = None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Make a variable of a module a setting.

    Args:
        alias: name of the setting, not taken yet.
        modulename: the module that holds the variable, such as ``__name__``.
        deepname: the variable, or attributes joined by dots, such as ``"Model.tolerance"``.
        validator: raises, or gives False, if a value will not do.

    Returns:
        A decorator for the validator, if it is not given here.

    Raises:
        SettingError: there is a setting of this name.

    Example:
        >>> import reprlib
        >>> from twofold_jax import settings
        >>> _ = settings.register("depth_of_reprs", "reprlib", "aRepr.maxlevel", lambda value: value > 0)
        >>> with settings.context(depth_of_reprs=2):
        ...     reprlib.aRepr.maxlevel
        2
    """
    *path, attribute = deepname.split(".")

    def holder() -> Any:
        return functools.reduce(getattr, path, importlib.import_module(modulename))

    def check_by(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        _SETTINGS[alias] = _Setting(
            lambda: getattr(holder(), attribute), lambda value: setattr(holder(), attribute, value), function
        )
        return function

    _refuse_taken(alias)
    check_by(validator or (lambda value: None))
    return check_by


def _register(alias: str, read: Callable[[], Any], write: Callable[[Any], None]) -> None:
    """Make a switch that has functions of its own a setting."""
    _refuse_taken(alias)
    _SETTINGS[alias] = _Setting(read, write, lambda value: isinstance(value, bool))


def _refuse_taken(alias: str) -> None:
    if alias in _SETTINGS:
        raise SettingError(f"there is a setting {alias!r} already", suggestion="choose another name")


def get(name: str | None = None) -> Any:
    """The value of one setting, or a dict of all."""
    if name is None:
        return {key: setting.read() for key, setting in _SETTINGS.items()}
    return _find(name).read()


def set(**values: Any) -> None:
    """Change settings: all of them or, if a name or value will not do, none."""
    for name, value in values.items():
        _check(name, value)
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


def _check(name: str, value: Any) -> None:
    check = _find(name).check
    try:
        fits, reason = check(value) is not False, None
    except (ValueError, TypeError, AssertionError) as error:
        fits, reason = False, str(error) or None
    if not fits:
        raise SettingError(f"setting {name!r} cannot have this value", seen=repr(value), expected=reason)


_register("validation", is_validation_enabled, enable_validation)
_register("x64", lambda: bool(jax.config.read("jax_enable_x64")), enable_x64)  # type: ignore[no-untyped-call]
