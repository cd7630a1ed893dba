"""Sampling a transformed law through its base."""

from __future__ import annotations

from typing import Any

from ...distributions import ExpandedDistribution
from ...distributions.base import Distribution
from ...distributions.transformed import TransformedDistribution
from ...errors import SiteError
from ...primitives import sample
from .base import Reparam, refuse_observed, unwrap

__all__ = ["TransformReparam"]


class TransformReparam(Reparam):
    """Sample the base of a transformed law and transform the value: ``x = T(x_base)``.

    Raises:
        SiteError: the site is observed, or its law is not transformed.

    Source: Betancourt and Girolami (2015), Hamiltonian Monte Carlo for Hierarchical Models, section 3.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.distributions.transforms import ExpTransform
        >>> from twofold_jax.handlers import reparam, seed, trace
        >>> law = TransformedDistribution(dist.Normal(0.0, 1.0), ExpTransform())
        >>> model = reparam(lambda: sample("x", law), config={"x": TransformReparam()})
        >>> list(trace(seed(model, rng_seed=0)).get_trace())
        ['x_base', 'x']
    """

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[Distribution | None, Any]:
        """Replace the site by ``name_base`` and its transformed value."""
        refuse_observed("TransformReparam", name, obs)
        outer, rewrap = unwrap(fn)
        law = outer
        while isinstance(law, ExpandedDistribution):
            law = law.base_dist
        if not isinstance(law, TransformedDistribution):
            raise SiteError(
                f"TransformReparam cannot treat site {name!r}",
                seen=f"a law {type(law).__name__}",
                expected="a TransformedDistribution",
                suggestion="leave the site out of the config, or try LocScaleReparam",
            )
        value = sample(f"{name}_base", rewrap(law.base_dist.expand(outer.batch_shape)))
        for transform in law.transforms:
            value = transform(value)
        return None, value
