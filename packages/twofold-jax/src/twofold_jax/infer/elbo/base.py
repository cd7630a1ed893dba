"""What an ELBO is: a loss of parameters, and the mean of it over particles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from twofold_jax.errors import HandlerError, InferenceError
from twofold_jax.handlers import replay, seed, substitute, trace
from twofold_jax.messages import Trace

__all__ = ["ELBO", "trace_guide", "trace_model"]


@dataclass(frozen=True)
class ELBO(ABC):
    """Base of the estimators of the evidence lower bound; they keep no state.

    A subclass defines `particle`, the estimate from one run of guide and model.

    Args:
        num_particles: runs that are averaged.
        vectorize_particles: run them together by ``vmap``, or one after the other.

    Raises:
        HandlerError: ``num_particles`` is no positive int.
    """

    num_particles: int = 1
    vectorize_particles: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.num_particles, int) or self.num_particles < 1:
            raise HandlerError(
                f"num_particles of {type(self).__name__}",
                seen=self.num_particles,
                expected="a positive int",
                suggestion="leave it out for one particle",
            )

    @abstractmethod
    def particle(
        self,
        rng_key: Array,
        param_map: Mapping[str, Any],
        model: Callable[..., Any],
        guide: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> tuple[Array, dict[str, Any]]:
        """Minus the estimate from one run, and the mutable state after it."""

    def loss(
        self,
        rng_key: Array,
        param_map: Mapping[str, Any],
        model: Callable[..., Any],
        guide: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Array:
        """Minus the ELBO; pure, and differentiable with respect to ``param_map``.

        Args:
            rng_key: random key of this estimate.
            param_map: constrained values of the params of model and guide, by name.
            model: function of statements.
            guide: function of statements, for the latent sites of the model.
            *args: data of both.
            **kwargs: likewise.

        Returns:
            A scalar.
        """
        loss: Array = self.loss_with_mutable_state(rng_key, param_map, model, guide, *args, **kwargs)["loss"]
        return loss

    def loss_with_mutable_state(
        self,
        rng_key: Array,
        param_map: Mapping[str, Any],
        model: Callable[..., Any],
        guide: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """`loss`, together with the values of ``mutable`` sites after the run: keys ``loss`` and ``mutable_state``."""
        if self.num_particles == 1:
            loss, mutable_state = self.particle(rng_key, param_map, model, guide, args, kwargs)
            return {"loss": loss, "mutable_state": mutable_state}

        def run(key: Array) -> Array:
            loss, mutable_state = self.particle(key, param_map, model, guide, args, kwargs)
            if mutable_state:
                raise InferenceError(
                    f"mutable site {next(iter(mutable_state))!r} cannot follow several particles at once",
                    seen=f"num_particles={self.num_particles}",
                    expected="num_particles=1 for models with mutable state",
                )
            return loss

        keys = self.particle_keys(rng_key)
        losses = jax.vmap(run)(keys) if self.vectorize_particles else jax.lax.map(run, keys)
        return {"loss": jnp.mean(losses), "mutable_state": {}}

    def particle_keys(self, rng_key: Array) -> Array:
        """The keys of the particles, one a row."""
        return rng_key[None] if self.num_particles == 1 else jax.random.split(rng_key, self.num_particles)


def trace_guide(
    guide: Callable[..., Any], rng_key: Array, params: Mapping[str, Any], args: Any, kwargs: Mapping[str, Any]
) -> Trace:
    """Run a guide with given values of params and mutable sites; a site that is not differentiable is detached."""
    given = substitute(seed(guide, rng_seed=rng_key), data=params)
    given.check_names = False
    return trace(given).get_trace(*args, **kwargs)


def trace_model(
    model: Callable[..., Any],
    rng_key: Array,
    params: Mapping[str, Any],
    guide_trace: Trace,
    args: Any,
    kwargs: Mapping[str, Any],
) -> Trace:
    """Run a model with the latents and plates of a guide."""
    given = substitute(replay(seed(model, rng_seed=rng_key), trace=guide_trace), data=params)
    given.check_names = given.fn.check_names = False  # type: ignore[union-attr]
    return trace(given).get_trace(*args, **kwargs)
