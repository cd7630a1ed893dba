"""Optimisers as pure functions of a state: optax's transformations, and the familiar names for some of them.

Any ``optax.GradientTransformation`` can be given to ``SVI`` as it is.  The classes here are those transformations under
the names that programs of the lineage use; optax is imported when the first of them is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from twofold_jax.errors import SiteTypeError

__all__ = [
    "SGD",
    "SM3",
    "Adagrad",
    "Adam",
    "ClippedAdam",
    "Momentum",
    "Optimizer",
    "RMSProp",
    "RMSPropMomentum",
    "as_optimizer",
    "optax_to_twofold",
]

Schedule = float | Callable[[Any], Any]
"""A step size, or a function from the number of the step to it."""
OptimState = tuple[Array, tuple[Any, Any]]
"""Number of steps taken, and the parameters with the transformation's own state."""


class Optimizer:
    """An optimiser: ``init``, ``update`` and ``get_params`` on an explicit state.

    Args:
        transformation: a pair of functions ``init(params)`` and ``update(gradients, state, params)``, as optax makes.

    Raises:
        SiteTypeError: ``transformation`` is no such pair.

    Example:
        >>> import optax
        >>> optimizer = Optimizer(optax.sgd(0.1))
        >>> state = optimizer.init({"x": jnp.array(1.0)})
        >>> state = optimizer.update({"x": jnp.array(2.0)}, state)
        >>> round(float(optimizer.get_params(state)["x"]), 3)
        0.8
    """

    def __init__(self, transformation: Any) -> None:
        if not callable(getattr(transformation, "init", None)) or not callable(getattr(transformation, "update", None)):
            raise SiteTypeError(
                "an optimiser was expected",
                seen=f"{transformation!r} of type {type(transformation).__name__}",
                expected="an optax transformation, or one of twofold_jax.optim",
                suggestion="write optax.adam(0.01), or optim.Adam(0.01)",
            )
        self.transformation = transformation
        self._takes_value = _takes_extra_arguments(transformation)

    def init(self, params: Any) -> OptimState:
        """The state before the first step.

        Args:
            params: pytree of unconstrained arrays.
        """
        params = jax.tree.map(jnp.asarray, params)
        return jnp.zeros((), jnp.int32), (params, self.transformation.init(params))

    def update(self, gradients: Any, state: OptimState, value: Any = None) -> OptimState:
        """The state after a step against ``gradients``; ``value`` is the loss, for transformations that look at it."""
        step, (params, inner) = state
        extra = {"value": value} if self._takes_value and value is not None else {}
        updates, inner = self.transformation.update(gradients, inner, params, **extra)
        params = jax.tree.map(lambda param, change: jnp.asarray(param + change, param.dtype), params, updates)
        return step + 1, (params, inner)

    def get_params(self, state: OptimState) -> Any:
        """The parameters in a state."""
        return state[1][0]

    def eval_and_update(
        self, fn: Callable[[Any], tuple[Any, Any]], state: OptimState, forward_mode_differentiation: bool = False
    ) -> tuple[tuple[Array, Any], OptimState]:
        """Evaluate ``fn(params) -> (loss, anything)``, and take a step against its gradient.

        Returns:
            ``(loss, anything)``, and the next state.
        """
        value, gradients = _value_and_gradients(fn, self.get_params(state), forward_mode_differentiation)
        return value, self.update(gradients, state, value=value[0])

    def eval_and_stable_update(
        self, fn: Callable[[Any], tuple[Any, Any]], state: OptimState, forward_mode_differentiation: bool = False
    ) -> tuple[tuple[Array, Any], OptimState]:
        """`eval_and_update`, but a step whose loss or gradients are not finite is not taken."""
        value, gradients = _value_and_gradients(fn, self.get_params(state), forward_mode_differentiation)
        is_finite = jnp.isfinite(value[0]) & jnp.isfinite(ravel_pytree(gradients)[0]).all()
        new_state = lax.cond(is_finite, lambda: self.update(gradients, state, value=value[0]), lambda: state)
        return value, new_state


def _value_and_gradients(fn: Callable[[Any], tuple[Any, Any]], params: Any, is_forward: bool) -> tuple[Any, Any]:
    if not is_forward:
        return jax.value_and_grad(fn, has_aux=True)(params)

    def twice(point: Any) -> tuple[Any, Any]:
        value = fn(point)
        return value[0], value

    gradients, value = jax.jacfwd(twice, has_aux=True)(params)
    return value, gradients


def _takes_extra_arguments(transformation: Any) -> bool:
    import optax

    answer: bool = isinstance(transformation, optax.GradientTransformationExtraArgs)
    return answer


def optax_to_twofold(transformation: Any) -> Optimizer:
    """An optax transformation as an `Optimizer`."""
    return Optimizer(transformation)


