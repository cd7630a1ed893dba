"""What a model is called with: tensors, which become inputs of graphs, and all the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ..ops.trees import leaves, map_tree

__all__ = ["ModelArguments"]


class ModelArguments:
    """Positional and keyword arguments of a model, taken apart into tensors and structure.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.

    Example:
        >>> import torch
        >>> arguments = ModelArguments((torch.ones(2), "linear"), {"scale": torch.tensor(3.0)})
        >>> arguments.filled([torch.zeros(2), torch.tensor(4.0)])
        ((tensor([0., 0.]), 'linear'), {'scale': tensor(4.)})
    """

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.args, self.kwargs = args, dict(kwargs)

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors among the arguments."""
        return [leaf for leaf in leaves((self.args, self.kwargs)) if isinstance(leaf, Tensor)]

    def filled(self, tensors: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with other tensors in the places of theirs."""
        queue = iter(tensors)
        args, kwargs = map_tree(
            lambda leaf: next(queue) if isinstance(leaf, Tensor) else leaf, (self.args, self.kwargs)
        )
        return args, kwargs
