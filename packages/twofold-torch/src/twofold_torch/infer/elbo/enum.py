"""TraceEnum_ELBO: enumerated sites are summed out exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ...errors import HandlerError
from ...handlers import block, enum, replay, trace
from ...traces import Trace
from ...validation import validation_enabled
from ..discrete.terms import Terms, frames_of, is_enumerated, sample_sites
from .base import ELBO, Estimate

__all__ = ["TraceEnum_ELBO"]


class TraceEnum_ELBO(ELBO):
    """The ELBO with discrete sites summed out: those with ``infer={"enumerate": "parallel"}``.

    An enumerated site of the model that the guide does not have is summed out in the likelihood,
    ``log sum_z p(x, z)``; one of the guide in the expectation, ``sum_z q(z) (...)``.  Sites of the guide that are
    neither enumerated nor reparameterised get score-function gradients, as in `Trace_ELBO`.  `config_enumerate` marks
    all sites of a model or guide at once.

    All batch dims must be plates, and no continuous site may depend on an enumerated one in a way that it is drawn
    from its values.

    Args:
        num_particles: draws of the guide to average over.
        max_plate_nesting: number of batch dims right of the enumeration dims; found by running the model if not given.
        vectorize_particles: run all particles at once under ``vmap``.
        strict_enumeration_warning: accepted for programs that give it.

    Source: Obermeyer et al. (2019), Tensor variable elimination for plated factor graphs, ICML.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> from twofold_torch.infer import config_enumerate
        >>> @config_enumerate
        ... def model():
        ...     z = tf.sample("z", dist.Bernoulli(0.3))
        ...     tf.sample("x", dist.Normal(3.0 * z, 1.0), obs=torch.tensor(0.0))
        >>> round(TraceEnum_ELBO().loss(model, lambda: None), 4)  # minus the log of 0.7 N(0|0,1) + 0.3 N(0|3,1)
        1.2709
    """

    def __init__(
        self,
        num_particles: int = 1,
        max_plate_nesting: float = math.inf,
        vectorize_particles: bool = False,
        strict_enumeration_warning: bool = True,
    ) -> None:
        super().__init__(num_particles, max_plate_nesting, vectorize_particles)
        if not (max_plate_nesting == math.inf or (isinstance(max_plate_nesting, int) and max_plate_nesting >= 0)):
            raise HandlerError("max_plate_nesting of TraceEnum_ELBO", seen=max_plate_nesting, expected="0, 1, 2, ...")
        self._nesting: tuple[Any, Any, int] | None = None

    def _traces(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Trace, Trace]:
        first = -1 - self._plate_nesting(model, guide, args, kwargs)
        guide_trace = trace(enum(guide, first_available_dim=first)).get_trace(*args, **kwargs)
        taken = [site["infer"]["_enumerate_dim"] for _, site in sample_sites(guide_trace) if is_enumerated(site)]
        replayed = replay(model, trace=guide_trace)
        replayed.check_names = False
        left = min([first, *(dim - 1 for dim in taken)])
        model_trace = trace(enum(replayed, first_available_dim=left)).get_trace(*args, **kwargs)
        self._compare(model_trace, guide_trace)
        return model_trace, guide_trace

    def _plate_nesting(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> int:
        """How many batch dims the plates need: as told, or as one run without enumeration shows."""
        if self.max_plate_nesting != math.inf:
            return int(self.max_plate_nesting)
        if self._nesting is None or self._nesting[0] is not model or self._nesting[1] is not guide:
            with block(), torch.no_grad(), validation_enabled(False):
                guide_trace = trace(guide).get_trace(*args, **kwargs)
                replayed = replay(model, trace=guide_trace)
                replayed.check_names = False
                model_trace = trace(replayed).get_trace(*args, **kwargs)
            frames = [f for run in (guide_trace, model_trace) for _, site in sample_sites(run) for f in frames_of(site)]
            self._nesting = (model, guide, max((-f.dim for f in frames), default=0))
        return self._nesting[2]

    def _estimate(
        self, model: Callable[..., Any], guide: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Estimate:
        terms = Terms(*self._traces(model, guide, args, kwargs))
        elbo = torch.zeros(())
        for term in terms.costs():
            elbo = elbo + terms.expected(term)
        return Estimate(elbo, elbo)

    def compute_marginals(
        self, model: Callable[..., Any], guide: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Posterior marginal laws of the model's enumerated sites, given one draw of the guide.

        Args:
            model: with enumerated sites that the guide does not have.
            guide: function of statements.
            *args: data of model and guide.
            **kwargs: likewise.

        Returns:
            By name a law of the kind of the site's, with the probabilities of its posterior.

        Example:
            >>> import twofold_torch as tf, twofold_torch.distributions as dist
            >>> def model():
            ...     z = tf.sample("z", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
            ...     tf.sample("x", dist.Bernoulli(0.8 * z + 0.1), obs=torch.tensor(1.0))
            >>> TraceEnum_ELBO().compute_marginals(model, lambda: None)["z"].probs
            tensor(0.9000)
        """
        with torch.enable_grad():
            terms = Terms(*self._traces(model, guide, args, kwargs))
            return terms.marginals()
