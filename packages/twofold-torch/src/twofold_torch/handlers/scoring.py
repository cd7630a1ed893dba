"""Handlers that change how log densities count: scale, mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..errors import HandlerError
from ..messages import Message
from ..ops.programs import is_recording
from ..runtime import Messenger

__all__ = ["mask", "scale"]


class scale(Messenger):
    """Multiply the log densities of all sample sites by a factor; nested factors multiply, those of plates too.

    Args:
        fn: model.
        scale: positive number, or tensor that broadcasts with the log densities.

    Raises:
        HandlerError: the factor is not positive.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> model = scale(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0), scale=2.0)
        >>> trace(model).get_trace().log_prob_sum()
        tensor(-1.8379)
    """

    def __init__(self, fn: Callable[..., Any] | None = None, scale: Tensor | float | None = None) -> None:
        super().__init__(fn)
        if isinstance(scale, Tensor):
            positive = _is_positive(scale)
        else:
            positive = isinstance(scale, int | float) and not isinstance(scale, bool) and scale > 0
        if not positive:
            raise HandlerError(
                "scale needs a positive factor",
                seen=repr(scale),
                expected="a number above 0",
                suggestion="to leave sites out, use handlers.mask(mask=False) or handlers.block",
            )
        self.scale: Any = scale if isinstance(scale, Tensor) else float(scale)  # type: ignore[arg-type]

    def process_message(self, msg: Message) -> None:
        """Multiply the factor into a site."""
        if msg["type"] == "sample":
            msg["scale"] = self.scale * msg["scale"]


def _is_positive(scale: Tensor) -> bool:
    if is_recording():
        return True
    try:
        return bool((scale > 0).all())
    except RuntimeError:  # a value that a transformation of torch.func or a tracer hides
        return True


class mask(Messenger):
    """Count log densities only where the mask is True; nested masks are and-ed.

    Values are drawn and observed as without it.  Where the mask is False an observation may be anything, NaN too: it
    reaches neither the log density nor its gradient.

    Args:
        fn: model.
        mask: a bool, or a boolean tensor that broadcasts with the batch shapes inside.

    Raises:
        HandlerError: the mask is not boolean.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> model = mask(lambda: sample("x", dist.Normal(0.0, 1.0), obs=0.0), mask=False)
        >>> trace(model).get_trace().log_prob_sum()
        tensor(0.)
    """

    def __init__(self, fn: Callable[..., Any] | None = None, mask: Tensor | bool | None = None) -> None:
        super().__init__(fn)
        if not isinstance(mask, bool) and not (isinstance(mask, Tensor) and mask.dtype is torch.bool):
            raise HandlerError(
                "mask needs a boolean mask",
                seen=mask.dtype if isinstance(mask, Tensor) else repr(mask),
                expected="True, False, or a tensor of dtype torch.bool",
                suggestion="compare: mask > 0",
            )
        self.mask = mask

    def process_message(self, msg: Message) -> None:
        """And the mask into a site, or into what ``get_mask`` asks for."""
        key = "mask" if msg["type"] == "sample" else "value" if msg["type"] == "get_mask" else None
        if key is not None:
            former = msg[key]  # type: ignore[literal-required]
            msg[key] = self.mask if former is None else _and(self.mask, former)  # type: ignore[literal-required]


def _and(left: Any, right: Any) -> Any:
    if left is False or right is False:
        return False
    return right if left is True else left if right is True else left & right
