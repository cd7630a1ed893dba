"""The Dirichlet law on the simplex."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.errors import ShapeError
from twofold_torch.ops.special import raised_to, xlogy

from . import constraints
from .checks import as_switch, check_argument
from .gamma import log_gamma_draw
from .lean import LeanLaw, as_parameter

__all__ = ["Dirichlet"]


class Dirichlet(LeanLaw, td.Dirichlet):
    r"""Dirichlet law on vectors of positive numbers that sum to 1.

    .. math:: \log p(x) = \log\Gamma(\textstyle\sum_i\alpha_i) + \sum_i (\alpha_i - 1)\log x_i - \log\Gamma(\alpha_i)

    Args:
        concentration: positive numbers along the last dim; the dims before it are ``batch_shape``.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: an entry is not positive, or is NaN.
        ShapeError: ``concentration`` has no dim.

    Example:
        >>> Dirichlet(torch.ones(3)).log_prob(torch.tensor([0.2, 0.3, 0.5]))
        tensor(0.6931)
    """

    _parameters = {"concentration": 1}
    support = constraints.simplex

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if validate_args is not None:
            self.__dict__["_validation"] = as_switch(type(self).__name__, validate_args)
        self.concentration = as_parameter("Dirichlet", "concentration", concentration)
        shape = self.concentration.shape
        if not shape:
            raise ShapeError("argument 'concentration' of Dirichlet has no dim", seen=(), expected="one dim or more")
        if self._validate_args:
            check_argument("Dirichlet", "concentration", constraints.positive, self.concentration)
        self._batch_shape, self._event_shape = shape[:-1], shape[-1:]

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``concentration``; entries too small for the format are its smallest normal number."""
        value = log_gamma_draw(self.concentration, torch.Size(sample_shape)).softmax(-1)
        return raised_to(value, torch.finfo(value.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        concentration = self.concentration
        powers = (xlogy(concentration - 1, torch.as_tensor(value)) - concentration.lgamma()).sum(-1)
        return powers + concentration.sum(-1).lgamma()
