"""SVI: parameters of model and guide, moved by an optimiser against the gradient of a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from twofold_jax.distributions.transforms import Transform, biject_to
from twofold_jax.errors import HandlerError, InferenceError, InferenceWarning, NonFiniteError, SiteTypeError
from twofold_jax.handlers.names import report_unused_names
from twofold_jax.infer.arguments import Explained, ModelArguments, evaluate
from twofold_jax.infer.elbo import ELBO, Trace_ELBO
from twofold_jax.infer.elbo.base import trace_guide, trace_model
from twofold_jax.infer.matching import check_model_guide_match
from twofold_jax.infer.mcmc.progress import ProgressBar
from twofold_jax.infer.placing import Subsamples
from twofold_jax.messages import Message, site_log_density
from twofold_jax.ops.arrays import check_keys
from twofold_jax.ops.tracing import TracedFunction
from twofold_jax.optim import as_optimizer
from twofold_jax.params import check_init_value
from twofold_jax.validation import validation_enabled
from twofold_jax.warning import warn

__all__ = ["SVI", "SVIRunResult", "SVIState"]

_CHUNK = 100
"""Steps of one call of the compiled program: between two calls the progress bar moves and Ctrl-C is heard."""


class SVIState(NamedTuple):
    """All that changes from step to step."""

    optim_state: Any
    """Of the optimiser, with the unconstrained parameters in it."""
    mutable_state: dict[str, Any]
    """Values of ``mutable`` sites."""
    rng_key: Array


class SVIRunResult(NamedTuple):
    """What `SVI.run` returns."""

    params: dict[str, Any]
    """Constrained values."""
    state: SVIState
    losses: Array
    """One a step, each before its step."""


class SVI:
    """Stochastic variational inference: fit a guide to the posterior of a model.

    Args:
        model: function of statements.
        guide: function of statements, with a site for each latent site of the model.
        optim: any optax transformation, or an optimiser of ``twofold_jax.optim``.
        loss: the estimator.  Default ``Trace_ELBO()``.
        **static_kwargs: further keyword arguments of model and guide, fixed for good.

    Raises:
        SiteTypeError: ``optim`` is no optimiser.

    Source: Hoffman, Blei, Wang and Paisley (2013), JMLR 14; Kucukelbir et al. (2017), JMLR 18.

    Example:
        >>> import optax, twofold_jax as tf, twofold_jax.distributions as dist
        >>> from twofold_jax.infer.autoguide import AutoNormal
        >>> def model(y):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     tf.sample("y", dist.Normal(mu, 1.0), obs=y)
        >>> svi = SVI(model, AutoNormal(model), optax.adam(0.05), Trace_ELBO(num_particles=5))
        >>> result = svi.run(jax.random.key(0), 500, jnp.array(2.0), progress_bar=False)
        >>> 0.8 < float(result.params["mu_auto_loc"]) < 1.2  # the posterior mean is 1
        True
    """

    def __init__(
        self,
        model: Callable[..., Any],
        guide: Callable[..., Any],
        optim: Any,
        loss: ELBO | None = None,
        **static_kwargs: Any,
    ) -> None:
        if not (loss is None or isinstance(loss, ELBO)):
            raise HandlerError(
                "SVI needs a loss",
                seen=f"the class {loss.__name__}"
                if isinstance(loss, type)
                else f"{loss!r} of type {type(loss).__name__}",
                expected="an estimator of the ELBO",
                suggestion="write Trace_ELBO(), with the brackets",
            )
        self.model, self.guide, self.static_kwargs = model, guide, static_kwargs
        self.optim, self.loss = as_optimizer(optim), Trace_ELBO() if loss is None else loss
        self._transforms: dict[str, Transform] | None = None

    # Pure steps

    def init(self, rng_key: Array, *args: Any, init_params: Mapping[str, Any] | None = None, **kwargs: Any) -> SVIState:
        """Run guide and model once, check that they match, and take the params' initial values.

        Args:
            rng_key: random key of the whole fit.
            *args: data of model and guide.
            init_params: initial values in constrained space, by name.  Default: those of the statements.
            **kwargs: data of model and guide.

        Raises:
            InferenceError: guide and model do not match.
            SupportError, NonFiniteError: an initial value violates its constraint, or holds NaN.
        """
        check_keys(rng_key)
        arguments = ModelArguments(args, {**self.static_kwargs, **kwargs})
        constraints = self._survey(arguments)
        report_unused_names("init_params", init_params or {}, constraints)
        self._transforms = {name: biject_to(constraint) for name, constraint in constraints.items()}
        state_key, start_key = jax.random.split(rng_key)

        def start(key: Array, args: Any, kwargs: Any) -> tuple[dict[str, Any], ...]:
            guide_trace, model_trace = self._traces(key, dict(init_params or {}), args, kwargs)
            sites = {**model_trace, **guide_trace}
            params = _values(sites, "param")
            return params, _transformed(inverses, params), _values(sites, "mutable")

        inverses = {name: transform.inv for name, transform in self._transforms.items()}
        program = arguments.traced(start, start_key)
        params, unconstrained, mutable_state = evaluate(program, start_key, arguments.arrays)
        for name, constraint in constraints.items():
            for leaf in jax.tree.leaves(params[name]):
                _check_differentiable(name, leaf)
                check_init_value(name, leaf, constraint)
            _check_finite(name, params[name], unconstrained[name])
        return SVIState(self.optim.init(unconstrained), mutable_state, state_key)

    def update(
        self, svi_state: SVIState, *args: Any, forward_mode_differentiation: bool = False, **kwargs: Any
    ) -> tuple[SVIState, Array]:
        """Take one step: the next state, and the loss before it.  Pure; ``jax.jit`` it for speed.

        Args:
            svi_state: of `init` or of the step before.
            *args: data of model and guide.
            forward_mode_differentiation: for models with ``lax.while_loop``.
            **kwargs: data of model and guide.
        """
        step = self.optim.eval_and_update
        return self._step(step, svi_state, args, kwargs, forward_mode_differentiation)

    def stable_update(
        self, svi_state: SVIState, *args: Any, forward_mode_differentiation: bool = False, **kwargs: Any
    ) -> tuple[SVIState, Array]:
        """`update`, but a step whose loss or gradient is not finite leaves the parameters as they are."""
        step = self.optim.eval_and_stable_update
        return self._step(step, svi_state, args, kwargs, forward_mode_differentiation)

    def evaluate(self, svi_state: SVIState, *args: Any, **kwargs: Any) -> Array:
        """The loss at a state, as the next step would see it."""
        _, step_key = jax.random.split(svi_state.rng_key)
        return self._loss(step_key, svi_state, self.optim.get_params(svi_state.optim_state), args, kwargs)[0]

    def get_params(self, svi_state: SVIState) -> dict[str, Any]:
        """Constrained values of all params at a state.

        Raises:
            InferenceError: neither `init` nor `run` was called on this object.
        """
        constrained: dict[str, Any] = jax.jit(_transformed)(
            self._known_transforms(), self.optim.get_params(svi_state.optim_state)
        )
        return constrained

    # The whole fit

    def run(
        self,
        rng_key: Array,
        num_steps: int,
        *args: Any,
        progress_bar: bool = True,
        stable_update: bool = False,
        forward_mode_differentiation: bool = False,
        init_state: SVIState | None = None,
        init_params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> SVIRunResult:
        """Take ``num_steps`` steps in one compiled program, which a later run of the same shapes uses again.

        Args:
            rng_key: random key of the fit.
            num_steps: positive.
            *args: data of model and guide.
            progress_bar: show progress.
            stable_update: leave out steps whose loss or gradient is not finite.
            forward_mode_differentiation: for models with ``lax.while_loop``.
            init_state: go on from here; then ``rng_key`` and ``init_params`` have no effect.
            init_params: initial values in constrained space, by name.
            **kwargs: data of model and guide.

        Raises:
            NonFiniteError: the parameters ceased to be finite; it names step and sites.
        """
        if isinstance(num_steps, bool) or not isinstance(num_steps, int | np.integer) or num_steps < 1:
            raise HandlerError(
                "num_steps of SVI.run",
                seen=repr(num_steps),
                expected="a positive int",
                suggestion="write svi.run(rng_key, 1000, *data)",
            )
        if init_state is None or self._transforms is None:
            fresh = self.init(rng_key, *args, init_params=init_params, **kwargs)
        state = fresh if init_state is None else init_state
        arguments = ModelArguments(args, {**self.static_kwargs, **kwargs})
        update = self.stable_update if stable_update else self.update

        def step(state: SVIState, args: Any, kwargs: Any) -> tuple[SVIState, Array]:
            return update(state, *args, forward_mode_differentiation=forward_mode_differentiation, **kwargs)

        program = arguments.traced(step, state)
        losses: list[np.ndarray] = []
        with ProgressBar(progress_bar, num_steps) as progress:
            try:
                for first in range(0, num_steps, _CHUNK):
                    is_active = np.arange(first, first + _CHUNK) < num_steps
                    after, chunk = _advance(program, state, is_active, arguments.arrays)
                    recent = np.asarray(chunk)[is_active]
                    if not np.isfinite(recent).all() and not stable_update:
                        self._explain(program, state, after, recent, first, arguments)
                    state = after
                    losses.append(recent)
                    if progress.is_shown:
                        figures = f"first loss {losses[0][0]:.4g}, mean of the last {len(recent)}: {recent.mean():.4g}"
                        progress.advance(len(recent), "SVI", figures)
            except KeyboardInterrupt:
                if not losses:
                    raise
                num_steps = sum(map(len, losses))
                warn(f"interrupted after {num_steps} steps; the fit up to there is returned", InferenceWarning)
        joined = np.concatenate(losses)
        bad = int((~np.isfinite(joined)).sum())
        if bad:
            warn(
                f"the loss was not finite at {bad} of {num_steps} steps, first at step "
                f"{int(np.argmin(np.isfinite(joined)))}; the parameters still are",
                InferenceWarning,
            )
        return SVIRunResult(self.get_params(state), state, jnp.asarray(joined))

    # Parts

    def _traces(
        self, rng_key: Array, params: Mapping[str, Any], args: Any, kwargs: Any
    ) -> tuple[dict[str, Message], dict[str, Message]]:
        guide_key, model_key = jax.random.split(rng_key)
        guide_trace = trace_guide(self.guide, guide_key, params, args, kwargs)
        shared = {**params, **_values(guide_trace, "param")}
        return guide_trace, trace_model(self.model, model_key, shared, guide_trace, args, kwargs)

    def _survey(self, arguments: ModelArguments) -> dict[str, Any]:
        """Run guide and model abstractly on the actual data; the constraint of each param."""
        constraints: dict[str, Any] = {}

        def run() -> None:
            with Explained(), Subsamples({}):
                guide_trace, model_trace = self._traces(jax.random.key(0), {}, arguments.args, arguments.kwargs)
            check_model_guide_match(model_trace, guide_trace)
            for name, site in {**model_trace, **guide_trace}.items():
                if site["type"] == "param" and site["value"] is not None:
                    constraints[name] = site["kwargs"]["constraint"]
                    _check_constraint(name, constraints[name])

        jax.eval_shape(run)
        return constraints

    def _known_transforms(self) -> dict[str, Transform]:
        if self._transforms is None:
            raise InferenceError(
                "this SVI has not seen its model yet, and does not know the constraints of its params",
                suggestion="call init(rng_key, ...) or run(rng_key, num_steps, ...) first",
                seen="neither init nor run",
                expected="a state of this SVI",
            )
        return self._transforms

    def _loss(
        self, rng_key: Array, state: SVIState, unconstrained: Any, args: Any, kwargs: Any
    ) -> tuple[Array, dict[str, Any]]:
        params = _transformed(self._known_transforms(), unconstrained)
        given = {**params, **jax.tree.map(lambda leaf: leaf, state.mutable_state)}
        settings = {**self.static_kwargs, **kwargs}
        result = self.loss.loss_with_mutable_state(rng_key, given, self.model, self.guide, *args, **settings)
        return result["loss"], result["mutable_state"]

    def _step(self, step: Any, state: SVIState, args: Any, kwargs: Any, is_forward: bool) -> tuple[SVIState, Array]:
        rng_key, step_key = jax.random.split(state.rng_key)

        def loss(unconstrained: Any) -> tuple[Array, dict[str, Any]]:
            return self._loss(step_key, state, unconstrained, args, kwargs)

        settings = {"forward_mode_differentiation": True} if is_forward else {}
        (value, mutable_state), optim_state = step(loss, state.optim_state, **settings)
        return SVIState(optim_state, mutable_state, rng_key), value

    def _explain(
        self,
        program: TracedFunction,
        before: SVIState,
        after: SVIState,
        losses: np.ndarray,
        first: int,
        arguments: ModelArguments,
    ) -> None:
        """Raise if the parameters are no longer finite: which sites were at fault, at the first bad step."""
        if _all_finite(self.optim.get_params(after.optim_state)):
            return
        offset = int(np.argmin(np.isfinite(losses)))
        state, _ = _advance(program, before, np.arange(_CHUNK) < offset, arguments.arrays)
        params = self.get_params(state)
        lines = [f"param {name!r} is {value}" for name, value in params.items() if not _all_finite(value)]
        _, step_key = jax.random.split(state.rng_key)
        with validation_enabled(False):
            for key in self.loss.particle_keys(step_key):
                traces = self._traces(key, {**params, **state.mutable_state}, arguments.args, arguments.kwargs)
                lines += [
                    line for who, sites in zip(("guide", "model"), traces, strict=True) for line in _bad(who, sites)
                ]
                if lines:
                    break
        raise NonFiniteError(
            f"the loss of SVI is {losses[offset]} at step {first + offset}, and the parameters are lost",
            seen="; ".join(lines) or "a gradient that is not finite",
            suggestion="a smaller step size, stable_update=True, optim.ClippedAdam, other initial values; look for "
            "NaN in the data and for values outside a support",
            expected="finite losses",
        )


@partial(jax.jit, static_argnums=0)
def _advance(program: TracedFunction, state: SVIState, is_active: Array, arrays: list[Array]) -> tuple[SVIState, Array]:
    """One step for each entry of ``is_active``, and none where it is False."""

    def row(state: SVIState, now: Array) -> tuple[SVIState, Array]:
        shape = jax.eval_shape(program, state, arrays)[1]
        idle = jnp.zeros(shape.shape, shape.dtype)
        stepped: tuple[SVIState, Array] = lax.cond(now, lambda: program(state, arrays), lambda: (state, idle))
        return stepped

    done: tuple[SVIState, Array] = lax.scan(row, state, is_active)
    return done


def _transformed(transforms: Mapping[str, Transform], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of params by name, each mapped by its transform, leaf by leaf."""
    return {name: jax.tree.map(transforms[name], value) for name, value in values.items()}


