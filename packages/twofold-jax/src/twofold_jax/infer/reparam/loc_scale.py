"""Decentering of location-scale laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...distributions import ExpandedDistribution, constraints
from ...distributions.base import Distribution
from ...errors import HandlerError, SiteError
from ...ops.arrays import is_concrete
from ...primitives import param, sample
from ...typing import ArrayLike
from .base import Reparam, refuse_observed, unwrap

__all__ = ["LocScaleReparam"]


class LocScaleReparam(Reparam):
    """Decenter a latent site of a location-scale law, wholly or in part.

    With ``c = centered`` a site ``x ~ L(loc, scale)`` becomes ``x_decentered ~ L(c * loc, scale**c)`` and
    ``x = loc + scale**(1 - c) * (x_decentered - c * loc)``.

    Args:
        centered: in [0, 1], a number or an array that broadcasts with the site; 0 decenters wholly, 1 changes nothing.
            Default: None, a param ``x_centered`` in [0, 1], to be learned, which starts at 0.5.
        shape_params: names of further arguments of the law that are kept, such as ``("df",)``; default: all.

    Raises:
        HandlerError: ``centered`` is outside its range.
        SiteError: the site is observed, or its law has no ``loc`` and ``scale``.

    Source: Gorinova, Moore and Hoffman (2020), Automatic Reparameterisation of Probabilistic Programs, section 4.

    Example:
        >>> from twofold_jax import sample, distributions as dist
        >>> from twofold_jax.handlers import reparam, seed, trace
        >>> model = reparam(lambda: sample("x", dist.Normal(1.0, 2.0)), config={"x": LocScaleReparam(0.0)})
        >>> sites = trace(seed(model, rng_seed=0)).get_trace()
        >>> bool(jnp.allclose(sites["x"]["value"], 1.0 + 2.0 * sites["x_decentered"]["value"]))
        True
    """

    def __init__(self, centered: ArrayLike | None = None, shape_params: Sequence[str] | None = None) -> None:
        if centered is not None and is_concrete(centered):
            inside = (np.asarray(centered) >= 0) & (np.asarray(centered) <= 1)
            if not inside.all():
                raise HandlerError("LocScaleReparam: centered is outside its range", seen=centered, expected="[0, 1]")
        self.centered = centered
        self.shape_params = None if shape_params is None else tuple(shape_params)

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[Distribution | None, Any]:
        """Replace the site by ``name_decentered`` and its shifted, scaled value."""
        refuse_observed("LocScaleReparam", name, obs)
        law, rewrap = unwrap(fn)
        core = _core(law)
        family: Any = type(core)
        arguments = self._arguments(name, core)
        loc, scale = arguments.pop("loc"), arguments.pop("scale")
        centered: Any = self.centered
        if centered is None:
            start = jnp.full(fn.event_shape, 0.5)
            centered = param(f"{name}_centered", start, constraint=constraints.unit_interval)
        new_loc: Any = 0.0
        new_scale: Any = 1.0
        if isinstance(centered, int | float) and centered == 0:
            rest = scale
        else:
            new_loc, new_scale, rest = centered * loc, scale**centered, scale ** (1 - centered)
        decentered = family(loc=new_loc, scale=new_scale, **arguments).expand(law.batch_shape)
        return None, loc + rest * (sample(f"{name}_decentered", rewrap(decentered)) - new_loc)

    def _arguments(self, name: str, core: Distribution) -> dict[str, Any]:
        arguments = core.get_args()
        if not {"loc", "scale"} <= arguments.keys() or core.support is not constraints.real:
            raise SiteError(
                f"LocScaleReparam cannot treat site {name!r}",
                seen=f"a law {type(core).__name__} with arguments {', '.join(arguments) or 'none'} on {core.support}",
                expected="a location-scale law on all reals, with arguments loc and scale",
                suggestion="use TransformReparam for a transformed law such as LogNormal",
            )
        if self.shape_params is not None:
            arguments = {key: arguments[key] for key in ("loc", "scale", *self.shape_params)}
        return arguments


def _core(law: Distribution) -> Distribution:
    while isinstance(law, ExpandedDistribution):
        law = law.base_dist
    return law
