"""Normal laws over the flat unconstrained vector: diagonal, dense and low-rank covariance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from twofold_jax.distributions import (
    Distribution,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    constraints,
)
from twofold_jax.distributions.transforms import AffineTransform, IndependentTransform, LowerCholeskyAffine, Transform
from twofold_jax.errors import HandlerError
from twofold_jax.infer.autoguide.base import statement
from twofold_jax.infer.autoguide.continuous import AutoContinuous
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform

__all__ = ["AutoDiagonalNormal", "AutoLowRankMultivariateNormal", "AutoMultivariateNormal"]


class _AutoGaussian(AutoContinuous):
    """What the normal guides share.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the location starts.
        init_scale: positive, where the standard deviations start.

    Raises:
        HandlerError: ``init_scale`` is not positive.
    """

    scale_constraint = constraints.softplus_positive

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        prefix: str = "auto",
        init_loc_fn: InitStrategy = init_to_uniform,
        init_scale: float = 0.1,
    ) -> None:
        if not init_scale > 0:
            raise HandlerError(f"init_scale of {type(self).__name__}", seen=init_scale, expected="a positive number")
        super().__init__(model, prefix=prefix, init_loc_fn=init_loc_fn)
        self.init_scale = init_scale

    def _loc(self, init_loc: Callable[[Array], Array]) -> Array:
        return statement(f"{self.prefix}_loc", init_loc)

    def _scale(self) -> Array:
        init = np.full(self.potential.size, self.init_scale, self.potential.dtype)
        return statement(f"{self.prefix}_scale", init, constraint=self.scale_constraint)

    def _given(self, params: Mapping[str, Any], parameter: str) -> Any:
        return self._param(f"{self.prefix}_{parameter}", params)

    def _quantile(self, params: Mapping[str, Any], levels: Array) -> Array:
        law = self.get_posterior(params)
        marginals = Normal(law.mean, jnp.sqrt(law.variance))
        return marginals.icdf(levels[..., None])


class AutoDiagonalNormal(_AutoGaussian):
    """A normal law with diagonal covariance over the flat unconstrained vector (mean field).

    Its parameters are ``{prefix}_loc`` and ``{prefix}_scale``.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the location starts.
        init_scale: positive, where the scales start.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> guide = AutoDiagonalNormal(lambda: tf.sample("x", dist.Normal(0.0, 1.0).expand((3,)).to_event(1)))
        >>> guide.setup()
        >>> guide.get_posterior({"auto_loc": jnp.zeros(3), "auto_scale": jnp.ones(3)}).event_shape
        (3,)
    """

    def _make_posterior(self, init_loc: Callable[[Array], Array]) -> Distribution:
        return Normal(self._loc(init_loc), self._scale()).to_event(1)

    def get_posterior(self, params: Mapping[str, Any]) -> Distribution:
        return Normal(self._given(params, "loc"), self._given(params, "scale")).to_event(1)

    def get_transform(self, params: Mapping[str, Any]) -> Transform:
        """The affine map from a standard normal vector to the flat unconstrained vector."""
        return IndependentTransform(AffineTransform(self._given(params, "loc"), self._given(params, "scale")), 1)


class AutoMultivariateNormal(_AutoGaussian):
    """A normal law with dense covariance over the flat unconstrained vector.

    Its parameters are ``{prefix}_loc`` and ``{prefix}_scale_tril``, the lower Cholesky factor of the covariance.

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the location starts.
        init_scale: positive, where the standard deviations start; correlations start at 0.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> guide = AutoMultivariateNormal(lambda: tf.sample("x", dist.Normal(0.0, 1.0).expand((2,)).to_event(1)))
        >>> guide.setup()
        >>> guide.median({"auto_loc": jnp.array([1.0, 2.0]), "auto_scale_tril": jnp.eye(2)})["x"].tolist()
        [1.0, 2.0]
    """

    def _make_posterior(self, init_loc: Callable[[Array], Array]) -> Distribution:
        loc = self._loc(init_loc)
        init = np.eye(self.potential.size, dtype=self.potential.dtype) * self.init_scale
        constraint = constraints.scaled_unit_lower_cholesky
        return MultivariateNormal(loc, scale_tril=statement(f"{self.prefix}_scale_tril", init, constraint=constraint))

    def get_posterior(self, params: Mapping[str, Any]) -> Distribution:
        return MultivariateNormal(self._given(params, "loc"), scale_tril=self._given(params, "scale_tril"))

    def get_transform(self, params: Mapping[str, Any]) -> Transform:
        """The affine map from a standard normal vector to the flat unconstrained vector."""
        return LowerCholeskyAffine(self._given(params, "loc"), self._given(params, "scale_tril"))


class AutoLowRankMultivariateNormal(_AutoGaussian):
    """A normal law whose covariance is a low-rank matrix plus a diagonal, scaled: ``D (W W^T + I) D``.

    Its parameters are ``{prefix}_loc``, ``{prefix}_scale`` (the diagonal of D) and ``{prefix}_cov_factor`` (W).

    Args:
        model: function of statements.
        prefix: of the names of the parameters.
        init_loc_fn: where the location starts.
        init_scale: positive, where the standard deviations start.
        rank: columns of W.  Default: the square root of the vector's length.

    Raises:
        HandlerError: ``init_scale`` or ``rank`` is not positive.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.handlers import seed, trace
        >>> model = lambda: tf.sample("x", dist.Normal(0.0, 1.0).expand((9,)).to_event(1))
        >>> sites = trace(seed(AutoLowRankMultivariateNormal(model), rng_seed=0)).get_trace()
        >>> sites["auto_cov_factor"]["value"].shape
        (9, 3)
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        prefix: str = "auto",
        init_loc_fn: InitStrategy = init_to_uniform,
        init_scale: float = 0.1,
        rank: int | None = None,
    ) -> None:
        if rank is not None and not (isinstance(rank, int) and rank > 0):
            raise HandlerError("rank of AutoLowRankMultivariateNormal", seen=rank, expected="a positive int")
        super().__init__(model, prefix=prefix, init_loc_fn=init_loc_fn, init_scale=init_scale)
        self.rank = rank

    def _make_posterior(self, init_loc: Callable[[Array], Array]) -> Distribution:
        loc, size = self._loc(init_loc), self.potential.size
        rank = round(size**0.5) if self.rank is None else self.rank
        factor = statement(f"{self.prefix}_cov_factor", lambda key: 0.01 * jax.random.normal(key, (size, rank)))
        return _low_rank(loc, factor, self._scale())

    def get_posterior(self, params: Mapping[str, Any]) -> Distribution:
        return _low_rank(*(self._given(params, name) for name in ("loc", "cov_factor", "scale")))


def _low_rank(loc: Any, factor: Any, scale: Any) -> Distribution:
    return LowRankMultivariateNormal(loc, factor * scale[..., None], scale * scale)
