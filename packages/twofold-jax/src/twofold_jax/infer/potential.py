"""A model as a pure log density of one flat unconstrained vector: the centre of inference.

The model is run once through the handlers.  What remains is a table of its latent sites and a function that any
sampler or optimiser can use:

    log_density(position) = sum over sites of log p(value)  +  sum over latents of log |d value / d position|

where each latent's value is made from its slice of ``position`` by the bijection onto its support.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from twofold_jax.distributions.transforms import Transform, biject_to
from twofold_jax.errors import InferenceError, ShapeError, UnknownSiteError
from twofold_jax.handlers import seed
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform
from twofold_jax.messages import Message, site_log_density
from twofold_jax.ops.tracing import TracedFunction, trace_function
from twofold_jax.runtime import Messenger

__all__ = ["LatentSite", "Potential", "make_potential"]

_NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
"""A model that looks at its data (``len(np.unique(x))``, ``if x.any()``) cannot take them as inputs of a program."""


@dataclass(frozen=True)
class LatentSite:
    """One latent site of a model, and its place in the flat vector."""

    name: str
    shape: tuple[int, ...]
    """Of a value: sample, plate and event dims."""
    unconstrained_shape: tuple[int, ...]
    offset: int
    """First entry in the flat vector."""
    size: int
    """Number of entries in the flat vector."""
    transform: Transform | None
    """Bijection onto the support; None if the support depends on other latents, so that it is made at each run."""
    plates: tuple[str, ...]
    """Names of the plates around the site, the outermost first."""


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
        >>> [round(float(x), 3) for x in value_and_gradient(jnp.zeros(1))]
        [-4.983, -0.0]
        >>> float(potential.constrain(jnp.zeros(1))["scale"])
        1.0
    """

    model: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sites: tuple[LatentSite, ...]
    size: int
    """Length of the flat vector."""
    rng_key: Any
    """Key of what a model draws besides its latents, such as the batch of a subsampled plate: the same at every call."""

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
        density = _Density(self, position)
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
        placed = _Placed(self, position)
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
                f"values of latent sites are missing: {', '.join(missing)}", seen=f"values of {', '.join(values) or 'none'}"
            )
        return self.gather(lambda msg: values[msg["name"]], *args, **kwargs)

    def gather(self, value_of: Callable[[Message], Any], *args: Any, **kwargs: Any) -> Array:
        """Run the model with each latent at ``value_of(message)``; the flat unconstrained position of these values."""
        gathered = _Gathered(value_of)
        self._run(gathered, args, kwargs)
        pieces = [gathered.pieces[site.name] for site in self.sites]
        return jnp.concatenate(pieces).astype(self.dtype) if pieces else jnp.zeros(0, self.dtype)

    def site_log_densities(self, position: ArrayLike, *args: Any, **kwargs: Any) -> dict[str, Array]:
        """Log density of every sample site at a position, summed within the site, without the Jacobian."""
        density = _Density(self, position)
        self._run(density, args, kwargs)
        return density.by_site

    def _run(self, handler: Messenger, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if not args and not kwargs:
            args, kwargs = self.args, self.kwargs
        with handler, seed(rng_seed=self.rng_key):
            self.model(*args, **kwargs)

    # Programs: traced once, their data as inputs where the model allows it

    @property
    def data(self) -> list[Array]:
        """The arrays among the model's arguments: the inputs of `traced`."""
        return [leaf for leaf in jax.tree.leaves((self.args, self.kwargs)) if _is_data(leaf)]

    def traced(self, fn: Callable[..., Any], *example: Any) -> TracedFunction:
        """Trace ``fn(*example, args, kwargs)`` into a program of ``(*example, data)``.

        A model that has to see the values of its data gets them as constants of the program instead.
        """
        leaves, tree = jax.tree.flatten((self.args, self.kwargs))
        places = [index for index, leaf in enumerate(leaves) if _is_data(leaf)]

        def with_inputs(*inputs: Any) -> Any:
            filled = list(leaves)
            for place, array in zip(places, inputs[-1], strict=True):
                filled[place] = array
            return fn(*inputs[:-1], *jax.tree.unflatten(tree, filled))

        def with_constants(*inputs: Any) -> Any:
            return fn(*inputs[:-1], self.args, self.kwargs)

        try:
            return trace_function(with_inputs, *example, self.data)
        except _NEEDS_VALUES:
            return trace_function(with_constants, *example, self.data)

    def traced_log_density(self) -> TracedFunction:
        """`log_density` as a program of ``(position, data)``."""
        example = jax.ShapeDtypeStruct((self.size,), self.dtype)
        return self.traced(lambda position, args, kwargs: self.log_density(position, *args, **kwargs), example)

    def traced_constrain(self) -> TracedFunction:
        """`constrain`, deterministic sites included, as a program of ``(position, data)``."""
        example = jax.ShapeDtypeStruct((self.size,), self.dtype)
        return self.traced(
            lambda position, args, kwargs: self.constrain(position, *args, deterministics=True, **kwargs), example
        )

    def traced_start(self, strategy: InitStrategy) -> TracedFunction:
        """A program of ``(rng_key, data)`` that draws a position by an initialisation strategy."""

        def start(rng_key: Array, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Array:
            keys = iter(jax.random.split(rng_key, max(len(self.sites), 1)))

            def value_of(msg: Message) -> Any:
                site = {**msg, "kwargs": {**msg["kwargs"], "rng_key": next(keys)}}
                value = strategy(site)
                return init_to_uniform(site) if value is None else value

            return self.gather(value_of, *args, **kwargs)

        return self.traced(start, jax.eval_shape(lambda: jax.random.key(0)))


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
    rng_key = jax.random.key(0)
    survey = _Survey()

    def run(key: Array) -> None:
        with survey, seed(rng_seed=key):
            model(*args, **kwargs)

    jax.eval_shape(run, rng_key)
    sites, offset = [], 0
    for draft in survey.found:
        size = int(np.prod(draft["unconstrained_shape"], dtype=int))
        sites.append(LatentSite(offset=offset, size=size, **draft))
        offset += size
    return Potential(model, args, kwargs, tuple(sites), offset, rng_key)


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, jax.Array)) and leaf.dtype != object


