"""What the reference raises.  Each class is also the built-in class that the law asks for."""

from __future__ import annotations


class LanguageError(Exception):
    """Base of every error of the reference."""


class DuplicateSiteError(LanguageError, RuntimeError):
    """One name is used by two statements of one run."""


class ReplayError(LanguageError, RuntimeError):
    """A trace does not fit the run that it is replayed against."""


class ShapeError(LanguageError, ValueError):
    """A shape does not fit its law, its plates or its observation."""


class SupportError(LanguageError, ValueError):
    """A value or an argument lies outside its domain."""


class StatementError(LanguageError, TypeError):
    """A statement was given an argument of the wrong type."""


class MissingKeyError(LanguageError, RuntimeError):
    """Stateless: a statement has to draw, and no random key reached it."""


class PlateError(LanguageError, ValueError):
    """A plate that cannot be made, or cannot be entered here."""


class HandlerError(LanguageError, ValueError):
    """A handler was given settings that it cannot use."""


class UnknownParameterError(LanguageError, KeyError):
    """Stateful: the store holds no parameter of that name."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the repr


class FileFormatError(LanguageError, ValueError):
    """Stateful: a saved store or state that is damaged, or was not written by ``save``."""


class EstimatorError(LanguageError, ValueError):
    """An algorithm of the reference cannot treat a site."""
