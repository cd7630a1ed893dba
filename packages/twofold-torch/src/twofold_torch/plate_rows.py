"""The row numbers of a plate: drawing them, and taking the rows of data and params."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .distributions import Distribution
from .errors import PlateError
from .messages import Message
from .ops.indices import draw_without_replacement

__all__ = ["take_rows"]


class _Subsample(Distribution):
    """Law of the indices of a plate: all of them in order, or some drawn without replacement.

    Handlers of users know it by its name.
    """

    is_subsample = True

    def __init__(self, size: int, subsample_size: int, device: torch.device | None = None) -> None:
        self.size, self.subsample_size, self.device = size, subsample_size, device
        self.all_rows: Tensor | None = None
        """What was drawn, if it is every row in order."""

    def __call__(self) -> Tensor:
        if self.subsample_size >= self.size:
            self.all_rows = torch.arange(self.size, device=self.device)
            return self.all_rows
        indices = draw_without_replacement(self.size, self.subsample_size)
        return indices if self.device is None else indices.to(self.device)

    def log_prob(self, value: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Zero: which rows are looked at is no part of the model."""
        return torch.zeros(())


def take_rows(msg: Message, event_dim: int, plate: str, dim: int, size: int, indices: Tensor | None) -> Any:
    """The rows of a param or of data that belong to a plate's mini-batch.

    Args:
        msg: statement whose value has ``event_dim`` dims that have nothing to do with plates.
        event_dim: their number.
        plate: the plate's name.
        dim: negative batch dim of the plate.
        size: full size of the plate.
        indices: row numbers; None where the plate takes all, in order.

    Raises:
        PlateError: the value has another size at the plate's dim than the plate, and not 1.
    """
    value = msg["value"] if isinstance(msg["value"], Tensor) else torch.as_tensor(msg["value"])
    place = dim - event_dim
    if value.dim() < -place or value.shape[place] == 1:
        return msg["value"]
    if value.shape[place] != size:
        what = f"param {msg['name']!r}" if msg["type"] == "param" else "data given to subsample"
        raise PlateError(
            f"{what} does not fit plate {plate!r}",
            seen=f"size {value.shape[place]} at dim {place} of shape {tuple(value.shape)}",
            expected=f"the full size {size} of the plate, or 1",
            suggestion="check event_dim, the number of dims right of the plates",
        )
    if indices is None:
        return msg["value"]
    rows: Any = value.index_select(place, indices.to(value.device))
    if hasattr(msg["value"], "unconstrained"):
        rows.unconstrained = msg["value"].unconstrained
    return rows
