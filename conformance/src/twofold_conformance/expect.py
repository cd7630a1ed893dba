"""The only way in which a check may assert.  Every helper raises ``Violation`` with what was seen and expected."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from twofold_conformance.origin import mistake_of_check, raised_in

ADAPTER_MISTAKES = (NameError, AttributeError, ImportError, NotImplementedError, KeyError)
"""Raised in the adapter's own lines, these are its mistakes and never the error that a check waits for."""


class Violation(Exception):  # noqa: N818 - a verdict, not an error of the program
    """An implementation breaks a clause."""


def _fail(what: str, seen: object, expected: object, hint: str = "") -> NoReturn:
    lines = [what, f"  seen:     {seen}", f"  expected: {expected}"]
    if hint:
        lines.append(f"  hint:     {hint}")
    raise Violation("\n".join(lines))


def _shortened(value: object, limit: int = 200) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[:limit]} ..."


def _ratio(seen: np.ndarray, expected: np.ndarray) -> str:
    """`` (3 x expected)`` if one factor explains the difference: the usual sign of a wrong scale."""
    with np.errstate(all="ignore"):
        ratios = np.unique(np.round(np.asarray(seen / expected, dtype=float), 6))
    if ratios.size == 1 and np.isfinite(ratios[0]) and ratios[0] not in (0.0, 1.0):
        return f" ({ratios[0]:g} x expected)"
    return ""


def _distance(seen: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> str:
    """How many entries of an array differ, and which one most."""
    if seen.ndim == 0:
        return ""
    with np.errstate(all="ignore"):
        gap = np.where(wrong, np.nan_to_num(np.abs(seen - expected), nan=np.inf), -1.0)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(gap)), gap.shape))
    most = f"most at {worst}: {seen[worst]:g} for {expected[worst]:g}"
    return f"\n            {int(wrong.sum())} of {seen.size} entries differ, {most}"


class Expect:
    """Assertions.  ``what`` says in words which quantity is compared."""

    def __init__(self, adapter_files: Collection[str] = ()) -> None:
        self._adapter_files = adapter_files

    def close(
        self, seen: Any, expected: Any, what: str, *, rtol: float = 1e-4, atol: float = 1e-5, hint: str = ""
    ) -> None:
        """Equal shape, and equal within tolerance (NaN equals NaN)."""
        if seen is None:
            _fail(what, "None", repr(expected), hint)
        seen, expected = np.asarray(seen, dtype=float), np.asarray(expected, dtype=float)
        if seen.shape != expected.shape:
            _fail(f"shape of {what}", f"{seen.shape}, values {seen!r}", f"{expected.shape}, values {expected!r}", hint)
        wrong = ~np.isclose(seen, expected, rtol=rtol, atol=atol, equal_nan=True)
        if wrong.any():
            _fail(what, f"{seen!r}{_ratio(seen, expected)}{_distance(seen, expected, wrong)}", repr(expected), hint)

    def equal(self, seen: Any, expected: Any, what: str, *, hint: str = "") -> None:
        """Equal Python values, or bitwise equal arrays of one shape."""
        if isinstance(seen, np.ndarray) or isinstance(expected, np.ndarray):
            same = np.shape(seen) == np.shape(expected) and bool(np.array_equal(seen, expected))
        else:
            same = bool(seen == expected)
        if not same:
            _fail(what, repr(seen), repr(expected), hint)

    def different(self, seen: Any, other: Any, what: str, *, hint: str = "") -> None:
        """Not the same Python value, or arrays that differ somewhere."""
        if np.shape(seen) == np.shape(other) and bool(np.array_equal(seen, other)):
            _fail(what, repr(seen), "another value", hint)

    def shape(self, value: Any, expected: Sequence[int], what: str, *, hint: str = "") -> None:
        """``value`` has that shape."""
        if tuple(np.shape(value)) != tuple(expected):
            _fail(f"shape of {what}", tuple(np.shape(value)), tuple(expected), hint)

    def true(self, condition: Any, what: str, *, seen: object = "false", hint: str = "") -> None:
        """The condition holds; ``seen`` is shown if it does not."""
        if not bool(condition):
            _fail(what, seen, "true", hint)

    def same_object(self, seen: Any, expected: Any, what: str, *, hint: str = "") -> None:
        """``seen is expected``."""
        if seen is not expected:
            _fail(what, f"another object: {seen!r}", repr(expected), hint)

    def contains(self, container: Iterable[Any], item: Any, what: str, *, hint: str = "") -> None:
        """``item`` is one of ``container``."""
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
        wanted = f"an exception{' of kind ' + ' or '.join(kinds) if kinds else ''}"
        try:
            result = call()
        except Violation:
            raise
        except Exception as error:
            ancestry = {cls.__name__ for cls in type(error).__mro__}
            by_adapter = isinstance(error, ADAPTER_MISTAKES) and raised_in(error, self._adapter_files)
            if not set(kinds) & ancestry and (by_adapter or mistake_of_check(error)):
                raise
            if kinds and not set(kinds) & ancestry:
                _fail(what, f"{type(error).__name__}: {error}", wanted, hint)
            missing = [name for name in names if name not in str(error)]
            if missing:
                _fail(what, f"{type(error).__name__}: {error}", f"a message that names {', '.join(missing)}", hint)
            return error
        _fail(what, f"no error; the result was {_shortened(result)}", wanted, hint)

    def warns(
        self,
        call: Callable[[], Any],
        what: str,
        *,
        kinds: Sequence[str] = (),
        names: Sequence[str] = (),
        hint: str = "",
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
        wanted = "a warning" + (f" of kind {' or '.join(kinds)}" if kinds else "")
        _fail(what, seen, wanted + (f" that names {', '.join(names)}" if names else ""), hint)

    def silent(self, call: Callable[[], Any], what: str, *, hint: str = "") -> Any:
        """``call`` neither raises nor warns."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = call()
        if caught:
            _fail(what, [f"{w.category.__name__}: {w.message}" for w in caught], "no warning", hint)
        return result
