"""What a plate may be given: sizes, dims, row numbers, devices."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor

from .errors import PlateError, TwofoldWarning
from .warning import warn

__all__ = ["as_device", "as_rows", "check_rows", "length_of_subsample", "negative_integer", "positive_integer"]


def as_device(name: str, use_cuda: bool | None, device: str | torch.device | None) -> torch.device | None:
    try:
        device = None if device is None else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise PlateError(
            f"plate {name!r}: torch knows no such device",
            seen=repr(device),
            expected="a torch.device, or a string such as 'cpu' or 'cuda:0'",
            suggestion="leave device out to take the default one",
        ) from error
    if use_cuda is not None:
        warn(f"plate {name!r}: use_cuda is deprecated, use device", FutureWarning)
        wanted = torch.device("cuda" if use_cuda else "cpu")
        if device is not None and device.type != wanted.type:
            raise PlateError(
                f"plate {name!r}: use_cuda and device disagree",
                seen=f"{use_cuda} and {device}",
                suggestion="leave use_cuda out",
                expected="one of the two",
            )
        return wanted if device is None else device
    return device


def positive_integer(name: str, what: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise PlateError(
            f"plate {name!r}: {what} is not positive" if _is_int(value) else f"plate {name!r}: {what} is no integer",
            seen=repr(value),
            expected="an integer above 0",
            suggestion=f"{what} counts rows: give the number of rows of the data, such as len(data)",
        )
    return number


def _is_int(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, float)


def negative_integer(name: str, dim: Any) -> int:
    if not _is_int(dim) or operator.index(dim) >= 0:
        raise PlateError(
            f"plate {name!r}: dim counts from the right and is negative",
            seen=repr(dim),
            expected="-1, -2, ...",
            suggestion="leave dim out to take the next free one",
        )
    return operator.index(dim)


def as_rows(name: str, subsample: Any, device: torch.device | None) -> Tensor:
    try:
        rows = subsample if isinstance(subsample, Tensor) else torch.as_tensor(list(subsample))
    except (TypeError, ValueError, RuntimeError):
        rows = torch.zeros(())
    if rows.dim() != 1 or rows.is_floating_point() or rows.dtype is torch.bool or not len(rows):
        raise PlateError(
            f"plate {name!r}: a subsample is a list of row numbers",
            seen=f"shape {tuple(rows.shape)}, {rows.dtype}" if isinstance(subsample, Tensor) else repr(subsample),
            expected="integers in one dim, at least one",
            suggestion="give row numbers such as [0, 3], not rows of the data",
        )
    return rows.to(device=device if device is not None else rows.device, dtype=torch.int64)


def check_rows(name: str, rows: Tensor, size: int | None) -> None:
    low, high = (int(bound) for bound in torch.aminmax(rows))
    if size is not None and not 0 <= low <= high < size:
        raise PlateError(
            f"plate {name!r}: the subsample has row numbers that the plate has not",
            seen=f"numbers from {low} to {high}",
            expected=f"0 to {size - 1}",
            suggestion="count rows from 0, or give the plate the length of the whole data",
        )
    if len(torch.unique(rows)) < len(rows):
        warn(f"plate {name!r}: the subsample has some rows more than once", TwofoldWarning)


def length_of_subsample(name: str, size: int | None, subsample_size: Any, chosen: Tensor | None) -> int | None:
    if size is None:
        if subsample_size is not None or chosen is not None:
            raise PlateError(
                f"plate {name!r} has no size, so nothing can be subsampled",
                suggestion="give size",
                seen="size=None",
                expected="a plate with a size",
            )
        return None
    if chosen is not None:
        if subsample_size not in (None, len(chosen)):
            raise PlateError(
                f"plate {name!r}: subsample and subsample_size disagree",
                seen=f"{len(chosen)} row numbers, subsample_size {subsample_size}",
                suggestion="leave subsample_size out",
                expected="one of the two, or two that agree",
            )
        return len(chosen)
    if subsample_size is None or subsample_size is False:  # False is the published default
        return size
    number = positive_integer(name, "subsample_size", subsample_size)
    if number > size:
        raise PlateError(
            f"plate {name!r}: subsample_size is larger than size",
            seen=number,
            expected=f"at most {size}",
            suggestion="size is the length of the whole data, subsample_size that of a mini-batch",
        )
    return number
