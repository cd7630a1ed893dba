"""The statements of a model, but for ``plate``: each makes a message and sends it through the handlers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from .distributions import Unit, constraints
from .distributions.base import Distribution
from .distributions.constraints import Constraint
from .errors import RandomKeyError, SiteTypeError
from .messages import CondIndepStackFrame, Message, new_message
from .ops.arrays import broadcast_shapes, shape_of
from .params import initial_value
from .runtime import Messenger, apply_stack, draw, is_handled
from .site_checks import as_observation, check_factor, check_law, check_name, check_sample_shape, check_settings
from .typing import ArrayLike, Key

__all__ = [
    "CondIndepStackFrame",
    "Messenger",
    "apply_stack",
    "deterministic",
    "factor",
    "get_mask",
    "mutable",
    "param",
    "prng_key",
    "sample",
    "subsample",
]


def sample(
    name: str,
    fn: Distribution,
    obs: ArrayLike | None = None,
    rng_key: Key | None = None,
    sample_shape: tuple[int, ...] = (),
    infer: Mapping[str, Any] | None = None,
    obs_mask: ArrayLike | None = None,
) -> Any:
    """Draw the random variable ``name`` from ``fn``, or score ``obs`` as its value.

    Args:
        name: unique within one run of the model.
        fn: law of the site.
        obs: observed value, of shape ``sample_shape + batch_shape + event_shape`` or broadcastable to it; the site then
            draws nothing.  Default: the site is latent.
        rng_key: random key of the draw outside a ``seed`` handler; inside one it has no effect.
        sample_shape: shape of independent draws, to the left of the batch shape.
        infer: settings for inference algorithms; copied, never changed.
        obs_mask: boolean, of batch shape: where False, ``obs`` is missing and a latent value takes its place.  Makes
            the sites ``name_observed``, ``name_unobserved`` and the deterministic ``name``.

    Returns:
        The value of the site: ``obs`` itself, a draw, or what a handler supplied.

    Raises:
        SiteTypeError: ``fn`` is no distribution, or another argument has the wrong type.
        RandomKeyError: the site has to draw, and there is neither ``rng_key`` nor a ``seed`` handler.
        ShapeError: law, value and plates do not fit together.
        SupportError: a concrete ``obs`` lies outside the support (with validation on).

    Example:
        >>> import jax, twofold_jax as tf, twofold_jax.distributions as dist
        >>> tf.sample("x", dist.Normal(0.0, 1.0), rng_key=jax.random.key(0), sample_shape=(3,)).shape
        (3,)
    """
    if type(name) is not str:
        check_name(name, "sample")
    if not isinstance(fn, Distribution):
        check_law(name, fn)
    if sample_shape != ():
        check_sample_shape(name, sample_shape)
    if infer is not None or rng_key is not None:
        check_settings(name, infer, rng_key)
    if obs is not None and not hasattr(obs, "shape"):
        obs = as_observation(name, obs)
    if obs_mask is not None:
        return _sample_partly_observed(name, fn, obs, obs_mask, rng_key, sample_shape, infer)
    if not is_handled():
        return obs if obs is not None else draw(name, fn, rng_key, sample_shape)[0]
    msg: Message = {
        "type": "sample",
        "name": name,
        "fn": fn,
        "args": (),
        "kwargs": {"rng_key": rng_key, "sample_shape": sample_shape},
        "value": obs,
        "scale": None,
        "is_observed": obs is not None,
        "intermediates": [],
        "cond_indep_stack": [],
        "infer": dict(infer) if infer else {},
    }
    apply_stack(msg)
    intervention = msg.get("intervention")
    return msg["value"] if intervention is None else intervention


def _sample_partly_observed(
    name: str, fn: Any, obs: Any, obs_mask: Any, rng_key: Any, sample_shape: tuple[int, ...], infer: Any
) -> Any:
    """Three sites for one: what is observed, what is not, and the two put together."""
    if not hasattr(obs_mask, "shape") and not isinstance(obs_mask, bool):
        obs_mask = np.asarray(obs_mask)
    if getattr(obs_mask, "dtype", np.bool_) != np.bool_ or obs is None:
        raise SiteTypeError(
            f"site {name!r} with obs_mask needs an observation and a boolean mask",
            seen=f"obs_mask of dtype {getattr(obs_mask, 'dtype', bool)}, obs of type {type(obs).__name__}",
            expected="obs, with any value where it is missing, and obs_mask of dtype bool",
            suggestion="write obs_mask=~numpy.isnan(data)",
        )
    if sample_shape:
        fn = fn.expand((*sample_shape, *broadcast_shapes(fn.batch_shape, shape_of(obs_mask), what=f"site {name!r}")))
    missing = not obs_mask if isinstance(obs_mask, bool) else ~obs_mask
    observed = sample(f"{name}_observed", fn.mask(obs_mask), obs=obs, infer=infer)
    unobserved = sample(f"{name}_unobserved", fn.mask(missing), rng_key=rng_key, infer=infer)
    is_observed = jnp.reshape(obs_mask, shape_of(obs_mask) + (1,) * len(fn.event_shape))
    return deterministic(name, jnp.where(is_observed, observed, unobserved))


def param(
    name: str,
    init_value: Any = None,
    constraint: Constraint = constraints.real,
    event_dim: int | None = None,
    *,
    init_tensor: Any = None,
) -> Any:
    """Read the parameter ``name``: what a handler supplies, else its initial value.

    Nothing is stored: an inference algorithm keeps the values and substitutes them.  Inside one traced or seeded run
    all statements of a name have the same value.

    Args:
        name: of the parameter.
        init_value: initial value in constrained space, or a callable that makes it from a random key (under ``seed``).
            Without it the statement gives None unless a value is substituted.
        constraint: space of the value; default: all reals.
        event_dim: number of rightmost dims that are no batch dims; inside a subsampled plate the batch dim of the plate
            is indexed by the mini-batch.  Default: all dims, nothing is indexed.
        init_tensor: another name of ``init_value``.

    Returns:
        The value, in constrained space; the trace keeps it before it is indexed.

    Raises:
        SupportError: the initial value lies outside ``constraint`` (with validation on).
        NonFiniteError: the initial value holds NaN (with validation on).
        RandomKeyError: ``init_value`` is callable and no key reached the statement.
        PlateError: with ``event_dim``, a batch dim does not fit an enclosing plate.

    Example:
        >>> import twofold_jax as tf
        >>> from twofold_jax.handlers import substitute
        >>> float(tf.param("p", 1.0)), substitute(lambda: tf.param("p", 1.0), data={"p": 3.0})()
        (1.0, 3.0)
    """
    check_name(name, "param")
    if event_dim is not None and (isinstance(event_dim, bool) or not isinstance(event_dim, int) or event_dim < 0):
        raise SiteTypeError(
            f"event_dim of param {name!r} must be a count of dims",
            seen=repr(event_dim),
            expected="0, 1, ...",
            suggestion="count the dims that are no plate's: 0 for a number per row",
        )
    if not isinstance(constraint, Constraint):
        raise SiteTypeError(
            f"the constraint of param {name!r} is none",
            seen=f"{constraint!r} of type {type(constraint).__name__}",
            expected="a constraint, such as constraints.positive",
            suggestion="from twofold_jax.distributions import constraints",
        )
    init = init_tensor if init_value is None else init_value
    if not is_handled():
        return initial_value(name, init, constraint=constraint)
    make = partial(initial_value, name)
    kwargs = {"constraint": constraint, "event_dim": event_dim}
    msg = new_message("param", name, make, args=(init,), kwargs=kwargs, subsamplers=[], memos=[])
    value = apply_stack(msg)["value"]
    if event_dim is None:
        return value
    return _take_along_plates(value, event_dim, msg["subsamplers"], f"param {name!r}")


def _take_along_plates(value: Any, event_dim: int, plates: list[Any], site: str) -> Any:
    for plate in plates:
        value = plate.take(value, event_dim, site=site)
    return value


def subsample(data: Any, event_dim: int) -> Any:
    """The rows of ``data`` that belong to the mini-batches of the enclosing plates.

    Args:
        data: array, or pytree of arrays, whose batch dims are as long as the whole plates.
        event_dim: number of rightmost dims that are no batch dims.

    Returns:
        ``data`` indexed along the dim of each subsampled plate; ``data`` itself outside plates.

    Raises:
        PlateError: a batch dim is neither 1 nor the size of its plate.

    Example:
        >>> import numpy as np, twofold_jax as tf
        >>> from twofold_jax.handlers import seed
        >>> with seed(rng_seed=0), tf.plate("data", 10, subsample_size=4):
        ...     tf.subsample(np.arange(10.0), event_dim=0).shape
        (4,)
    """
    if not is_handled():
        return data
    msg = apply_stack(new_message("subsample", None, None, data, kwargs={"event_dim": event_dim}, subsamplers=[]))
    return _take_along_plates(data, event_dim, msg["subsamplers"], "the data of a subsample statement")


def deterministic(name: str, value: Any, event_dim: int | None = None) -> Any:
    """Record ``value`` under ``name``; it has no density, and no handler changes it.

    Args:
        name: unique within one run of the model.
        value: anything, usually an array computed from other sites.
        event_dim: how many rightmost dims of it are one event; kept for those who read the trace.

    Returns:
        ``value`` itself.

    Example:
        >>> import twofold_jax as tf
        >>> tf.deterministic("double", 4.0)
        4.0
    """
    check_name(name, "deterministic")
    if not is_handled():
        return value
    return apply_stack(new_message("deterministic", name, None, value, kwargs={"event_dim": event_dim}))["value"]


def factor(name: str, log_factor: ArrayLike) -> None:
    """Add ``log_factor`` to the joint log density.

    Args:
        name: unique within one run of the model.
        log_factor: a number or array, of batch shape; inside plates it is broadcast, so that a scalar counts once per
            row.

    Raises:
        SiteTypeError: ``log_factor`` is no number and no array.
        NonFiniteError: it is NaN (with validation on).
        ShapeError, PlateError: it does not fit the enclosing plates.

    Example:
        >>> import twofold_jax as tf
        >>> from twofold_jax.handlers import trace
        >>> from twofold_jax.messages import joint_log_density
        >>> float(joint_log_density(trace(lambda: tf.factor("bonus", -2.5)).get_trace()))
        -2.5
    """
    check_name(name, "factor")
    factor: Any = log_factor if hasattr(log_factor, "shape") else as_observation(name, log_factor, "factor")
    check_factor(name, factor)
    if is_handled():
        law = Unit(factor)
        sample(name, law, obs=np.zeros((*law.batch_shape, 0), np.float32), infer={"is_auxiliary": True})


def mutable(name: str, init_value: Any = None) -> Any:
    """State that a model changes as it runs, such as running averages; a handler may supply it.

    Args:
        name: unique within one run of the model.
        init_value: the state at the first run; a dict is changed in place.

    Returns:
        The state.

    Example:
        >>> counter = mutable("counter", {"calls": 0})
        >>> counter["calls"] += 1
    """
    check_name(name, "mutable")
    if not is_handled():
        return init_value
    return apply_stack(new_message("mutable", name, lambda init: init, args=(init_value,)))["value"]


def prng_key() -> Key:
    """A random key of one's own, from the enclosing ``seed`` handler.

    Raises:
        RandomKeyError: no ``seed`` handler is active.

    Example:
        >>> from twofold_jax.handlers import seed
        >>> with seed(rng_seed=0):
        ...     prng_key().shape
        (2,)
    """
    value = apply_stack(new_message("prng_key", None, lambda rng_key=None: rng_key))["value"] if is_handled() else None
    if value is None:
        raise RandomKeyError(
            "prng_key() was called, and no random key reached it",
            seen="no seed handler around it",
            expected="an enclosing seed handler",
            suggestion="wrap the model: handlers.seed(model, rng_seed=0)",
        )
    return value


def get_mask() -> Any:
    """The conjunction of the enclosing ``mask`` handlers: a bool, a boolean array, or None without any.

    A model may use it to skip costly computations whose density would not count.

    Example:
        >>> from twofold_jax.handlers import mask
        >>> with mask(mask=False):
        ...     get_mask()
        False
    """
    return apply_stack(new_message("get_mask", None, None))["value"] if is_handled() else None
