"""Checks of what a sample statement is given: name, law and its arguments, mask of the observation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .errors import ShapeError, SiteTypeError, TwofoldError
from .ops.shapes import broadcast_shape

__all__ = ["check_mask_shape", "construct_law", "law_error", "name_error", "with_sample_shape"]


def name_error(statement: str, name: object) -> SiteTypeError:
    """The error of a name that is no string."""
    return SiteTypeError(
        f"the name of a {statement} statement is no string",
        seen=f"{name!r} of type {type(name).__name__}",
        expected="a string",
        suggestion=f"write {statement}('x', ...)",
    )


def law_error(name: str, fn: object) -> SiteTypeError:
    """The error of something that cannot be drawn from."""
    return SiteTypeError(
        f"site {name!r} has no law to draw from",
        seen=f"{fn!r} of type {type(fn).__name__}",
        expected="a distribution, a distribution class with its arguments, or a function",
        suggestion="pass a distribution, such as dist.Normal(0., 1.)",
    )


def construct_law(name: str, law: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The law that a class makes of the arguments of a statement."""
    try:
        return law(*args, **kwargs)
    except TwofoldError as error:
        raise error.within(f"site {name!r}") from error.__cause__
    except TypeError as error:
        raise SiteTypeError(
            f"site {name!r}: {law.__name__} cannot be made from these arguments",
            seen=f"{error}",
            expected=f"what {law.__name__}(...) takes",
            suggestion="pass an observation by name: obs=...",
        ) from error


def with_sample_shape(name: str, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The law with a sample shape put before its batch shape: so the draw, the plates and the density all know it."""
    arguments = dict(kwargs)
    kinds: tuple[type[tuple[Any, ...]] | type[list[Any]], ...] = (tuple, list)
    if len(args) == 1 and "sample_shape" not in arguments:
        arguments["sample_shape"], args, kinds = args[0], (), (tuple,)  # a list is rather a mislaid observation
    shape = arguments.pop("sample_shape", ())
    is_shape = isinstance(shape, kinds) and all(isinstance(size, int) for size in shape)
    if args or arguments or not is_shape:
        extra = [*map(_brief, args), *arguments] or [_brief(shape)]
        raise SiteTypeError(
            f"site {name!r}: a {type(fn).__name__} that is made already takes a sample shape and nothing else",
            seen=f"further argument {', '.join(extra)}",
            expected="sample_shape, a tuple of ints",
            suggestion="an observation is passed by name: obs=...",
        )
    return fn.expand(torch.Size(shape) + fn.batch_shape)


def _brief(argument: Any) -> str:
    return f"a tensor of shape {tuple(argument.shape)}" if isinstance(argument, Tensor) else repr(argument)


def check_mask_shape(name: str, fn: Any, inside: Tensor, observed: Any) -> None:
    """Refuse an ``obs_mask`` that does not broadcast with the batch dims of the observation."""
    shape = tuple(getattr(observed, "shape", ()))
    batch = shape[: len(shape) - len(getattr(fn, "event_shape", ()))]
    try:
        broadcast_shape(inside.shape, batch)
    except ValueError as error:
        raise ShapeError(
            f"site {name!r}: obs_mask and obs do not fit together",
            seen=f"obs_mask of shape {tuple(inside.shape)}, obs of batch shape {batch}",
            expected=f"obs_mask of shape {batch}, or one that broadcasts to it",
            suggestion="make the mask from the data: obs_mask=~data.isnan()",
        ) from error
