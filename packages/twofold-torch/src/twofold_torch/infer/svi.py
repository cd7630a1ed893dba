"""SVI: a guide is fitted to a posterior by stochastic gradients of the ELBO."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm.auto import trange

from ..errors import HandlerError, InferenceWarning, NonFiniteError
from ..handlers import replay, trace
from ..optim import as_optimizer
from ..params import get_param_store
from ..validation import validation_enabled
from ..warning import warn
from .elbo import ELBO

__all__ = ["SVI", "SVIRunResult"]


class SVIRunResult(NamedTuple):
    """What `SVI.run` found."""

    params: dict[str, Tensor]
    """Constrained values by name, detached copies."""
    losses: Tensor
    """Loss of every step, (steps,)."""


class SVI:
    """Stochastic variational inference on the parameters in the store.

    Args:
        model: function of statements.
        guide: function of statements, with a site for each latent of the model.
        optim: an optimiser of ``twofold_torch.optim``, or a class or factory of ``torch.optim``.
        loss: an estimator of the ELBO, or a function ``loss(model, guide, *args, **kwargs)`` that returns a
            differentiable scalar.

    Raises:
        HandlerError: ``optim`` is no optimiser.

    Source: Hoffman, Blei, Wang and Paisley (2013), JMLR 14; Ranganath, Gerrish and Blei (2014), AISTATS.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> from twofold_torch.infer import Trace_ELBO
        >>> from twofold_torch.optim import Adam
        >>> def model():
        ...     tf.sample("z", dist.Normal(2.0, 1.0))
        >>> def guide():
        ...     tf.sample("z", dist.Normal(tf.param("loc", 0.0), 1.0))
        >>> tf.clear_param_store()
        >>> tf.set_rng_seed(0)
        >>> result = SVI(model, guide, Adam({"lr": 0.05}), Trace_ELBO()).run(200)
        >>> bool(abs(result.params["loc"] - 2.0) < 0.3)
        True
    """

    def __init__(
        self,
        model: Callable[..., Any],
        guide: Callable[..., Any],
        optim: Any,
        loss: ELBO | Callable[..., Tensor],
        loss_and_grads: Callable[..., float] | None = None,
    ) -> None:
        if isinstance(loss, type) or not (isinstance(loss, ELBO) or callable(loss)):
            raise HandlerError(
                "SVI needs a loss",
                seen=f"the class {loss.__name__}"
                if isinstance(loss, type)
                else f"{loss!r} of type {type(loss).__name__}",
                expected="an estimator of the ELBO or a function",
                suggestion="write Trace_ELBO(), with the brackets",
            )
        self.model, self.guide, self.optim = model, guide, as_optimizer(optim)
        if isinstance(loss, ELBO):
            self.loss: Callable[..., Any] = loss.loss
            self.loss_and_grads: Callable[..., float] = loss.loss_and_grads
        else:
            self.loss = loss
            self.loss_and_grads = loss_and_grads or _with_gradients(loss)

    def step(self, *args: Any, **kwargs: Any) -> float:
        """One gradient step on the parameters that guide and model use.

        Args:
            *args: data of model and guide.
            **kwargs: likewise.

        Returns:
            The loss before the step.
        """
        loss, params = self._gradients(args, kwargs)
        if not math.isfinite(loss):
            found = "; ".join(self._not_finite(args, kwargs)) or "a gradient may not be finite"
            warn(f"the loss of this step is {loss}: {found}", InferenceWarning)
        self._update(params)
        return loss

    def _gradients(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, list[Tensor]]:
        """The loss, and the leaves of all params that model and guide used, with their gradients."""
        with trace(param_only=True) as used:
            loss = self.loss_and_grads(self.model, self.guide, *args, **kwargs)
        return loss, list({id(leaf): leaf for leaf in map(_leaf, used.trace.nodes.values())}.values())

    def _update(self, params: list[Tensor]) -> None:
        self.optim(params)
        for leaf in params:
            leaf.grad = None

    def evaluate_loss(self, *args: Any, **kwargs: Any) -> float:
        """The loss, without a step."""
        with torch.no_grad():
            return float(self.loss(self.model, self.guide, *args, **kwargs))

    def run(self, num_steps: int, *args: Any, progress_bar: bool = False, **kwargs: Any) -> SVIRunResult:
        """Many steps.

        Args:
            num_steps: how many.
            *args: data of model and guide.
            progress_bar: show progress.
            **kwargs: data of model and guide.

        Returns:
            The parameters at the end and the loss of every step.

        Raises:
            NonFiniteError: the loss is not finite; it names the step, and the sites and parameters that are not.  The
                parameters are those before that step.
        """
        if not isinstance(num_steps, int) or num_steps < 1:
            raise HandlerError(
                "num_steps of SVI.run",
                seen=repr(num_steps),
                expected="a positive int",
                suggestion="write svi.run(1000, *data)",
            )
        losses = torch.empty(num_steps)
        with trange(num_steps, disable=not progress_bar, dynamic_ncols=True) as steps:
            for step in steps:
                loss, params = self._gradients(args, kwargs)
                if not math.isfinite(loss):
                    raise self._failure(step, loss, params, args, kwargs)
                self._update(params)
                losses[step] = loss
                if progress_bar and step % 100 == 99:
                    steps.set_postfix_str(f"loss {losses[step - 99 : step + 1].mean():.4g}", refresh=False)
        return SVIRunResult({name: value.detach().clone() for name, value in get_param_store().items()}, losses)

    def _failure(
        self, step: int, loss: float, params: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> NonFiniteError:
        for leaf in params:
            leaf.grad = None
        return NonFiniteError(
            f"the loss of SVI is {loss} at step {step}",
            seen="; ".join(self._not_finite(args, kwargs)) or "finite densities at other draws of the guide",
            suggestion="a smaller learning rate, clipped gradients (clip_args={'clip_norm': 10.0}), or data and priors "
            "on a common scale; look for NaN in the data and for values outside a support",
            expected="finite losses",
        )

    def _not_finite(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        """Params and sites that are not finite, at new draws of the guide."""
        found = [f"param {name!r} is {value}" for name, value in get_param_store().items() if not _is_finite(value)]
        with torch.no_grad(), validation_enabled(False):
            guide_trace = trace(self.guide).get_trace(*args, **kwargs)
            replayed = replay(self.model, trace=guide_trace)
            replayed.check_names = False
            for who, recorded in (("guide", guide_trace), ("model", trace(replayed).get_trace(*args, **kwargs))):
                recorded.compute_log_prob()
                for name, site in recorded.nodes.items():
                    if site["type"] == "sample" and not _is_finite(site["log_prob_sum"]):
                        found.append(f"log density of site {name!r} of the {who} is {float(site['log_prob_sum'])}")
        return found


def _is_finite(value: Tensor) -> bool:
    return bool(value.isfinite().all())


def _leaf(site: dict[str, Any]) -> Tensor:
    value: Tensor = site["value"]
    unconstrained = getattr(value, "unconstrained", None)
    return value if unconstrained is None else unconstrained()


def _with_gradients(loss: Callable[..., Tensor]) -> Callable[..., float]:
    def loss_and_grads(model: Callable[..., Any], guide: Callable[..., Any], *args: Any, **kwargs: Any) -> float:
        value = loss(model, guide, *args, **kwargs)
        value.backward()
        return float(value.detach())

    return loss_and_grads
