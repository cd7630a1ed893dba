"""The uniform law on an interval."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.errors import SupportError
from twofold_torch.ops.special import log

from . import constraints
from .checks import check_shape, is_true, is_valid
from .lean import Parameter, UnivariateLaw, as_value

__all__ = ["Uniform"]


class Uniform(UnivariateLaw, td.Uniform):
    r"""Uniform law from ``low`` to ``high``; both ends count as inside.

    .. math:: \log p(x) = -\log(\text{high} - \text{low}), \quad \text{low} \le x \le \text{high}

    Args:
        low: any real; number or tensor, broadcasts with ``high`` to ``batch_shape``.
        high: greater than ``low``.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: ``high`` is not greater than ``low``, or an argument is NaN.

    Example:
        >>> Uniform(0.0, 4.0).log_prob(torch.tensor([1.0, 5.0]).clamp(max=4.0))
        tensor([-1.3863, -1.3863])
    """

    _parameters = {"low": 0, "high": 0}
    arg_constraints = {"low": constraints.real, "high": constraints.real}
    low = Parameter()
    high = Parameter()

    def __init__(self, low: Tensor | float, high: Tensor | float, validate_args: bool | None = None) -> None:
        self._set(validate_args, low=low, high=high)
        if self._validate_args:
            lower, upper = self._arguments()
            if not is_valid(constraints.positive, upper - lower):
                raise SupportError(
                    "argument 'high' of Uniform must be greater than 'low'",
                    seen=f"low {lower}, high {upper}",
                    expected="low < high in every entry",
                )

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """The interval."""
        return constraints.interval(*self._arguments())

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``; minus infinity outside the interval."""
        low, high = self._arguments()
        value = as_value(value)
        checked = self._validate_args
        if checked:
            check_shape("Uniform", value, self._batch_shape, self._event_shape)
        inside = (low <= value) & (value <= high)
        if checked and not is_true(inside):
            self._validate_sample(value)
        height = -log(high - low)
        if not isinstance(height, Tensor):
            dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
            height = value.new_full((), height, dtype=dtype)
        return self._over_batch(torch.where(inside, height, -torch.inf))

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to both ends."""
        low, high = self._arguments()
        return self._uniform(sample_shape) * (high - low) + low