def _values(sites: Mapping[str, Message], kind: str) -> dict[str, Any]:
    return {n: site["value"] for n, site in sites.items() if site["type"] == kind and site["value"] is not None}


def _bad(who: str, sites: Mapping[str, Message]) -> Iterator[str]:
    """The sites whose log density is not finite, in words."""
    for name, site in sites.items():
        density = np.asarray(site_log_density(site)).sum() if site["type"] == "sample" else 0.0
        if not np.isfinite(density):
            yield f"log density of site {name!r} of the {who} is {density}"


def _all_finite(tree: Any) -> bool:
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(tree))


def _check_differentiable(name: str, value: Any) -> None:
    if not jnp.issubdtype(jnp.result_type(value), jnp.inexact):
        raise SiteTypeError(
            f"param {name!r} needs a floating dtype, gradients do not reach others",
            seen=str(jnp.result_type(value)),
            expected="a floating dtype, such as float32",
            suggestion="write 1.0 for 1, or convert it with numpy.asarray(..., float)",
        )


def _check_constraint(name: str, constraint: Any) -> None:
    if not getattr(constraint, "is_concrete", True):
        raise InferenceError(
            f"the constraint of param {name!r} is computed while the model is traced",
            seen=repr(constraint),
            expected="bounds that are known numbers",
            suggestion="compute the bounds with numpy, outside of the model",
        )


def _check_finite(name: str, value: Any, unconstrained: Any) -> None:
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(unconstrained)):
        return
    if not _all_finite(unconstrained):
        raise NonFiniteError(
            f"the initial value of param {name!r} is not finite in unconstrained space",
            seen=f"{value}, there {unconstrained}",
            suggestion="begin inside of the constraint, not on its edge",
            expected="a value in the interior of the constraint",
        )
