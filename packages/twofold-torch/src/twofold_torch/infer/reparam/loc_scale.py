"""Decentering of laws with a location and a scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...distributions import constraints
from ...errors import HandlerError, SiteError
from ...primitives import param, sample
from .base import Reparam, ReparamMessage, ReparamResult, refuse_observed

__all__ = ["LocScaleReparam"]


class LocScaleReparam(Reparam):
    r"""Draw a site of a location-scale law by way of a decentered site ``name_decentered``.

    .. math:: x' \sim p(c\,\mu, \sigma^c), \qquad x = \mu + \sigma^{1-c}\,(x' - c\,\mu)

    Args:
        centered: the number :math:`c` in [0, 1], or a tensor of them; 0 for a standard law, 1 for the law itself.  None
            makes it a param ``name_centered`` of the shape of one event, to be learned.
        shape_params: names of the law's other arguments; default: all but ``loc`` and ``scale``.

    Raises:
        SiteError: the site is observed, or its law has no location and scale.

    Source: Gorinova, Moore and Hoffman (2020), Automatic Reparameterisation of Probabilistic Programs, section 4.

    Example:
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import reparam, trace
        >>> model = reparam(lambda: sample("x", dist.Normal(3.0, 2.0)), config={"x": LocScaleReparam(0.0)})
        >>> trace(model).get_trace().nodes["x_decentered"]["fn"].loc
        tensor(0.)
    """

    def __init__(self, centered: Tensor | float | None = None, shape_params: Sequence[str] | None = None) -> None:
        inside = centered is None or bool(((torch.as_tensor(centered) >= 0) & (torch.as_tensor(centered) <= 1)).all())
        if not inside:
            raise HandlerError("LocScaleReparam: centered is outside its range", seen=centered, expected="[0, 1]")
        self.centered, self.shape_params = centered, shape_params

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Declare the decentered site; the site itself becomes deterministic."""
        refuse_observed(self, msg)
        name, fn = msg["name"], msg["fn"]
        base, event_dim = _without_event_dims(fn)
        if not (hasattr(base, "loc") and hasattr(base, "scale")):
            raise SiteError(
                f"LocScaleReparam cannot treat site {name!r}",
                seen=f"a {type(base).__name__}",
                expected="a law with loc and scale",
            )
        if self.centered is not None and not isinstance(self.centered, Tensor) and self.centered == 1:
            return {"fn": fn, "value": None, "is_observed": False}
        loc, scale, centered = base.loc, base.scale, self._centered(name, fn)
        others = {key: getattr(base, key) for key in self._other_arguments(base)}
        law = type(base)(loc=loc * centered, scale=scale**centered, **others)
        drawn = sample(f"{name}_decentered", law.to_event(event_dim) if event_dim else law, infer=msg["infer"])
        value = loc + scale ** (1 - centered) * (drawn - centered * loc)
        return {"fn": None, "value": value, "is_observed": True}

    def _centered(self, name: str, fn: Any) -> Tensor | float:
        if self.centered is not None:
            return self.centered
        shape = fn.event_shape
        return param(f"{name}_centered", lambda: torch.full(shape, 0.5), constraint=constraints.unit_interval)

    def _other_arguments(self, base: Any) -> Sequence[str]:
        if self.shape_params is not None:
            return self.shape_params
        return [key for key in base.arg_constraints if key not in ("loc", "scale")]


def _without_event_dims(fn: Any) -> tuple[Any, int]:
    """The law inside of ``Independent``, and how many dims that counts as event dims."""
    if isinstance(fn, torch.distributions.Independent):
        base, depth = _without_event_dims(fn.base_dist)
        return base, depth + fn.reinterpreted_batch_ndims
    return fn, 0
