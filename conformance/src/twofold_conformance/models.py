"""The source of the models in a check, as a failure shows it."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any


def sources(models: Sequence[FunctionType], check: Callable[..., Any]) -> str:
    """The source of those models that the check's own file defines; of the whole check if there are none."""
    home = check.__code__.co_filename
    own: list[Callable[..., Any]] = [
        model for model in models if model.__code__.co_filename == home and model.__name__ != "<lambda>"
    ]
    texts: list[str] = []
    for function in own or [check]:
        text = _source(function)
        if text and text not in texts:
            texts.append(text)
    return "\n".join(texts)


def _source(function: Callable[..., Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):
        return ""
