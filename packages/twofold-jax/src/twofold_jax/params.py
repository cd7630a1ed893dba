"""Parameters as pure functions of values by name: initial values, their checks, and their rows in a mini-batch."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .distributions.constraints import Constraint
from .errors import NonFiniteError, PlateError, RandomKeyError, SiteTypeError, SupportError
from .messages import Message
from .ops.arrays import is_concrete, shape_of
from .validation import is_validation_enabled

__all__ = ["ParamMemo", "as_param_value", "check_init_value", "initial_value", "take_along_plate"]


def as_param_value(name: str, value: Any) -> Any:
    """``value`` as an array; a pytree of arrays stays as it is, so does None."""
    if isinstance(value, str | bytes):
        raise SiteTypeError(
            f"param {name!r} needs a number or an array",
            seen=repr(value),
            expected="an initial value",
            suggestion="write param(name, 0.0); convert data with numpy.asarray",
        )
    if isinstance(value, bool | int | float | np.ndarray | np.generic):
        return jnp.asarray(value)
    return value


def check_init_value(name: str, value: Any, constraint: Constraint) -> None:
    """Refuse a concrete initial value that is NaN or lies outside ``constraint`` (with validation on).

    Raises:
        NonFiniteError: the value holds NaN.
        SupportError: the value violates the constraint.
    """
    if not is_validation_enabled() or not hasattr(value, "dtype") or not is_concrete(value):
        return
    array = np.asarray(value)
    if array.dtype.kind in "fc" and np.isnan(array).any():
        raise NonFiniteError(
            f"the initial value of param {name!r} holds NaN",
            seen=str(array),
            expected=f"values in {constraint}",
            suggestion="check the computation of the initial value",
        )
    if getattr(constraint, "is_concrete", True) and not np.all(constraint(array)):
        raise SupportError(
            f"the initial value of param {name!r} violates its constraint",
            seen=str(array),
            expected=f"a value in {constraint}",
            suggestion="give an initial value inside the constraint, in constrained space",
        )


def initial_value(name: str, init: Any = None, *, constraint: Constraint, rng_key: Any = None, **_: Any) -> Any:
    """``init`` as the param's value, called with a random key if it is callable."""
    if callable(init):
        if rng_key is None:
            raise RandomKeyError(
                f"the callable that initialises param {name!r} needs a random key, and none reached it",
                seen="no seed handler around the statement",
                expected="a key from an enclosing seed handler",
                suggestion="wrap the model: handlers.seed(model, rng_seed=0)",
            )
        init = _call_initialiser(name, init, rng_key)
    value = as_param_value(name, init)
    check_init_value(name, value, constraint)
    return value


def _call_initialiser(name: str, init: Any, rng_key: Any) -> Any:
    try:
        return init(rng_key)
    except TypeError as error:
        try:
            inspect.signature(init).bind(rng_key)
        except TypeError:
            raise SiteTypeError(
                f"the callable that initialises param {name!r} does not take a random key",
                seen=str(error),
                expected="a function of one random key",
                suggestion="write lambda key: ..., or give the value itself",
            ) from error
        except ValueError:
            pass
        raise


class ParamMemo:
    """What the params of one run were: a later statement of a name gets the value of the first.

    The name under which a handler is asked is kept in the message, because handlers further out may rename the site.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def recall(self, msg: Message) -> None:
        """On the way out: supply the value that the name had before in this run."""
        name = str(msg["name"])
        msg["memos"].append((self, name))
        if msg["value"] is None and name in self._values:
            msg["value"] = self._values[name]

    def remember(self, msg: Message) -> None:
        """On the way back: keep the value for later statements."""
        for memo, name in msg["memos"]:
            if memo is self:
                self._values.setdefault(name, msg["value"])


def take_along_plate(
    value: Any, event_dim: int, *, plate: str, dim: int, size: int, indices: jax.Array | None, site: str
) -> Any:
    """The rows of ``value`` that belong to a plate's mini-batch.

    Args:
        value: array, or a pytree of arrays, with at least ``event_dim`` dims.
        event_dim: number of rightmost dims that are no batch dims.
        plate: the plate's name.
        dim: negative batch dim of the plate.
        size: full size of the plate.
        indices: rows of the mini-batch; None where the plate takes all.
        site: the statement, for errors.

    Returns:
        ``value`` indexed along the plate's dim; as it is where that dim is missing or has size 1.

    Raises:
        PlateError: the dim has another size than the plate.
    """

    def take(leaf: Any) -> Any:
        shape = shape_of(leaf)
        axis = len(shape) - event_dim + dim
        if axis < 0 or len(shape) < event_dim or shape[axis] == 1:
            return leaf
        if shape[axis] != size:
            raise PlateError(
                f"{site} does not fit plate {plate!r}",
                seen=f"shape {shape} with event_dim={event_dim}: size {shape[axis]} at dim {dim}",
                expected=f"size {size} (the whole plate), size 1, or no such dim",
                suggestion="pass the full value, and let event_dim count the dims that are no plate dims",
            )
        return leaf if indices is None else jnp.take(leaf, indices, axis=axis)

    return jax.tree.map(take, value)
