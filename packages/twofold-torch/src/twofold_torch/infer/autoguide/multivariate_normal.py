"""AutoDiagonalNormal and AutoMultivariateNormal: normal laws of the flat unconstrained vector."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import AffineTransform, Transform

from ...distributions import MultivariateNormal, Normal, constraints
from ...distributions.transforms import LowerCholeskyAffine
from ...primitives import param
from .continuous import AutoContinuous

__all__ = ["AutoDiagonalNormal", "AutoMultivariateNormal"]


class AutoDiagonalNormal(AutoContinuous):
    """Independent normal coordinates of the flat unconstrained vector: `AutoNormal` in two parameters.

    They are ``AutoDiagonalNormal.loc`` and ``AutoDiagonalNormal.scale``.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> tf.clear_param_store()
        >>> def model():
        ...     tf.sample("x", dist.Normal(0.0, 1.0).expand([3]).to_event(1))
        >>> guide = AutoDiagonalNormal(model)
        >>> guide()["x"].shape, guide.get_posterior().event_shape
        (torch.Size([3]), torch.Size([3]))
    """

    def _loc_and_scale(self) -> tuple[Tensor, Tensor]:
        loc = param(f"{self.prefix}.loc", self._flat_start)
        scale = param(f"{self.prefix}.scale", lambda: loc.new_full(loc.shape, self.init_scale), constraints.positive)
        return loc, scale

    def get_posterior(self, *args: Any, **kwargs: Any) -> Any:
        """The law of the flat unconstrained vector, at the present parameters."""
        self._ensure_setup(args, kwargs)
        return Normal(*self._loc_and_scale()).to_event(1)

    def get_transform(self, *args: Any, **kwargs: Any) -> Transform:
        """The map that makes independent standard normal numbers a draw of `get_posterior`."""
        self._ensure_setup(args, kwargs)
        loc, scale = self._loc_and_scale()
        return AffineTransform(loc, scale, event_dim=1)


class AutoMultivariateNormal(AutoContinuous):
    """A multivariate normal law of the flat unconstrained vector, correlations included.

    The parameters are ``AutoMultivariateNormal.loc``, ``.scale`` and ``.scale_tril``: the Cholesky factor of the
    covariance is ``scale[:, None] * scale_tril``, with ones on the diagonal of ``scale_tril``.

    Source: Kucukelbir et al. (2017), JMLR 18 (full-rank Gaussian).

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> tf.clear_param_store()
        >>> def model():
        ...     x = tf.sample("x", dist.Normal(0.0, 1.0))
        ...     tf.sample("y", dist.Normal(x, 1.0))
        >>> guide = AutoMultivariateNormal(model)
        >>> guide.setup()
        >>> guide.get_posterior().covariance_matrix
        tensor([[0.0100, 0.0000],
                [0.0000, 0.0100]], grad_fn=<...>)
    """

    def _loc_and_tril(self) -> tuple[Tensor, Tensor]:
        loc = param(f"{self.prefix}.loc", self._flat_start)
        scale = param(f"{self.prefix}.scale", lambda: loc.new_full(loc.shape, self.init_scale), constraints.positive)
        unit = param(
            f"{self.prefix}.scale_tril",
            lambda: torch.eye(len(loc), dtype=loc.dtype, device=loc.device),
            constraints.unit_lower_cholesky,
        )
        return loc, scale.unsqueeze(-1) * unit

    def _loc_and_scale(self) -> tuple[Tensor, Tensor]:
        loc, scale_tril = self._loc_and_tril()
        return loc, torch.linalg.vector_norm(scale_tril, dim=-1)

    def get_posterior(self, *args: Any, **kwargs: Any) -> Any:
        """The law of the flat unconstrained vector, at the present parameters."""
        self._ensure_setup(args, kwargs)
        loc, scale_tril = self._loc_and_tril()
        return MultivariateNormal(loc, scale_tril=scale_tril)

    def get_transform(self, *args: Any, **kwargs: Any) -> Transform:
        """The map that makes independent standard normal numbers a draw of `get_posterior`."""
        self._ensure_setup(args, kwargs)
        return LowerCholeskyAffine(*self._loc_and_tril())
