"""Classes with two parameterisations, by probabilities or by logits: calling the class chooses one."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ..errors import SupportError
from ..ops.kernel import kernel

__all__ = ["Alternatives", "log_softmax", "one_of", "sigmoid", "softmax", "softplus"]


class Alternatives(type):
    """Type of a law which, called itself, makes an instance of one of its subclasses.

    A class with a static method ``_choose`` answers calls by that method; ``isinstance`` holds for both subclasses.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_choose" in cls.__dict__:
            return cls._choose(*args, **kwargs)  # type: ignore[attr-defined]
        return super().__call__(*args, **kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        if "_choose" in cls.__dict__:
            return inspect.signature(cls._choose)  # type: ignore[attr-defined]
        parameters = list(inspect.signature(cls.__init__).parameters.values())  # type: ignore[misc]
        return inspect.Signature(parameters[1:])


def one_of(law: str, probs: ArrayLike | None, logits: ArrayLike | None) -> tuple[str, ArrayLike]:
    """Name and value of the one that was given.

    Raises:
        SupportError: none was given, or both.
    """
    if probs is not None and logits is None:
        return "probs", probs
    if logits is not None and probs is None:
        return "logits", logits
    raise SupportError(
        f"{law} needs exactly one of probs and logits",
        seen="none of them" if probs is None else "both",
        suggestion=f"{law}(probs=...) or {law}(logits=...)",
    )


@kernel
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    return jax.nn.sigmoid(jnp.asarray(x, jnp.result_type(float, x)))


@kernel
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``."""
    return jax.nn.softplus(jnp.asarray(x, jnp.result_type(float, x)))


@kernel
def softmax(x: Array) -> Array:
    """Probabilities along the last dim whose logarithms are ``x`` up to a constant."""
    return jax.nn.softmax(jnp.asarray(x, jnp.result_type(float, x)), axis=-1)


@kernel
def log_softmax(x: Array) -> Array:
    """Logarithm of `softmax`."""
    return jax.nn.log_softmax(jnp.asarray(x, jnp.result_type(float, x)), axis=-1)
