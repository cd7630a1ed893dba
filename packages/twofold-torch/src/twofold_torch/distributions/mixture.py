"""Mixtures of laws of one family."""

from __future__ import annotations

from typing import Any

from torch import distributions as td

from twofold_torch.errors import ShapeError

from .base import ArgumentCheck
from .lean import WrappedLaw

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(WrappedLaw, td.MixtureSameFamily, ArgumentCheck):
    r"""Mixture over the last batch dim of ``component_distribution``.

    .. math:: \log p(x) = \log\textstyle\sum_k w_k p_k(x)

    Args:
        mixture_distribution: a :class:`Categorical` of the weights; its batch shape broadcasts to that of the
            components without their last dim.
        component_distribution: the laws that are mixed, along their last batch dim.
        validate_args: check values; None for the package's switch.

    Raises:
        ShapeError: the components have no batch dim, or the shapes do not fit.

    Example:
        >>> import torch
        >>> from twofold_torch.distributions import Categorical, Normal
        >>> law = MixtureSameFamily(Categorical(torch.ones(2)), Normal(torch.zeros(2), 1.0))
        >>> law.log_prob(torch.tensor(0.0))
        tensor(-0.9189)
    """

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:
        components = component_distribution.batch_shape
        if not components:
            raise ShapeError(
                "the components of MixtureSameFamily have no batch dim to mix over",
                seen=components,
                expected="one batch dim or more",
            )
        mixture_distribution = mixture_distribution.expand(components[:-1])
        super().__init__(mixture_distribution, component_distribution, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The law with its batch dims expanded; draws differ along new dims."""
        return super().expand(batch_shape, object.__new__(type(self)) if _instance is None else _instance)
