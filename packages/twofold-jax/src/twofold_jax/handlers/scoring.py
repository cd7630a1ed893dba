"""Handlers of densities: ``scale`` multiplies them, ``mask`` leaves parts out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..errors import HandlerError, ShapeError
from ..messages import Message
from ..ops.arrays import is_concrete
from ..runtime import Messenger
from ..typing import ArrayLike

__all__ = ["mask", "scale"]


class scale(Messenger):
    """Multiply the log density of every sample site by ``scale``; nested factors multiply.

    Args:
        fn: the model.
        scale: a positive number, or an array of such that broadcasts with the log densities.

    Raises:
        HandlerError: ``scale`` is missing, no number, or not positive.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> sites = trace(scale(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0), scale=2.0)).get_trace()
        >>> sites["x"]["scale"]
        2.0
    """

    reads_key = False

    def __init__(self, fn: Callable[..., Any] | None = None, scale: ArrayLike | None = None) -> None:
        super().__init__(fn)
        if not _is_number(scale) or (is_concrete(scale) and not np.all(np.asarray(scale) > 0)):
            raise HandlerError(
                "scale must be a positive number",
                seen=repr(scale),
                expected="a number above 0, or an array of such numbers",
                suggestion="to leave sites out, use handlers.mask(mask=False) or handlers.block",
            )
        self.scale = scale

    def process_message(self, msg: Message) -> None:
        if msg["type"] == "sample":
            msg["scale"] = self.scale if msg["scale"] is None else self.scale * msg["scale"]


def _is_number(value: Any) -> bool:
    if hasattr(value, "dtype"):
        return jnp.issubdtype(value.dtype, jnp.integer) or jnp.issubdtype(value.dtype, jnp.floating)
    return isinstance(value, int | float) and not isinstance(value, bool)


class mask(Messenger):
    """Leave parts of the log density out; nested masks are and-ed.  Values stay as they are.

    Args:
        fn: the model.
        mask: True, False, or a boolean array that broadcasts with the batch shapes of the sites.

    Raises:
        HandlerError: ``mask`` is not boolean.
        ShapeError: it does not broadcast with a site.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import trace
        >>> from twofold_jax.messages import joint_log_density
        >>> masked = mask(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0), mask=False)
        >>> float(joint_log_density(trace(masked).get_trace()))
        0.0
    """

    reads_key = False

    def __init__(self, fn: Callable[..., Any] | None = None, mask: ArrayLike | None = None) -> None:
        super().__init__(fn)
        if isinstance(mask, np.bool_):
            mask = bool(mask)
        if not isinstance(mask, bool) and getattr(mask, "dtype", None) != np.bool_:
            raise HandlerError(
                "mask must be boolean",
                seen=f"{mask!r}"
                if mask is None or np.ndim(mask) == 0
                else f"an array of {getattr(mask, 'dtype', 'objects')}",
                expected="True, False, or an array of dtype bool",
                suggestion="compare first: mask > 0",
            )
        self.mask = mask

    def process_message(self, msg: Message) -> None:
        kind = msg["type"]
        if kind == "get_mask":
            inner = msg["value"]
            msg["value"] = self.mask if inner is None else _both(inner, self.mask)
        elif kind == "sample" and self.mask is not True:
            try:
                msg["fn"] = msg["fn"].mask(self.mask)
            except ShapeError as error:
                raise ShapeError(
                    f"the mask does not fit site {msg['name']!r}",
                    seen=error.seen,
                    expected=error.expected,
                    suggestion="give the mask the batch shape of the site; event dims have no mask of their own",
                ) from None


def _both(left: Any, right: Any) -> Any:
    if isinstance(left, bool) and isinstance(right, bool):
        return left and right
    return jnp.logical_and(left, right)
