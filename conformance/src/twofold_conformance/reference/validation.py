"""The one switch for every check that costs time: arguments, supports, NaN, unused names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class _Switch:
    on = True


SWITCH: Final = _Switch()


def is_validation_enabled() -> bool:
    return SWITCH.on


def enable_validation(is_validate: bool = True) -> None:
    """Switch every check on or off, until told otherwise."""
    SWITCH.on = is_validate


@contextmanager
def validation_enabled(is_validate: bool = True) -> Iterator[None]:
    """Switch for the length of a ``with`` block; afterwards the switch is as before, errors or not."""
    before = is_validation_enabled()
    enable_validation(is_validate)
    try:
        yield
    finally:
        enable_validation(before)
