"""The only way in which a check may assert.  Every helper raises ``Violation`` with what was seen and expected."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np


class Violation(Exception):  # noqa: N818 - a verdict, not an error of the program
    """An implementation breaks a clause."""


def _fail(what: str, seen: object, expected: object, hint: str = "") -> None:
    lines = [what, f"  seen:     {seen}", f"  expected: {expected}"]
    if hint:
        lines.append(f"  hint:     {hint}")
    raise Violation("\n".join(lines))


def _ratio(seen: np.ndarray, expected: np.ndarray) -> str:
    """`` (3 x expected)`` if one factor explains the difference: the usual sign of a wrong scale."""
    with np.errstate(all="ignore"):
        ratios = np.unique(np.round(np.asarray(seen / expected, dtype=float), 6))
    if ratios.size == 1 and np.isfinite(ratios[0]) and ratios[0] not in (0.0, 1.0):
        return f" ({ratios[0]:g} x expected)"
    return ""


class Expect:
    """Assertions.  ``what`` says in words which quantity is compared."""

    def close(self, seen: Any, expected: Any, what: str, *, rtol: float = 1e-4, atol: float = 1e-5, hint: str = "") -> None:
        """Equal shape, and equal within tolerance (NaN equals NaN)."""
        seen, expected = np.asarray(seen, dtype=float), np.asarray(expected, dtype=float)
        if seen.shape != expected.shape:
            _fail(f"shape of {what}", f"{seen.shape}, values {seen!r}", f"{expected.shape}, values {expected!r}", hint)
        if not np.allclose(seen, expected, rtol=rtol, atol=atol, equal_nan=True):
            _fail(what, f"{seen!r}{_ratio(seen, expected)}", repr(expected), hint)

    def equal(self, seen: Any, expected: Any, what: str, *, hint: str = "") -> None:
        """Equal Python values, or bitwise equal arrays of one shape."""
        if isinstance(seen, np.ndarray) or isinstance(expected, np.ndarray):
            same = np.shape(seen) == np.shape(expected) and bool(np.array_equal(seen, expected))
        else:
            same = bool(seen == expected)
        if not same:
            _fail(what, repr(seen), repr(expected), hint)

    def different(self, seen: Any, other: Any, what: str, *, hint: str = "") -> None:
        if np.shape(seen) == np.shape(other) and bool(np.array_equal(seen, other)):
            _fail(what, repr(seen), "another value", hint)

    def shape(self, value: Any, expected: Sequence[int], what: str, *, hint: str = "") -> None:
        if tuple(np.shape(value)) != tuple(expected):
            _fail(f"shape of {what}", tuple(np.shape(value)), tuple(expected), hint)

    def true(self, condition: Any, what: str, *, seen: object = "false", hint: str = "") -> None:
        if not bool(condition):
            _fail(what, seen, "true", hint)

    def same_object(self, seen: Any, expected: Any, what: str, *, hint: str = "") -> None:
        if seen is not expected:
            _fail(what, f"another object: {seen!r}", repr(expected), hint)

    def contains(self, container: Iterable[Any], item: Any, what: str, *, hint: str = "") -> None:
        items = list(container)
        if item not in items:
            _fail(what, items, f"{item!r} among them", hint)

    def raises(
        self,
        call: Callable[[], Any],
        what: str,
        *,
        kinds: Sequence[str] = (),
        names: Sequence[str] = (),
        hint: str = "",
    ) -> Exception:
        """``call`` raises; if ``kinds`` are given, a class of one of these names (or a subclass of it); every one of
        ``names`` stands in the message."""
        try:
            result = call()
        except Violation:
            raise
        except Exception as error:
            ancestry = [cls.__name__ for cls in type(error).__mro__]
            if kinds and not set(kinds) & set(ancestry):
                _fail(what, f"{type(error).__name__}: {error}", f"an exception of kind {' or '.join(kinds)}", hint)
            missing = [name for name in names if name not in str(error)]
            if missing:
                _fail(what, f"{type(error).__name__}: {error}", f"a message that names {', '.join(missing)}", hint)
            return error
        _fail(what, f"no error; the result was {result!r}", f"an exception{' of kind ' + ' or '.join(kinds) if kinds else ''}", hint)
        raise AssertionError  # unreachable: _fail always raises

    def warns(
        self, call: Callable[[], Any], what: str, *, kinds: Sequence[str] = (), names: Sequence[str] = (), hint: str = ""
    ) -> Any:
        """``call`` warns at least once with such a category and every one of ``names`` in the message."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = call()
        for warning in caught:
            ancestry = {cls.__name__ for cls in warning.category.__mro__}
            if (not kinds or set(kinds) & ancestry) and all(name in str(warning.message) for name in names):
                return result
        seen = [f"{w.category.__name__}: {w.message}" for w in caught] or "no warning"
        _fail(what, seen, f"a warning {' or '.join(kinds)} that names {', '.join(names) or 'anything'}", hint)
        return None

    def silent(self, call: Callable[[], Any], what: str, *, hint: str = "") -> Any:
        """``call`` neither raises nor warns."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = call()
        if caught:
            _fail(what, [f"{w.category.__name__}: {w.message}" for w in caught], "no warning", hint)
        return result
