"""Transformed laws by way of their base."""

from __future__ import annotations

import torch

from ...errors import SiteError
from ...primitives import sample
from .base import Reparam, ReparamMessage, ReparamResult, refuse_observed

__all__ = ["TransformReparam"]


class TransformReparam(Reparam):
    """Draw a site of a ``TransformedDistribution`` by way of a site ``name_base`` of the base law.

    The site itself becomes the deterministic image of the base site.

    Raises:
        SiteError: the site is observed (its density would lack the Jacobian), or its law is not a transformed one.

    Example:
        >>> import torch
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import reparam, trace
        >>> law = torch.distributions.LogNormal(0.0, 1.0)
        >>> model = reparam(lambda: sample("x", law), config={"x": TransformReparam()})
        >>> trace(model).get_trace().stochastic_nodes
        ['x_base']
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Declare the base site; the site itself becomes deterministic."""
        refuse_observed(self, msg)
        name, fn = msg["name"], msg["fn"]
        event_dim = len(fn.event_shape)
        while isinstance(fn, torch.distributions.Independent):
            fn = fn.base_dist
        if not isinstance(fn, torch.distributions.TransformedDistribution):
            raise SiteError(
                f"TransformReparam cannot treat site {name!r}",
                seen=f"a {type(fn).__name__}",
                expected="a TransformedDistribution",
            )
        base = fn.base_dist
        depth = event_dim - len(base.event_shape)
        drawn = sample(
            f"{name}_base", torch.distributions.Independent(base, depth) if depth else base, infer=msg["infer"]
        )
        for transform in fn.transforms:
            drawn = transform(drawn)
        return {"fn": None, "value": drawn, "is_observed": True}
