"""Predictive: draws of a model's sites from the prior, from posterior draws, or from a guide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from twofold_jax.errors import HandlerError, InferenceError, ShapeError, TwofoldWarning, UnknownSiteError
from twofold_jax.handlers import seed, substitute, trace
from twofold_jax.handlers.names import report_unused_names
from twofold_jax.infer.arguments import Explained, ModelArguments, evaluate
from twofold_jax.infer.placing import Subsamples
from twofold_jax.messages import Trace, is_auxiliary
from twofold_jax.ops.arrays import check_keys
from twofold_jax.warning import warn

__all__ = ["Predictive", "map_draws"]

_BATCH = 256
"""Draws that are computed at once, unless ``parallel`` says all."""


class Predictive:
    """Draws of the sites of a model.

    - Without samples and guide: from the prior.
    - With ``posterior_samples``: the rest of the model, run once for each draw.
    - With ``guide`` and ``params``: for draws of the guide.

    Deterministic sites are computed anew for each draw.

    Args:
        model: function of statements.
        posterior_samples: draws by site name, all with the same leading dims.
        guide: a guide of the model.
        params: values of params of model and guide, in constrained space.
        num_samples: number of draws, where there are no ``posterior_samples``.
        return_sites: names of the sites to return.  Default: the sample sites that ``posterior_samples`` lack, and the
            deterministic sites.
        parallel: compute all draws at once; by default some hundreds at a time, to spare memory.
        batch_ndims: leading dims of ``posterior_samples``: 1 for draws (default), 2 for chains and draws, 0 for a
            single draw.
        exclude_deterministic: leave deterministic sites of ``posterior_samples`` aside, so that they are computed anew.

    Raises:
        HandlerError: the number of draws is missing, or settings contradict each other.
        ShapeError: the leading dims of the samples differ.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> def model(n):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     with tf.plate("data", n):
        ...         tf.sample("y", dist.Normal(mu, 1.0))
        >>> draws = Predictive(model, num_samples=5)(jax.random.key(0), 3)
        >>> {name: value.shape for name, value in draws.items()}
        {'mu': (5,), 'y': (5, 3)}
        >>> Predictive(model, {"mu": jnp.zeros(7)})(jax.random.key(0), 3)["y"].shape
        (7, 3)
    """

    def __init__(
        self,
        model: Callable[..., Any],
        posterior_samples: Mapping[str, Any] | None = None,
        *,
        guide: Callable[..., Any] | None = None,
        params: Mapping[str, Any] | None = None,
        num_samples: int | None = None,
        return_sites: Sequence[str] | None = None,
        parallel: bool = False,
        batch_ndims: int | None = None,
        exclude_deterministic: bool = True,
    ) -> None:
        if posterior_samples and guide is not None:
            raise HandlerError(
                "Predictive takes posterior_samples or a guide",
                seen="both",
                expected="one of them, or neither",
                suggestion="leave one of them out",
            )
        if isinstance(return_sites, str):
            raise HandlerError(
                "return_sites of Predictive must be a list",
                seen=repr(return_sites),
                expected="a list of names",
                suggestion=f"write return_sites=[{return_sites!r}]",
            )
        self.model, self.guide, self.params = model, guide, dict(params or {})
        self.posterior_samples = dict(posterior_samples or {})
        self.return_sites = None if return_sites is None else tuple(return_sites)
        self.parallel, self.exclude_deterministic = parallel, exclude_deterministic
        self.batch_shape = _batch_shape(self.posterior_samples, num_samples, batch_ndims)

    @property
    def num_samples(self) -> int:
        """Number of draws in all."""
        return int(np.prod(self.batch_shape, dtype=int))

    def __call__(self, rng_key: Array, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """Draw.

        Args:
            rng_key: random key; each draw has a stream of its own.
            *args: arguments of the model, and of the guide if there is one.
            **kwargs: likewise.

        Returns:
            For each site an array of shape (draws,) + site shape; with ``batch_ndims=2`` (chains, draws) + site shape.

        Raises:
            UnknownSiteError: ``return_sites`` has a name that the model lacks, or a sample looks like a misspelt site.
        """
        check_keys(rng_key)
        arguments = ModelArguments(args, kwargs)
        names = self._names(arguments)

        def draw(key: Array, given: Mapping[str, Any], args: Any, kwargs: Any) -> dict[str, Array]:
            sites = self.trace(key, given, args, kwargs)
            return {name: jnp.asarray(sites[name]["value"]) for name in names}

        drawn: dict[str, Array] = map_draws(
            arguments, draw, rng_key, self.posterior_samples, self.batch_shape, self.parallel
        )
        return drawn

    def trace(self, key: Array, given: Mapping[str, Any], args: Any, kwargs: Any) -> Trace:
        model_key, guide_key = jax.random.split(key)
        if self.guide is not None:
            guide_sites = _trace(self.guide, guide_key, self.params, args, kwargs)
            self._check_params(guide_sites)
            given = {
                name: site["value"]
                for name, site in guide_sites.items()
                if (site["type"] == "sample" and not site["is_observed"]) or site["type"] == "plate"
            }
        return _trace(self.model, model_key, {**self.params, **given}, args, kwargs)

    def _check_params(self, guide_sites: Trace) -> None:
        """Refuse a guide whose params would be those it began with, before any fit."""
        missing = [name for name, site in guide_sites.items() if site["type"] == "param" and name not in self.params]
        if missing:
            raise InferenceError(
                "Predictive was given a guide without values of its params",
                seen=f"params {', '.join(map(repr, self.params)) or 'none'}; missing {', '.join(map(repr, missing))}",
                expected="a value for every param of the guide",
                suggestion="pass what SVI has found: Predictive(model, guide=guide, params=result.params, ...)",
            )

    def _names(self, arguments: ModelArguments) -> tuple[str, ...]:
        """Names of the sites to return; the model is run abstractly, on its actual arguments."""
        found: list[Trace] = []

        def run() -> None:
            first = (0,) * len(self.batch_shape)
            one = {name: jnp.asarray(value)[first] for name, value in self.posterior_samples.items()}
            with Explained(), Subsamples({}):
                found.append(self.trace(jax.random.key(0), one, arguments.args, arguments.kwargs))

        jax.eval_shape(run)
        sites = found[0]
        report_unused_names("posterior_samples", self.posterior_samples, sites)
        if self.return_sites is None:
            return tuple(name for name, site in sites.items() if self._is_returned(name, site))
        unknown = [name for name in self.return_sites if name not in sites]
        if unknown:
            raise UnknownSiteError(
                f"return_sites names {', '.join(map(repr, unknown))}, which the model lacks",
                seen=f"sites {', '.join(map(repr, sites))}",
                expected="names of sites of the model",
                suggestion="correct the names, or leave return_sites out",
            )
        return self.return_sites

    def _is_returned(self, name: str, site: Mapping[str, Any]) -> bool:
        if site["type"] == "deterministic":
            return self.exclude_deterministic or name not in self.posterior_samples
        return site["type"] == "sample" and not is_auxiliary(site) and name not in self.posterior_samples  # type: ignore[arg-type]


def _trace(fn: Callable[..., Any], key: Array, given: Mapping[str, Any], args: Any, kwargs: Any) -> Trace:
    handler = substitute(seed(fn, rng_seed=key), data=given)
    handler.check_names = False
    return trace(handler).get_trace(*args, **kwargs)


def _batch_shape(samples: Mapping[str, Any], num_samples: int | None, batch_ndims: int | None) -> tuple[int, ...]:
    """Leading dims of the draws."""
    if batch_ndims not in (None, 0, 1, 2):
        raise HandlerError(
            "batch_ndims of Predictive",
            seen=batch_ndims,
            expected="0, 1 or 2",
            suggestion="0 for a single draw, 1 for draws, 2 for draws by chain",
        )
    if not samples:
        if num_samples is None and batch_ndims != 0:
            raise HandlerError(
                "Predictive does not know how many draws to make",
                seen="neither num_samples nor posterior_samples",
                expected="one of them",
                suggestion="give num_samples=, or posterior_samples",
            )
        return () if num_samples is None else (num_samples,)
    ndims = 1 if batch_ndims is None else batch_ndims
    shapes = {name: np.shape(value)[:ndims] for name, value in samples.items()}
    first = next(iter(shapes.values()))
    if len(first) < ndims or any(shape != first for shape in shapes.values()):
        raise ShapeError(
            f"the posterior samples do not have the same {ndims} leading dims",
            seen=", ".join(f"{name!r}: {shape}" for name, shape in shapes.items()),
            expected="the number of draws first in every array",
            suggestion="batch_ndims=2 for samples grouped by chain, batch_ndims=0 for a single draw",
        )
    if num_samples is not None and num_samples != int(np.prod(first, dtype=int)):
        warn(f"num_samples={num_samples} has no effect: there are {first} posterior samples", TwofoldWarning)
    return tuple(first)


def map_draws(
    arguments: ModelArguments,
    draw: Callable[..., Any],
    rng_key: Array,
    samples: Mapping[str, Any],
    batch_shape: tuple[int, ...],
    parallel: bool,
) -> Any:
    """``draw(key, sample, args, kwargs)`` for each draw, compiled, some hundreds at a time."""
    count = int(np.prod(batch_shape, dtype=int))
    flat = {n: jnp.reshape(jnp.asarray(v), (count, *np.shape(v)[len(batch_shape) :])) for n, v in samples.items()}

    def over_draws(key: Array, flat: Mapping[str, Array], args: Any, kwargs: Any) -> Any:
        keys = jax.random.split(key, count)

        def one(pair: tuple[Array, Mapping[str, Array]]) -> Any:
            return draw(*pair, args, kwargs)

        is_whole = parallel or count <= _BATCH
        drawn = jax.vmap(one)((keys, flat)) if is_whole else lax.map(one, (keys, flat), batch_size=_BATCH)
        return jax.tree.map(lambda leaf: jnp.reshape(leaf, (*batch_shape, *leaf.shape[1:])), drawn)

    return evaluate(arguments.traced(over_draws, rng_key, flat), rng_key, flat, arguments.arrays)
