"""A model as a pure log density of one flat unconstrained vector: the centre of inference.

The model is run once through the handlers.  What remains is a table of its latent sites and a function that any
sampler or optimiser can use:

    log_density(position) = sum over sites of log p(value)  +  sum over latents of log |d value / d position|

where each latent's value is made from its slice of ``position`` by the bijection onto its support.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from twofold_jax.errors import UnknownSiteError
from twofold_jax.handlers import seed, trace
from twofold_jax.handlers.names import report_unused_names
from twofold_jax.infer.arguments import Explained, ModelArguments
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform
from twofold_jax.infer.placing import Density, Gathered, LatentSite, Placed, Subsamples, Survey
from twofold_jax.messages import Message
from twofold_jax.ops.tracing import TracedFunction
from twofold_jax.runtime import Messenger

__all__ = ["LatentSite", "Potential", "make_potential"]


@dataclass(frozen=True, eq=False)
class Potential:
    """A model run once, as a function of a flat vector; made by `make_potential`.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> def model(y):
        ...     scale = tf.sample("scale", dist.HalfNormal(1.0))
        ...     with tf.plate("data", len(y)):
        ...         tf.sample("y", dist.Normal(0.0, scale), obs=y)
        >>> potential = make_potential(model, jnp.ones(3))
        >>> potential.size, [site.name for site in potential.sites]
        (1, ['scale'])
        >>> value_and_gradient = jax.jit(jax.value_and_grad(potential.log_density))
        >>> value, gradient = value_and_gradient(jnp.zeros(1))
        >>> round(float(value), 3), gradient.shape
        (-4.983, (1,))
        >>> float(potential.constrain(jnp.zeros(1))["scale"])
        1.0
    """

    model: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sites: tuple[LatentSite, ...]
    size: int
    """Length of the flat vector."""
    names: tuple[str, ...] = ()
    """All sites of the model, in the order of their statements."""
    subsamples: dict[str, Array] = field(default_factory=dict)
    """Mini-batch of each subsampled plate: the same in every run.  For another one substitute the plate's indices."""
    params: tuple[str, ...] = ()
    """Params of the model, which are held at their initial values."""

    @property
    def dtype(self) -> Any:
        """Of positions and densities: float64 if JAX is set to it, else float32."""
        return jnp.result_type(float)

    def log_density(self, position: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """Joint log density with the Jacobian, at a flat unconstrained position.

        Args:
            position: of shape (size,).
            *args: data of the model, shaped as those of `make_potential`; by default those.
            **kwargs: likewise.

        Returns:
            A scalar; pure and differentiable, fit for ``jit``, ``grad`` and ``vmap``.

        Raises:
            ShapeError: ``position`` has another shape.
        """
        density = Density(self.sites, self.size, position)
        self._run(density, args, kwargs)
        return jnp.asarray(density.total, self.dtype)

    def __call__(self, position: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        """The potential energy: minus `log_density`."""
        return -self.log_density(position, *args, **kwargs)

    def constrain(
        self, position: ArrayLike, *args: Any, deterministics: bool = False, **kwargs: Any
    ) -> dict[str, Array]:
        """Values of the latent sites, each in its support, at a flat unconstrained position.

        Args:
            position: of shape (size,).
            *args: data of the model; by default those of `make_potential`.
            deterministics: whether deterministic sites are returned too.
            **kwargs: as ``args``.
        """
        placed = Placed(self.sites, self.size, position)
        self._run(placed, args, kwargs)
        return {**placed.latents, **placed.deterministics} if deterministics else placed.latents

    def unconstrain(self, values: Mapping[str, ArrayLike], *args: Any, **kwargs: Any) -> Array:
        """The flat unconstrained position of given values of all latent sites: the inverse of `constrain`.

        Raises:
            UnknownSiteError: a latent site is missing in ``values``.
        """
        missing = [site.name for site in self.sites if site.name not in values]
        if missing:
            raise UnknownSiteError(
                f"values of latent sites are missing: {', '.join(missing)}",
                seen=f"values of {', '.join(values) or 'none'}",
                suggestion="give every latent site a value, in constrained space",
                expected="a value for each latent site",
            )
        return self.gather(lambda msg: values[msg["name"]], *args, **kwargs)

    def gather(self, value_of: Callable[[Message], Any], *args: Any, **kwargs: Any) -> Array:
        """Run the model with each latent at ``value_of(message)``; the flat unconstrained position of these values."""
        gathered = Gathered(value_of)
        self._run(gathered, args, kwargs)
        pieces = [gathered.pieces[site.name] for site in self.sites]
        return jnp.concatenate(pieces).astype(self.dtype) if pieces else jnp.zeros(0, self.dtype)

    def start(self, rng_key: Array, strategy: InitStrategy, *args: Any, **kwargs: Any) -> Array:
        """A flat unconstrained position drawn by an initialisation strategy."""
        count = itertools.count()

        def value_of(msg: Message) -> Any:
            site = {**msg, "kwargs": {**msg["kwargs"], "rng_key": jax.random.fold_in(rng_key, next(count))}}
            value = strategy(site)
            return init_to_uniform(site) if value is None else value

        return self.gather(value_of, *args, **kwargs)

    def site_log_densities(self, position: ArrayLike, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """Log density of every sample site at a position, summed within the site, without the Jacobian."""
        density = Density(self.sites, self.size, position)
        self._run(density, args, kwargs)
        return density.by_site

    def _run(self, handler: Messenger, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if not args and not kwargs:
            args, kwargs = self.args, self.kwargs
        with handler, Subsamples(self.subsamples), seed(rng_seed=jax.random.key(0)):
            self.model(*args, **kwargs)

    # Programs: traced once, their data as inputs where the model allows it

    @property
    def data(self) -> list[Array]:
        """The arrays among the model's arguments: the inputs of the programs below."""
        return self._arguments.arrays

    @property
    def _arguments(self) -> ModelArguments:
        return ModelArguments(self.args, self.kwargs)

    def traced_log_density(self) -> TracedFunction:
        """`log_density` as a program of ``(position, data)``."""
        example = np.zeros(self.size, self.dtype)
        return self._arguments.traced(
            lambda position, args, kwargs: self.log_density(position, *args, **kwargs), example
        )

    def traced_constrain(self) -> TracedFunction:
        """`constrain`, deterministic sites included, as a program of ``(position, data)``."""
        example = np.zeros(self.size, self.dtype)
        return self._arguments.traced(
            lambda position, args, kwargs: self.constrain(position, *args, deterministics=True, **kwargs), example
        )

    def traced_start(self, strategy: InitStrategy) -> TracedFunction:
        """A program of ``(rng_key, data)`` that draws a position by an initialisation strategy.

        Raises:
            UnknownSiteError: the strategy has a value for a site that is nearly called like one of the model.
            ShapeError, SupportError: a value of the strategy does not fit its site.
        """
        given = getattr(strategy, "keywords", {}).get("values") or {}
        report_unused_names("init_to_value", given, self.names)

        def start(rng_key: Array, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Array:
            return self.start(rng_key, strategy, *args, **kwargs)

        return self._arguments.traced(start, jax.eval_shape(lambda: jax.random.key(0)))


def make_potential(model: Callable[..., Any], *args: Any, **kwargs: Any) -> Potential:
    """Run ``model`` once and make it a log density of one flat unconstrained vector.

    The run is abstract: it finds out names, shapes and supports, and computes nothing.

    Args:
        model: function of statements.
        *args: its data; arrays among them are inputs of the density and may later be exchanged for others of the
            same shapes.
        **kwargs: likewise.

    Raises:
        InferenceError: a latent site is discrete.
        TwofoldError: whatever is wrong with the model itself.
    """
    survey, subsamples = Survey(), dict[str, Array]()
    jax.eval_shape(lambda: _run_once(model, args, kwargs, Explained(), survey, Subsamples(subsamples)))
    sites, offset = [], 0
    for draft in survey.found:
        size = int(np.prod(draft["unconstrained_shape"], dtype=int))
        sites.append(LatentSite(offset=offset, size=size, **draft))
        offset += size
    return Potential(model, args, kwargs, tuple(sites), offset, survey.names, subsamples, tuple(survey.params))


def _run_once(model: Callable[..., Any], args: Any, kwargs: Any, *handlers: Messenger) -> None:
    with ExitStack() as stack:
        for handler in (*handlers, trace(), seed(rng_seed=jax.random.key(0))):
            stack.enter_context(handler)
        model(*args, **kwargs)