def as_optimizer(optim: Any) -> Optimizer:
    """``optim`` itself if it is an `Optimizer` (or behaves like one), else the optimiser of an optax transformation."""
    has_interface = all(hasattr(optim, name) for name in ("init", "update", "get_params", "eval_and_update"))
    return optim if has_interface else Optimizer(optim)


class Adam(Optimizer):
    """Adam: steps scaled by running means of gradients and their squares.

    Args:
        step_size: positive, or a schedule.
        b1: decay of the mean.
        b2: decay of the mean square.
        eps: added to the root of the mean square.

    Source: Kingma and Ba (2015), arXiv:1412.6980.

    Example:
        >>> optimizer = Adam(0.01)
    """

    def __init__(self, step_size: Schedule, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> None:
        import optax

        super().__init__(optax.adam(step_size, b1=b1, b2=b2, eps=eps))


class ClippedAdam(Optimizer):
    """Adam on gradients of which each entry is first clipped to ``[-clip_norm, clip_norm]``.

    To clip the norm of all gradients together give ``SVI`` the transformation
    ``optax.chain(optax.clip_by_global_norm(10.0), optax.adam(0.01))``.

    Args:
        step_size: positive, or a schedule.
        b1: decay of the mean.
        b2: decay of the mean square.
        eps: added to the root of the mean square.
        clip_norm: largest magnitude of an entry.
    """

    def __init__(
        self, step_size: Schedule, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, clip_norm: float = 10.0
    ) -> None:
        import optax

        super().__init__(optax.chain(optax.clip(clip_norm), optax.adam(step_size, b1=b1, b2=b2, eps=eps)))


class SGD(Optimizer):
    """Gradient descent.

    Args:
        step_size: positive, or a schedule.
    """

    def __init__(self, step_size: Schedule) -> None:
        import optax

        super().__init__(optax.sgd(step_size))


class Momentum(Optimizer):
    """Gradient descent with momentum: ``v <- mass * v + gradient``, ``x <- x - step_size * v``.

    Args:
        step_size: positive, or a schedule.
        mass: in [0, 1).
    """

    def __init__(self, step_size: Schedule, mass: float) -> None:
        import optax

        super().__init__(optax.sgd(step_size, momentum=mass))


class RMSProp(Optimizer):
    """Steps scaled by a running mean of squared gradients.

    Args:
        step_size: positive, or a schedule.
        gamma: decay of the mean.
        eps: added to the mean square, within the root.
    """

    def __init__(self, step_size: Schedule, gamma: float = 0.9, eps: float = 1e-8) -> None:
        import optax

        super().__init__(optax.rmsprop(step_size, decay=gamma, eps=eps))


class RMSPropMomentum(Optimizer):
    """`RMSProp` with momentum on the scaled gradients.

    Args:
        step_size: positive, or a schedule.
        gamma: decay of the mean.
        eps: added to the mean square, within the root.
        momentum: in [0, 1).
    """

    def __init__(self, step_size: Schedule, gamma: float = 0.9, eps: float = 1e-8, momentum: float = 0.9) -> None:
        import optax

        super().__init__(optax.rmsprop(step_size, decay=gamma, eps=eps, momentum=momentum))


class Adagrad(Optimizer):
    """Steps scaled by the sum of all squared gradients, with momentum.

    Args:
        step_size: positive, or a schedule.
        momentum: in [0, 1).

    Source: Duchi, Hazan and Singer (2011), JMLR 12.
    """

    def __init__(self, step_size: Schedule, momentum: float = 0.9) -> None:
        import optax

        scaled = optax.scale_by_rss(initial_accumulator_value=0.0, eps=0.0)
        descent = optax.scale_by_learning_rate(step_size)
        super().__init__(optax.chain(scaled, optax.ema(momentum, debias=False), descent))


class SM3(Optimizer):
    """Adagrad with one accumulator for each row of each dim, for large parameters.

    Args:
        step_size: positive.
        momentum: in [0, 1).

    Source: Anil, Gupta, Koren and Singer (2019), arXiv:1901.11150.
    """

    def __init__(self, step_size: float, momentum: float = 0.9) -> None:
        import optax

        inner = optax.sm3(step_size, momentum)

        def update(gradients: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
            updates, state = inner.update(jax.tree.map(jnp.atleast_1d, gradients), state)
            return jax.tree.map(lambda change, like: jnp.reshape(change, jnp.shape(like)), updates, gradients), state

        # optax keeps one accumulator a dim, and has none for a number without dims
        vectors = optax.GradientTransformation(lambda params: inner.init(jax.tree.map(jnp.atleast_1d, params)), update)
        super().__init__(vectors)
