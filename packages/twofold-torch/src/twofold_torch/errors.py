"""Every exception and warning of the package.

TwofoldError
├── SiteError                    a statement of the model cannot be performed
│   ├── DuplicateSiteError       (RuntimeError)  one name used twice in one run
│   ├── UnknownSiteError         (KeyError)      a name that no statement of the model has
│   ├── ShapeError               (ValueError)    a shape that does not fit its plates, law or observation
│   ├── SupportError             (ValueError)    a value outside a support or constraint
│   ├── NonFiniteError           (ValueError)    a density, gradient or parameter that is not finite
│   ├── SiteTypeError            (TypeError)     an argument of the wrong type
│   └── RandomKeyError           (RuntimeError)  a statement needs a random key and none reached it
├── PlateError                   (ValueError)    a plate that cannot be entered, or its sizes do not fit
├── HandlerError                 (ValueError)    a handler given settings that it cannot use
├── StoreError                   (RuntimeError)  the parameter store cannot do what was asked
├── FileFormatError              (ValueError)    a file that is damaged, or not ours
└── InferenceError               (RuntimeError)  an algorithm cannot start or go on

TwofoldWarning (UserWarning)
└── InferenceWarning             (RuntimeWarning)  a result that should not be trusted as it is
"""

from __future__ import annotations

from typing import Any


class TwofoldError(Exception):
    """Base of all errors of this package.

    Args:
        problem: what is wrong, in a sentence, naming the site or plate.
        seen: what was met.
        expected: what would have been right.
        suggestion: what to try.

    Example:
        >>> print(ShapeError("site 'x' does not fit its plate", seen=(3,), expected=(5,), suggestion="resize it"))
        site 'x' does not fit its plate
          seen: (3,)
          expected: (5,)
          try: resize it
    """

    has_place = False
    """Whether a note says where in the run the error arose."""

    def __init__(self, problem: str, *, seen: Any = None, expected: Any = None, suggestion: str | None = None) -> None:
        self.problem, self.seen, self.expected, self.suggestion = problem, seen, expected, suggestion
        parts = (("seen", seen), ("expected", expected), ("try", suggestion))
        self.message = "\n".join([problem, *(f"  {label}: {part}" for label, part in parts if part is not None)])
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message  # KeyError would print the repr

    def within(self, place: str) -> TwofoldError:
        """The same error, its problem preceded by the place where it arose.

        Example:
            >>> print(SupportError("argument 'scale' of Normal is negative").within("site 'x'"))
            site 'x': argument 'scale' of Normal is negative
        """
        problem = f"{place}: {self.problem}"
        return type(self)(problem, seen=self.seen, expected=self.expected, suggestion=self.suggestion)

    def add_place(self, last: str | None) -> None:
        """Note where in the run the error arose, if nobody has: for errors that know no site, as those of laws.

        Args:
            last: name of the last statement before; None if there was none.
        """
        if not self.has_place:
            self.has_place = True
            where = "before its first statement" if last is None else f"after the statement {last!r}"
            self.add_note(f"in the model, {where}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.problem, self.seen, self.expected, self.suggestion)


def _rebuild(cls: type[TwofoldError], problem: str, seen: Any, expected: Any, suggestion: str | None) -> TwofoldError:
    return cls(problem, seen=seen, expected=expected, suggestion=suggestion)


class SiteError(TwofoldError):
    """A statement of the model cannot be performed."""


class DuplicateSiteError(SiteError, RuntimeError):
    """One name is used by two statements of one run."""


class UnknownSiteError(SiteError, KeyError):
    """A name was given that no statement of the model has."""


class ShapeError(SiteError, ValueError):
    """A shape does not fit the plates, the law or the observation of its site."""


class SupportError(SiteError, ValueError):
    """A value lies outside the support of its law or outside its constraint."""


class NonFiniteError(SiteError, ValueError):
    """A density, a gradient or a parameter is not finite."""


class SiteTypeError(SiteError, TypeError):
    """A statement was given an argument of the wrong type."""


class RandomKeyError(SiteError, RuntimeError):
    """A statement needs a random key, and none reached it or one would be used twice."""


class PlateError(TwofoldError, ValueError):
    """A plate cannot be entered here, or its sizes do not fit together."""


class HandlerError(TwofoldError, ValueError):
    """A handler was given settings that it cannot use."""


class StoreError(TwofoldError, RuntimeError):
    """The parameter store cannot do what was asked; it is as it was before."""


class FileFormatError(TwofoldError, ValueError):
    """A file is damaged, was not written by this package, or holds code."""


class InferenceError(TwofoldError, RuntimeError):
    """An algorithm cannot start or cannot go on."""


class TwofoldWarning(UserWarning):
    """Base of the warnings of this package."""


class InferenceWarning(TwofoldWarning, RuntimeWarning):
    """A result that should not be trusted as it is."""