def _is_latent(msg: Message) -> bool:
    return msg["type"] == "sample" and not msg["is_observed"] and msg["value"] is None


class _Survey(Messenger):
    """Notes each latent site, and gives it some value of its support."""

    reads_key = False

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    def process_message(self, msg: Message) -> None:
        if not _is_latent(msg):
            return
        law = msg["fn"]
        if law.is_discrete:
            raise InferenceError(
                f"latent site {msg['name']!r} is discrete, and this algorithm moves in continuous space",
                seen=f"law {type(law).__name__} with support {law.support}",
                suggestion="sum the site out by hand (a mixture law), give it obs=, or block it",
            )
        shape = law.shape(msg["kwargs"].get("sample_shape", ()))
        transform = biject_to(law.support)
        unconstrained_shape = transform.inverse_shape(shape)
        self.found.append(
            {
                "name": msg["name"],
                "shape": shape,
                "unconstrained_shape": unconstrained_shape,
                "transform": transform if transform.is_concrete else None,
                "plates": tuple(frame.name for frame in reversed(msg["cond_indep_stack"])),
            }
        )
        msg["value"] = transform(jnp.zeros(unconstrained_shape))


class _Placed(Messenger):
    """Gives each latent the value that its slice of the flat vector stands for."""

    reads_key = False

    def __init__(self, potential: Potential, position: ArrayLike) -> None:
        super().__init__()
        position = jnp.asarray(position)
        if position.shape != (potential.size,):
            raise ShapeError("a position must be one flat vector", seen=position.shape, expected=(potential.size,))
        self._sites = {site.name: site for site in potential.sites}
        sizes = [site.size for site in potential.sites]
        slices = lax.split(position, sizes) if sizes else []
        self._slices = dict(zip(self._sites, slices, strict=True))
        self.latents: dict[str, Array] = {}
        self.deterministics: dict[str, Array] = {}

    def process_message(self, msg: Message) -> None:
        if _is_latent(msg):
            site = self._sites.get(str(msg["name"]))
            if site is None:
                raise InferenceError(
                    f"latent site {msg['name']!r} was not there when the model was first run",
                    seen=f"sites {', '.join(self._sites) or 'none'} then",
                    suggestion="make the set of latent sites the same in every run",
                )
            transform = site.transform or biject_to(msg["fn"].support)
            self._place(msg, site, transform, lax.reshape(self._slices[site.name], site.unconstrained_shape))

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Array) -> None:
        msg["value"] = self.latents[site.name] = transform(unconstrained_value)

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "deterministic":
            self.deterministics[str(msg["name"])] = msg["value"]


class _Density(_Placed):
    """Sums the log density as the model runs."""

    def __init__(self, potential: Potential, position: ArrayLike) -> None:
        super().__init__(potential, position)
        self.total: Any = 0.0
        self.by_site: dict[str, Any] = {}

    def _place(self, msg: Message, site: LatentSite, transform: Transform, unconstrained_value: Array) -> None:
        value, intermediates = transform.call_with_intermediates(unconstrained_value)
        msg["value"] = self.latents[site.name] = value
        jacobian = transform.log_abs_det_jacobian(unconstrained_value, value, intermediates)
        self.total = self.total + jacobian.sum()

    def postprocess_message(self, msg: Message) -> None:
        if msg["type"] == "sample":
            density = site_log_density(msg)
            self.by_site[str(msg["name"])] = density = density.sum() if getattr(density, "ndim", 0) else density
            self.total = self.total + density


class _Gathered(Messenger):
    """Puts each latent at a chosen value, and notes the unconstrained one."""

    def __init__(self, value_of: Callable[[Message], Any]) -> None:
        super().__init__()
        self._value_of = value_of
        self.pieces: dict[str, Array] = {}

    def process_message(self, msg: Message) -> None:
        if _is_latent(msg):
            law = msg["fn"]
            shape = law.shape(msg["kwargs"].get("sample_shape", ()))
            value = jnp.broadcast_to(jnp.asarray(self._value_of(msg), jnp.result_type(float)), shape)
            msg["value"] = value
            self.pieces[str(msg["name"])] = jnp.ravel(biject_to(law.support).inv(value))
