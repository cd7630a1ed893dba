"""The multivariate normal law."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributions as td

from twofold_torch.errors import ShapeError, SupportError
from twofold_torch.ops.linalg import cholesky, cholesky_of_inverse, squared_length
from twofold_torch.ops.shapes import broadcast_shape

from . import constraints
from .checks import as_switch, check_argument
from .lean import LeanLaw, as_parameter

__all__ = ["MultivariateNormal"]

_LOG_2PI = math.log(2 * math.pi)


class MultivariateNormal(LeanLaw, td.MultivariateNormal):
    r"""Normal law of vectors with mean ``loc``; its spread is given in one of three forms.

    .. math:: \log p(x) = -\tfrac12 |L^{-1}(x - \mu)|^2 - \textstyle\sum_i\log L_{ii} - \tfrac n2\log 2\pi,
              \quad \Sigma = L L^\top

    Args:
        loc: mean, a vector along the last dim; broadcasts with the matrix to ``batch_shape``.
        covariance_matrix: :math:`\Sigma`, symmetric and positive definite.
        precision_matrix: :math:`\Sigma^{-1}`, symmetric and positive definite.
        scale_tril: :math:`L`, lower triangular with a positive diagonal; the cheapest of the three.
        validate_args: check arguments and values; None for the package's switch.

    Raises:
        SupportError: the matrix is not positive definite or not lower triangular, or an argument is NaN.
        ShapeError: shapes do not fit together.
        ValueError: not exactly one matrix is given.

    Example:
        >>> MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
        tensor(-1.8379)
    """

    _parameters = {"loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}

    def __init__(
        self,
        loc: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if validate_args is not None:
            self.__dict__["_validation"] = as_switch(type(self).__name__, validate_args)
        forms = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in forms.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError(f"MultivariateNormal takes exactly one of {', '.join(forms)}; given: {sorted(given)}")
        (name, matrix), *_ = given.items()
        matrix = as_parameter("MultivariateNormal", name, matrix)
        loc = as_parameter("MultivariateNormal", "loc", loc, matrix)
        batch_shape, event_shape = _shapes(name, loc, matrix)
        factor = self._factor(name, loc, matrix)
        self.loc = loc.expand(batch_shape + event_shape)
        self.__dict__[name] = matrix.expand(batch_shape + event_shape + event_shape)
        self._unbroadcasted_scale_tril = factor
        self._batch_shape, self._event_shape = batch_shape, event_shape

    def _factor(self, name: str, loc: Tensor, matrix: Tensor) -> Tensor:
        checked = self._validate_args
        if checked:
            check_argument("MultivariateNormal", "loc", constraints.real, loc)
        if name == "scale_tril":
            if checked:
                check_argument("MultivariateNormal", name, constraints.lower_cholesky, matrix)
            return matrix
        factor, positive = cholesky(matrix) if name == "covariance_matrix" else cholesky_of_inverse(matrix)
        if checked:
            _check_matrix(name, matrix, positive)
        return factor

    def rsample(self, sample_shape: Iterable[int] = ()) -> Tensor:
        """Draw with gradient to ``loc`` and the matrix."""
        shape = torch.Size(sample_shape) + self._batch_shape + self._event_shape
        noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        factor = self._unbroadcasted_scale_tril
        if factor.dim() == 2:  # one product for all draws
            return self.loc + noise @ factor.mT
        return self.loc + (factor @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        factor = self._unbroadcasted_scale_tril
        half_log_det = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        distance = squared_length(factor, torch.as_tensor(value) - self.loc)
        return -0.5 * distance - (half_log_det + 0.5 * self._event_shape[0] * _LOG_2PI)

    def __repr__(self) -> str:
        return f"MultivariateNormal(batch_shape: {tuple(self._batch_shape)}, event_shape: {tuple(self._event_shape)})"


def _shapes(name: str, loc: Tensor, matrix: Tensor) -> tuple[torch.Size, torch.Size]:
    loc_shape = loc.shape or torch.Size((1,))
    try:
        if matrix.dim() < 2 or matrix.shape[-1] != matrix.shape[-2]:
            raise ValueError
        event_shape = broadcast_shape(loc_shape[-1:], matrix.shape[-1:])
        if event_shape != matrix.shape[-1:]:
            raise ValueError
        return broadcast_shape(loc_shape[:-1], matrix.shape[:-2]), event_shape
    except ValueError as error:
        raise ShapeError(
            "the arguments of MultivariateNormal do not fit together",
            seen=f"loc {tuple(loc.shape)}, {name} {tuple(matrix.shape)}",
            expected=f"loc (..., n) and {name} (..., n, n)",
        ) from error


def _check_matrix(name: str, matrix: Tensor, positive: Tensor) -> None:
    try:
        if not bool(positive.all()):
            problem = "not positive definite"
        elif not torch.allclose(matrix, matrix.mT, rtol=1e-4, atol=1e-6):
            problem = "not symmetric"
        else:
            return
    except RuntimeError:
        return  # a tracer, which cannot be looked at
    raise SupportError(
        f"argument {name!r} of MultivariateNormal is {problem}",
        seen=f"a matrix of shape {tuple(matrix.shape)}" if matrix.numel() > 16 else matrix.tolist(),
        expected="a symmetric positive definite matrix",
        suggestion="add a small multiple of the identity, or give scale_tril",
    )
