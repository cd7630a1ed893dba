"""Neural networks inside a model: stax-style pairs ``(init_fn, apply_fn)`` whose parameters are sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import jax

from .distributions.base import Distribution
from .errors import ShapeError, SiteTypeError, TwofoldWarning
from .primitives import param, sample
from .site_checks import check_name
from .typing import Key, Shape
from .warning import warn

__all__ = ["module", "random_module"]

Network: TypeAlias = tuple[Callable[..., tuple[Any, Any]], Callable[..., Any]]
"""``init_fn(key, input_shape) -> (output_shape, params)`` and ``apply_fn(params, x)``."""
Prior: TypeAlias = Distribution | Mapping[str, Any] | Callable[[str, Shape], Distribution | None]


def module(name: str, nn: Network, input_shape: Shape | None = None) -> Callable[..., Any]:
    """Register a network's parameters as the param site ``name$params`` and bind them.

    Two statements of one name in one run share their parameters.

    Args:
        name: of the network.
        nn: pair ``(init_fn, apply_fn)``: ``init_fn(key, input_shape)`` gives output shape and parameters, a pytree;
            ``apply_fn(params, x)`` gives the output.
        input_shape: shape of the input; may be missing if the parameters are substituted.

    Returns:
        ``apply_fn`` with the parameters bound.

    Raises:
        SiteTypeError: ``nn`` is no pair of functions.
        ShapeError: ``input_shape`` is missing, and so are the parameters.
        RandomKeyError: the parameters have to be drawn, and there is no ``seed`` handler.

    Example:
        >>> import jax.numpy as jnp, twofold_jax as tf
        >>> from twofold_jax.handlers import seed
        >>> double = (lambda key, shape: (shape, {"w": jnp.array(2.0)}), lambda params, x: params["w"] * x)
        >>> with seed(rng_seed=0):
        ...     float(tf.module("net", double, input_shape=(1,))(3.0))
        6.0
    """
    init_fn, apply_fn = _as_pair(name, nn)

    return partial(apply_fn, param(f"{name}$params", _initialiser(name, init_fn, input_shape)))


def random_module(name: str, nn: Network, prior: Prior, input_shape: Shape | None = None) -> Callable[..., Any]:
    """A network with priors over its parameters: each is a sample site ``name/path``, all its dims one event.

    Paths are keys and indices joined by dots, such as ``0.w``.  Parameters without a prior stay in the param site
    ``name$params``, a pytree that holds ``()``, which has no leaves, at the places of the others.

    Args:
        name: of the network.
        nn: pair ``(init_fn, apply_fn)``, as ``module`` takes it.
        prior: one law for all parameters; or laws by path; or a function of path and shape that gives a law or None.
            A law of another shape than the parameter's is expanded to it.
        input_shape: shape of the input.

    Returns:
        ``apply_fn`` with the sampled parameters bound.

    Raises:
        SiteTypeError: ``nn`` is no pair of functions, or a prior is no distribution.
        ShapeError: ``input_shape`` is missing, or a law does not expand to the shape of its parameter.
        RandomKeyError: there is no ``seed`` handler, and something has to be drawn.

    Example:
        >>> import jax.numpy as jnp, twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.handlers import seed, trace
        >>> double = (lambda key, shape: (shape, {"w": jnp.array([2.0])}), lambda params, x: params["w"] * x)
        >>> net = lambda: tf.random_module("net", double, dist.Normal(0.0, 1.0), input_shape=(1,))
        >>> list(trace(seed(net, rng_seed=0)).get_trace())
        ['net/w']
    """
    init_fn, apply_fn = _as_pair(name, nn)
    init = _initialiser(name, init_fn, input_shape)
    shapes = jax.eval_shape(init, jax.random.key(0))
    structure: Any
    leaves, structure = jax.tree_util.tree_flatten_with_path(shapes)
    paths = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]
    laws = [_prior_of(name, path, tuple(leaf.shape), prior) for path, (_, leaf) in zip(paths, leaves, strict=True)]
    _report_unused_priors(name, prior, paths)

    def without_priors(rng_key: Key) -> Any:
        kept = zip(jax.tree.leaves(init(rng_key)), laws, strict=True)
        return structure.unflatten([leaf if law is None else () for leaf, law in kept])

    fixed = iter(jax.tree.leaves(param(f"{name}$params", without_priors)) if None in laws else ())
    values = [
        next(fixed) if law is None else sample(f"{name}/{path}", law) for path, law in zip(paths, laws, strict=True)
    ]
    return partial(apply_fn, structure.unflatten(values))


def _initialiser(name: str, init_fn: Callable[..., Any], input_shape: Shape | None) -> Callable[[Key], Any]:
    def init(rng_key: Key) -> Any:
        if input_shape is None:
            raise ShapeError(
                f"network {name!r} has to make its parameters and does not know the shape of its input",
                seen="input_shape=None",
                expected="the shape of the input",
                suggestion=f"write input_shape=..., or substitute {name + '$params'!r}",
            )
        return init_fn(rng_key, input_shape)[1]

    return init


def _as_pair(name: str, nn: Any) -> Network:
    check_name(name, "module")
    if isinstance(nn, tuple | list) and len(nn) == 2 and all(map(callable, nn)):
        return nn[0], nn[1]
    raise SiteTypeError(
        f"network {name!r} is no pair of functions",
        seen=f"{nn!r} of type {type(nn).__name__}",
        expected="(init_fn, apply_fn), as the constructors of stax return it",
        suggestion="pass the pair itself, not a class and not one of its functions",
    )


def _prior_of(name: str, path: str, shape: Shape, prior: Prior) -> Distribution | None:
    """The law of one parameter in the parameter's own shape, or None if it has no prior."""
    if isinstance(prior, Distribution):
        law: Any = prior
    else:
        law = prior.get(path) if isinstance(prior, Mapping) else prior(path, shape)
    if law is None:
        return None
    if not isinstance(law, Distribution):
        raise SiteTypeError(
            f"the prior of parameter {path!r} of network {name!r} is no distribution",
            seen=type(law).__name__,
            expected="a Distribution",
            suggestion="write dist.Normal(0.0, 1.0)",
        )
    fitted = law if law.shape() == shape else law.expand(shape[: len(shape) - len(law.event_shape)])
    return fitted.to_event(len(fitted.batch_shape))


def _report_unused_priors(name: str, prior: Prior, paths: list[str]) -> None:
    unused = [path for path in prior if path not in paths] if isinstance(prior, Mapping) else []
    if unused:
        warn(
            f"the prior of network {name!r} names {', '.join(map(repr, unused))}, but the network's parameters are "
            f"{', '.join(map(repr, paths))}",
            TwofoldWarning,
        )
