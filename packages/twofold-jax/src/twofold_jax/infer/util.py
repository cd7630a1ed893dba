"""Log densities of models, and the functions that other samplers ask for: thin layers over `Potential`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from twofold_jax.distributions.transforms import Transform
from twofold_jax.handlers import seed, substitute, trace
from twofold_jax.handlers.names import report_unused_names
from twofold_jax.infer.arguments import ModelArguments
from twofold_jax.infer.initialization import InitStrategy, init_to_uniform
from twofold_jax.infer.mcmc.target import ModelTarget
from twofold_jax.infer.potential import Potential, make_potential
from twofold_jax.infer.predictive import Predictive, map_draws
from twofold_jax.messages import Trace, joint_log_density, site_log_density
from twofold_jax.ops.arrays import as_typed_keys

__all__ = [
    "ModelInfo",
    "ParamInfo",
    "compute_log_probs",
    "constrain_fn",
    "find_valid_initial_params",
    "get_transforms",
    "initialize_model",
    "log_density",
    "log_likelihood",
    "potential_energy",
    "transform_fn",
    "unconstrain_fn",
]

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any] | None
_MAX_STARTS = 100


class ParamInfo(NamedTuple):
    """A starting point."""

    z: dict[str, Array]
    """Unconstrained values by site name."""
    potential_energy: Array
    z_grad: dict[str, Array]


class ModelInfo(NamedTuple):
    """What another sampler needs of a model."""

    param_info: ParamInfo
    potential_fn: Callable[..., Any]
    postprocess_fn: Callable[..., Any]
    """From unconstrained values to the values of latent and deterministic sites."""
    model_trace: Trace


def log_density(
    model: Callable[..., Any], model_args: Args, model_kwargs: Kwargs, params: Mapping[str, Any]
) -> tuple[Array, Trace]:
    """Joint log density of a model at given values, ``sum_i scale_i * log p_i``, and the trace.

    Args:
        model: function of statements; it needs a ``seed`` only if a site is left open.
        model_args: its positional arguments.
        model_kwargs: its keyword arguments.
        params: values of sample and param sites, in constrained space.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> joint, _ = log_density(lambda: tf.sample("x", dist.Normal(0.0, 1.0)), (), {}, {"x": 0.0})
        >>> round(float(joint), 4)
        -0.9189
    """
    sites = trace(substitute(model, data=params)).get_trace(*model_args, **(model_kwargs or {}))
    return jnp.asarray(joint_log_density(sites), jnp.result_type(float)), sites


def compute_log_probs(
    model: Callable[..., Any],
    model_args: Args,
    model_kwargs: Kwargs,
    params: Mapping[str, Any],
    sum_log_prob: bool = True,
) -> tuple[dict[str, Array], Trace]:
    """Log density of every sample site at given values, and the trace.

    Args:
        model: function of statements.
        model_args: its positional arguments.
        model_kwargs: its keyword arguments.
        params: values of sample and param sites, in constrained space.
        sum_log_prob: sum within each site; else arrays of batch shape.
    """
    sites = trace(substitute(model, data=params)).get_trace(*model_args, **(model_kwargs or {}))
    densities = {name: jnp.asarray(site_log_density(s)) for name, s in sites.items() if s["type"] == "sample"}
    return {n: d.sum() if sum_log_prob else d for n, d in densities.items()}, sites


def log_likelihood(
    model: Callable[..., Any],
    posterior_samples: Mapping[str, Any],
    *args: Any,
    parallel: bool = False,
    batch_ndims: int = 1,
    **kwargs: Any,
) -> dict[str, Array]:
    """Log density of each observation, for each posterior draw.

    Args:
        model: function of statements.
        posterior_samples: draws by site name.
        *args: arguments of the model, with the observed data.
        parallel: compute all draws at once.
        batch_ndims: leading dims of the samples: 1 for draws, 2 for chains and draws, 0 for a single draw.
        **kwargs: likewise.

    Returns:
        For each observed site an array of shape (draws,) + batch shape of the site, not summed.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     with tf.plate("data", len(y)):
        ...         tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> log_likelihood(model, {"mu": jnp.zeros(4)}, jnp.ones(3))["y"].shape
        (4, 3)
    """
    predictive = Predictive(model, posterior_samples, parallel=parallel, batch_ndims=batch_ndims)

    def score(key: Array, given: Mapping[str, Any], args: Any, kwargs: Any) -> dict[str, Array]:
        sites = predictive.trace(key, given, args, kwargs)
        report_unused_names("posterior_samples", posterior_samples, sites)
        return {
            name: jnp.asarray(site_log_density(site))
            for name, site in sites.items()
            if site["type"] == "sample" and site["is_observed"]
        }

    arguments = ModelArguments(args, kwargs)
    key = jax.random.key(0)
    scores: dict[str, Array] = map_draws(
        arguments, score, key, predictive.posterior_samples, predictive.batch_shape, parallel
    )
    return scores


def potential_energy(
    model: Callable[..., Any], model_args: Args, model_kwargs: Kwargs, params: Mapping[str, Any]
) -> Array:
    """Minus the joint log density with the Jacobian, at unconstrained values of all latent sites.

    Args:
        model: function of statements.
        model_args: its positional arguments.
        model_kwargs: its keyword arguments.
        params: unconstrained values by site name.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> model = lambda: tf.sample("x", dist.Exponential(1.0))
        >>> float(potential_energy(model, (), {}, {"x": 0.0}))
        1.0
    """
    potential = make_potential(model, *model_args, **(model_kwargs or {}))
    return potential(_flat(potential, params))


def constrain_fn(
    model: Callable[..., Any],
    model_args: Args,
    model_kwargs: Kwargs,
    params: Mapping[str, Any],
    return_deterministic: bool = False,
) -> dict[str, Array]:
    """Values of the latent sites, each in its support, of unconstrained ones.

    Args:
        model: function of statements.
        model_args: its positional arguments.
        model_kwargs: its keyword arguments.
        params: unconstrained values by site name.
        return_deterministic: whether deterministic sites are returned too.
    """
    potential = make_potential(model, *model_args, **(model_kwargs or {}))
    return potential.constrain(_flat(potential, params), deterministics=return_deterministic)


def unconstrain_fn(
    model: Callable[..., Any], model_args: Args, model_kwargs: Kwargs, params: Mapping[str, Any]
) -> dict[str, Array]:
    """Unconstrained values of given values of all latent sites: the inverse of `constrain_fn`."""
    potential = make_potential(model, *model_args, **(model_kwargs or {}))
    return _by_site(potential, potential.unconstrain(params))


def transform_fn(
    transforms: Mapping[str, Transform], params: Mapping[str, Any], invert: bool = False
) -> dict[str, Any]:
    """Each value mapped by the transform of its name; values without one stay as they are.

    Args:
        transforms: by name.
        params: values by name.
        invert: map by the inverses.

    Example:
        >>> from twofold_jax.distributions.transforms import ExpTransform
        >>> float(transform_fn({"x": ExpTransform()}, {"x": 0.0})["x"])
        1.0
    """
    chosen = {name: transform.inv if invert else transform for name, transform in transforms.items()}
    return {name: chosen[name](value) if name in chosen else value for name, value in params.items()}


def get_transforms(
    model: Callable[..., Any], model_args: Args, model_kwargs: Kwargs, params: Mapping[str, Any] | None = None
) -> dict[str, Transform]:
    """The bijection onto the support of each latent site; sites whose support depends on other latents are left out.

    Args:
        model: function of statements.
        model_args: its positional arguments.
        model_kwargs: its keyword arguments.
        params: accepted for programs that give it; the bijections do not depend on values.
    """
    potential = make_potential(model, *model_args, **(model_kwargs or {}))
    return {site.name: site.transform for site in potential.sites if site.transform is not None}


def initialize_model(
    rng_key: Array,
    model: Callable[..., Any],
    *,
    init_strategy: InitStrategy = init_to_uniform,
    dynamic_args: bool = False,
    model_args: Args = (),
    model_kwargs: Kwargs = None,
) -> ModelInfo:
    """A start, a potential energy and a way back to the model's values, for a sampler of one's own.

    `make_potential` offers the same on flat vectors, with the data as inputs.

    Args:
        rng_key: random key; several in one dim give as many starts.
        model: function of statements.
        init_strategy: where the latents start.
        dynamic_args: ``potential_fn`` and ``postprocess_fn`` are then functions of the model's arguments that return
            the functions proper.
        model_args: positional arguments of the model.
        model_kwargs: keyword arguments of the model.

    Raises:
        NonFiniteError: none of 100 starts has a finite density and gradient; it names the sites.

    Example:
        >>> import twofold_jax as tf, twofold_jax.distributions as dist
        >>> info = initialize_model(jax.random.key(0), lambda: tf.sample("x", dist.Exponential(1.0)))
        >>> float(info.potential_fn({"x": 0.0})), float(info.postprocess_fn({"x": 0.0})["x"])
        (1.0, 1.0)
    """
    potential = make_potential(model, *model_args, **(model_kwargs or {}))
    info, is_valid = _find_start(rng_key, potential, init_strategy)
    if not bool(jnp.all(is_valid)):
        start = info.z if jnp.ndim(is_valid) == 0 else jax.tree.map(lambda leaf: leaf[jnp.argmin(is_valid)], info.z)
        raise ModelTarget(potential).explain(_flat(potential, start))

    def potential_fn(*args: Any, **kwargs: Any) -> Callable[[Mapping[str, Any]], Array]:
        return lambda params: potential(_flat(potential, params), *args, **kwargs)

    def postprocess_fn(*args: Any, **kwargs: Any) -> Callable[[Mapping[str, Any]], dict[str, Array]]:
        return lambda params: potential.constrain(_flat(potential, params), *args, deterministics=True, **kwargs)

    middle = jnp.zeros(potential.size, potential.dtype)
    values = potential.constrain(middle)
    _, sites = log_density(seed(model, rng_seed=0), model_args, model_kwargs, values)
    if dynamic_args:
        return ModelInfo(info, potential_fn, postprocess_fn, sites)
    return ModelInfo(info, potential_fn(), postprocess_fn(), sites)


def find_valid_initial_params(
    rng_key: Array,
    model: Callable[..., Any],
    *,
    init_strategy: InitStrategy = init_to_uniform,
    model_args: Args = (),
    model_kwargs: Kwargs = None,
) -> tuple[ParamInfo, Array]:
    """A start with a finite density and gradient, looked for at most 100 times, and whether one was found.

    Args:
        rng_key: random key; several in one dim give as many starts.
        model: function of statements.
        init_strategy: where the latents start.
        model_args: positional arguments of the model.
        model_kwargs: keyword arguments of the model.
    """
    return _find_start(rng_key, make_potential(model, *model_args, **(model_kwargs or {})), init_strategy)


def _find_start(rng_key: Array, potential: Potential, strategy: InitStrategy) -> tuple[ParamInfo, Array]:
    draw, energy = potential.traced_start(strategy), jax.value_and_grad(potential.__call__)

    def find(key: Array) -> tuple[Array, Array, Array]:
        def attempt(index: Any) -> tuple[Array, Array, Array]:
            position = draw(jax.random.fold_in(key, index), potential.data)
            return (position, *energy(position))

        def goes_on(state: tuple[Any, tuple[Array, Array, Array]]) -> Array:
            attempts, (_, value, gradient) = state
            return jnp.less(attempts, _MAX_STARTS) & ~_is_finite(value, gradient)

        def again(state: tuple[Any, tuple[Array, Array, Array]]) -> tuple[Any, tuple[Array, Array, Array]]:
            return state[0] + 1, attempt(state[0])

        found: tuple[Array, Array, Array] = jax.lax.while_loop(goes_on, again, (1, attempt(0)))[1]
        return found

    rng_key = as_typed_keys(rng_key)
    is_single = rng_key.ndim == 0
    position, value, gradient = jax.jit(find if is_single else jax.vmap(find))(rng_key)
    by_site = _by_site if is_single else lambda p, x: jax.vmap(lambda flat: _by_site(p, flat))(x)
    return ParamInfo(by_site(potential, position), value, by_site(potential, gradient)), _is_finite(value, gradient)


def _is_finite(value: Array, gradient: Array) -> Array:
    finite: Array = jnp.isfinite(value) & jnp.isfinite(gradient).all(axis=-1)
    return finite


def _flat(potential: Potential, params: Mapping[str, Any]) -> Array:
    """Unconstrained values by site name as one vector."""
    return ModelTarget(potential).positions(params, 1)[0]


def _by_site(potential: Potential, position: Array) -> dict[str, Array]:
    return {s.name: position[s.offset : s.offset + s.size].reshape(s.unconstrained_shape) for s in potential.sites}
