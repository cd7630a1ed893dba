"""What an estimator of the ELBO is, and the runs of guide and model that all of them need."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from ...errors import HandlerError, InferenceWarning
from ...handlers import replay, trace
from ...params import get_param_store
from ...traces import Trace
from ...validation import validation_enabled
from ...warning import warn
from ..matching import check_model_guide_match

__all__ = ["ELBO", "ELBOModule", "Estimate"]


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
            raise HandlerError(
                "num_particles of an ELBO",
                seen=num_particles,
                expected="an int of at least 1",
                suggestion="leave it out for one particle, and write Trace_ELBO() with the brackets",
            )
        self.num_particles, self.vectorize_particles = num_particles, vectorize_particles
        self.max_plate_nesting = max_plate_nesting
        self._matched: set[tuple[str, ...]] = set()
        """Sites of the pairs of guide and model that were compared."""
        self._prepared: tuple[Any, Any, frozenset[str]] = (None, None, frozenset())
        """Model, guide and their params, once they have run without ``vmap``."""

    @abc.abstractmethod
    def _estimate(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        """The contribution of one particle."""

    def _traces(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Trace, Trace]:
        """A run of the guide, and one of the model with the guide's values; traces of model and guide."""
        guide_trace = trace(guide, graph_type="flat").get_trace(*args, **kwargs)
        replayed = replay(model, trace=guide_trace)
        replayed.check_names = False
        model_trace = trace(replayed, graph_type="flat").get_trace(*args, **kwargs)
        self._compare(model_trace, guide_trace)
        return model_trace, guide_trace

    def _compare(self, model_trace: Trace, guide_trace: Trace) -> None:
        """Check that guide and model match, once for each set of sites."""
        sites = (*model_trace, *guide_trace)
        if sites not in self._matched:
            check_model_guide_match(model_trace.nodes, guide_trace.nodes)
            self._matched.add(sites)

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

    def __call__(self, model: Callable[..., Any], guide: Callable[..., Any]) -> ELBOModule:
        """The loss as a ``torch.nn.Module``: see `ELBOModule`."""
        return ELBOModule(self, model, guide)

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
                warn(
                    f"the particles are run one by one, because the model cannot be vectorised: {_first_line(error)}",
                    InferenceWarning,
                )
        particles = [self._estimate(model, guide, args, kwargs) for _ in range(self.num_particles)]
        return Estimate(*(torch.stack(parts).mean() for parts in zip(*particles, strict=True)))

    def _vectorised(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        self._prepare(model, guide, args, kwargs)

        def particle(_: Tensor) -> Estimate:
            with validation_enabled(False):  # checks of values are branches, which vmap cannot take
                return self._estimate(model, guide, args, kwargs)

        elbo, surrogate = vmap(particle, randomness="different")(torch.zeros(self.num_particles))
        return Estimate(elbo.mean(), surrogate.mean())

    def _prepare(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Run model and guide once as they are: what is made but once, such as params, must not belong to ``vmap``."""
        store = get_param_store()
        former, former_guide, names = self._prepared
        if former is model and former_guide is guide and all(name in store for name in names):
            return
        with torch.no_grad(), trace(param_only=True) as params:
            self._estimate(model, guide, args, kwargs)
        self._prepared = (model, guide, frozenset(params.trace.nodes))


class ELBOModule(torch.nn.Module):
    """The loss of a guide and a model as a module, for torch's own optimisers and training loops.

    Called with the data it returns the differentiable loss.  Its parameters are those that model and guide used in
    their last run: call it once before they are given to an optimiser.

    Args:
        elbo: the estimator.
        model: function of statements.
        guide: function of statements.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> from twofold_torch.infer import Trace_ELBO
        >>> tf.clear_param_store()
        >>> def model():
        ...     tf.sample("z", dist.Normal(0.0, 1.0))
        >>> def guide():
        ...     tf.sample("z", dist.Normal(tf.param("loc", 0.5), 1.0))
        >>> loss_fn = Trace_ELBO()(model, guide)
        >>> loss = loss_fn()
        >>> optimizer = torch.optim.SGD(loss_fn.parameters(), lr=0.1)
        >>> loss.backward()
        >>> optimizer.step()
    """

    def __init__(self, elbo: ELBO, model: Callable[..., Any], guide: Callable[..., Any]) -> None:
        super().__init__()
        self.elbo, self.model, self.guide = elbo, model, guide
        self._leaves: dict[str, Tensor] = {}

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The differentiable loss."""
        with trace(param_only=True) as used:
            loss = self.elbo.differentiable_loss(self.model, self.guide, *args, **kwargs)
        store = get_param_store()
        self._leaves = {name: leaf for name, leaf in store.named_parameters() if name in used.trace}
        return loss

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """The unconstrained leaves in the store, and the parameters of model and guide if these are modules."""
        leaves = {id(leaf) for leaf in self._leaves.values()}
        yield from ((prefix + name, leaf) for name, leaf in self._leaves.items())
        for name, parameter in super().named_parameters(prefix, recurse, remove_duplicate):
            if id(parameter) not in leaves:
                yield name, parameter


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
