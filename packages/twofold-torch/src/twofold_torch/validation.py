"""Whether values, shapes and arguments are checked: one switch for laws, handlers and inference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.distributions import Distribution as TorchBase

__all__ = ["enable_validation", "is_validation_enabled", "validation_enabled"]

_enabled = True


def is_validation_enabled() -> bool:
    """Whether checks are on (they are, to begin with)."""
    return _enabled


def enable_validation(is_validate: bool = True) -> None:
    """Switch the checks of laws, handlers and inference on or off, until changed again.

    Checks find wrong arguments, values outside a support and NaN; they never change a result.  The default of plain
    ``torch.distributions`` is switched along.

    Example:
        >>> enable_validation(False)
        >>> enable_validation()
    """
    global _enabled
    _enabled = bool(is_validate)
    TorchBase.set_default_validate_args(_enabled)


@contextmanager
def validation_enabled(is_validate: bool = True) -> Iterator[None]:
    """Switch the checks on or off inside a ``with`` block, and back at its end, also after an error.

    Example:
        >>> with validation_enabled(False):
        ...     is_validation_enabled()
        False
    """
    former, former_of_torch = _enabled, TorchBase._validate_args
    enable_validation(is_validate)
    try:
        yield
    finally:
        enable_validation(former)
        TorchBase.set_default_validate_args(former_of_torch)
