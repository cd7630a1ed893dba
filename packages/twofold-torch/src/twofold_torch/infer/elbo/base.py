"""What an estimator of the ELBO is, and the runs of guide and model that all of them need."""

from __future__ import annotations

import abc
import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from ...errors import HandlerError, InferenceWarning
from ...handlers import replay, trace
from ...traces import Trace
from ...validation import is_validation_enabled, validation_enabled

__all__ = ["ELBO", "Estimate", "run_guide_and_model"]


class Estimate(NamedTuple):
    """What one particle contributes."""

    elbo: Tensor
    """Unbiased estimate of the ELBO, a scalar."""
    surrogate: Tensor
    """Scalar whose gradient is an unbiased estimate of the ELBO's; its value means nothing."""


class ELBO(abc.ABC):
    """Base of the estimators of the evidence lower bound ``E_q[log p(x, z) - log q(z)]``; the loss is minus that.

    Args:
        num_particles: draws of the guide to average over.
        max_plate_nesting: accepted for programs that give it; found by running the model.
        vectorize_particles: run all particles at once under ``vmap``; a model that cannot be (it branches on values) is
            run once for each particle.

    Raises:
        HandlerError: settings that cannot be used.
    """

    def __init__(
        self, num_particles: int = 1, max_plate_nesting: float = math.inf, vectorize_particles: bool = False
    ) -> None:
        if not isinstance(num_particles, int) or num_particles < 1:
            raise HandlerError("num_particles of an ELBO", seen=num_particles, expected="an int of at least 1")
        self.num_particles, self.vectorize_particles = num_particles, vectorize_particles
        self.max_plate_nesting = max_plate_nesting

    @abc.abstractmethod
    def _estimate(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        """The contribution of one particle."""

    def loss(self, model: Callable[..., Any], guide: Callable[..., Any], *args: Any, **kwargs: Any) -> float:
        """An estimate of minus the ELBO."""
        with torch.no_grad():
            return -float(self._average(model, guide, args, kwargs).elbo)

    def differentiable_loss(
        self, model: Callable[..., Any], guide: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Tensor:
        """An estimate of minus the ELBO as a scalar tensor, whose gradient is an estimate of the gradient."""
        elbo, surrogate = self._average(model, guide, args, kwargs)
        return -(elbo.detach() + surrogate - surrogate.detach())

    def loss_and_grads(self, model: Callable[..., Any], guide: Callable[..., Any], *args: Any, **kwargs: Any) -> float:
        """An estimate of minus the ELBO; its gradients are added to those of the parameters."""
        loss = self.differentiable_loss(model, guide, *args, **kwargs)
        if loss.requires_grad:
            loss.backward()
        return float(loss.detach())

    def _average(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        if self.num_particles == 1:
            return self._estimate(model, guide, args, kwargs)
        if self.vectorize_particles:
            try:
                return self._vectorised(model, guide, args, kwargs)
            except (RuntimeError, NotImplementedError) as error:
                self.vectorize_particles = False
                warnings.warn(
                    f"the particles are run one by one, because the model cannot be vectorised: {error}",
                    InferenceWarning,
                    stacklevel=4,
                )
        particles = [self._estimate(model, guide, args, kwargs) for _ in range(self.num_particles)]
        return Estimate(*(torch.stack(parts).mean() for parts in zip(*particles, strict=True)))

    def _vectorised(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        def particle(_: Tensor) -> Estimate:
            with validation_enabled(False):  # checks of values are branches, which vmap cannot take
                return self._estimate(model, guide, args, kwargs)

        elbo, surrogate = vmap(particle, randomness="different")(torch.zeros(self.num_particles))
        return Estimate(elbo.mean(), surrogate.mean())


def run_guide_and_model(
    model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Trace, Trace]:
    """A run of the guide, and one of the model with the guide's values; traces of guide and model."""
    guide_trace = trace(guide, graph_type="flat").get_trace(*args, **kwargs)
    model_trace = trace(replay(model, trace=guide_trace), graph_type="flat").get_trace(*args, **kwargs)
    if is_validation_enabled():
        _compare(guide_trace, model_trace)
    return guide_trace, model_trace


def _compare(guide_trace: Trace, model_trace: Trace) -> None:
    """Warn of latent sites that only one of the two has."""
    guide_sites = {
        name for name in guide_trace.stochastic_nodes if not guide_trace.nodes[name]["infer"].get("is_auxiliary")
    }
    model_sites = set(model_trace.stochastic_nodes)
    for missing, here, there in (
        (model_sites - set(guide_trace.nodes), "model", "guide"),
        (guide_sites - set(model_trace.nodes), "guide", "model"),
    ):
        if missing:
            warnings.warn(
                f"latent sites of the {here} that the {there} does not have: {', '.join(sorted(missing))}; the ELBO is "
                f"that of {here if here == 'guide' else 'prior draws'} there. Give the {there} these sites, under the "
                "same names",
                InferenceWarning,
                stacklevel=5,
            )
