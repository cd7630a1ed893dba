"""Where a statement stands relative to JAX's transformations (``jit``, ``vmap``, ``scan``, ``grad``, ...)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import jax
from jax.extend.core import get_opaque_trace_state

from .errors import SiteError
from .messages import Message

__all__ = ["current_transformation", "handled_context", "note_bare_statement", "refuse_transformed"]


def current_transformation() -> object:
    """What JAX transforms now: equal for two calls exactly if no transformation was entered or left between them."""
    state: object = get_opaque_trace_state()  # type: ignore[no-untyped-call]
    return state


_EAGER = current_transformation()
_make_context: Callable[..., Any] | None = getattr(jax, "make_user_context", None)  # JAX 0.8 and later
_context = None if _make_context is None else _make_context(default_value=False)
_compiled_bare_statements = False


def refuse_transformed(msg: Message, handler: str) -> NoReturn:
    """Refuse a statement inside a transformation that was entered inside the handler: its effect would be cached."""
    raise SiteError(
        f"site {msg['name']!r} stands inside a JAX transformation (jit, vmap, scan, grad, cond, ...) within the model",
        seen=f"a {msg['type']} statement inside the transformation, its {handler} handler outside",
        expected="statements and the handlers that act on them on one side of the transformation",
        suggestion="use plate instead of vmap; compute without statements inside; or transform the whole handled model",
    )


def note_bare_statement() -> None:
    """Remember that a statement without handlers is being compiled: a later run must not meet it in JAX's cache."""
    global _compiled_bare_statements
    if not _compiled_bare_statements and current_transformation() != _EAGER:
        _compiled_bare_statements = True


def handled_context() -> AbstractContextManager[Any]:
    """Under handlers, functions that JAX compiled without them are traced anew, so that their statements are seen.

    A function that holds a statement and was compiled outside of all handlers would otherwise run from JAX's cache
    inside a model, and its site would be lost in silence.  Programs that compile no bare statement pay nothing.
    """
    return _context(True) if _context is not None and _compiled_bare_statements else nullcontext()
