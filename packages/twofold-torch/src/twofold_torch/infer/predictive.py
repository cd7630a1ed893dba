"""Predictive: many runs of a model, at draws of its latents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from ..errors import HandlerError, ShapeError, UnknownSiteError
from ..handlers import condition, trace
from ..handlers.names import report_unused_names
from ..messages import is_subsample
from ..traces import Trace
from ..validation import validation_enabled

__all__ = ["Predictive", "flatten_batch", "run_many"]

_CHUNK = 1000
"""Draws that are computed at once: a bound on memory."""

_CANNOT_BE_BATCHED = (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError)


class Predictive:
    """Draws of the sites of a model: prior predictive, posterior predictive, or with the draws of a guide.

    The model runs once for each draw, all at once under ``vmap``; one that cannot be (it branches on values) runs in a
    loop.  Whatever the model, a site's draws have the shape ``(draws,) + shape of the site``.

    Args:
        model: function of statements.
        posterior_samples: draws by site name, the draws as first dim, as ``mcmc.get_samples()`` gives them.  Other
            sites are drawn; deterministic sites are computed anew.
        guide: a guide whose draws are used; it is called with the arguments of the model.
        num_samples: how many draws; with ``posterior_samples`` their number.
        return_sites: names of the sites to return, ``"_RETURN"`` for the result of the model.  Default: all sample
            and deterministic sites that are not in ``posterior_samples``.
        parallel: accepted for programs that give it.
        batch_ndims: number of leading dims of ``posterior_samples``; 2 for draws grouped by chain.

    Raises:
        HandlerError: nothing says how many draws, or two things disagree.
        ShapeError: draws of two sites differ in number.

    Example:
        >>> import twofold_torch as tf, twofold_torch.distributions as dist
        >>> def model(size):
        ...     mu = tf.sample("mu", dist.Normal(0.0, 1.0))
        ...     with tf.plate("data", size):
        ...         tf.sample("y", dist.Normal(mu, 1.0))
        >>> draws = Predictive(model, posterior_samples={"mu": torch.zeros(100)})(3)
        >>> {name: value.shape for name, value in draws.items()}
        {'y': torch.Size([100, 3])}
    """

    def __init__(
        self,
        model: Callable[..., Any],
        posterior_samples: Mapping[str, Tensor] | None = None,
        guide: Callable[..., Any] | None = None,
        num_samples: int | None = None,
        return_sites: Collection[str] | None = (),
        parallel: bool = False,
        *,
        batch_ndims: int = 1,
    ) -> None:
        if not callable(model):
            raise HandlerError(
                "Predictive needs a model",
                seen=f"{model!r}",
                expected="a function of statements",
                suggestion="write Predictive(model, num_samples=1000)",
            )
        if guide is not None and posterior_samples:
            raise HandlerError(
                "Predictive takes posterior_samples or a guide, and not both",
                seen="both",
                expected="one of them, or neither",
                suggestion="leave one of them out",
            )
        if posterior_samples is not None and not isinstance(posterior_samples, Mapping):
            raise HandlerError(
                "posterior_samples of Predictive",
                seen=f"a {type(posterior_samples).__name__}",
                expected="a dict of draws by site name",
                suggestion="write Predictive(model, posterior_samples=mcmc.get_samples())",
            )
        if isinstance(return_sites, str):
            raise HandlerError(
                "return_sites is a list of names",
                seen=repr(return_sites),
                expected=f"[{return_sites!r}]",
                suggestion="put the name into a list",
            )
        self.posterior_samples, shape = flatten_batch(posterior_samples or {}, batch_ndims)
        self.batch_shape = _number_of_draws(shape, num_samples, guide is not None)
        self.model, self.guide = model, guide
        self.num_samples = self.batch_shape.numel()
        self.return_sites = tuple(return_sites or ())
        self.parallel = parallel

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw.

        Args:
            *args: of the model (and the guide).
            **kwargs: likewise.

        Returns:
            Draws by site name, without gradient.

        Raises:
            UnknownSiteError: ``return_sites`` names a site that the model does not have.
        """
        with torch.no_grad():
            given, wanted = self.posterior_samples, self.return_sites
            if self.guide is not None:
                given = run_many(lambda _: _latents(trace(self.guide).get_trace(*args, **kwargs)), {}, self.num_samples)
            unchecked = [] if self.guide is not None else [given]
            left_out = frozenset() if wanted or self.guide is not None else frozenset(given)

            def run(values: dict[str, Tensor]) -> dict[str, Tensor]:
                conditioned = condition(self.model, data=values)
                conditioned.check_names = False
                recorded = trace(conditioned).get_trace(*args, **kwargs)
                if unchecked:
                    report_unused_names("posterior_samples", unchecked.pop(), _own_names(recorded))
                sites = _values(recorded, left_out)
                return {name: _wanted(sites, name) for name in wanted} if wanted else _without_result(sites)

            draws = run_many(run, given, self.num_samples)
        return {name: value.reshape(*self.batch_shape, *value.shape[1:]) for name, value in draws.items()}

    forward = call = get_samples = __call__
    """The lineage's names of a call."""


def run_many(
    fn: Callable[[dict[str, Tensor]], dict[str, Tensor]], inputs: Mapping[str, Tensor], count: int
) -> dict[str, Tensor]:
    """The results of ``count`` runs of ``fn``, each with its own row of ``inputs`` and its own random numbers.

    All at once under ``vmap``; if ``fn`` cannot be vectorised, one after the other.
    """
    rows = dict(inputs)

    def one(_: Tensor, row: dict[str, Tensor]) -> dict[str, Tensor]:
        with validation_enabled(False):  # checks of values are branches, which vmap cannot take
            return fn(row)

    results = [fn({name: value[0] for name, value in rows.items()})]  # with checks, and parameters made if need be
    if count > 1:
        try:
            return vmap(one, randomness="different", chunk_size=_CHUNK)(torch.zeros(count), rows)
        except _CANNOT_BE_BATCHED:
            results += [fn({name: value[index] for name, value in rows.items()}) for index in range(1, count)]
    return {name: torch.stack([result[name] for result in results]) for name in results[0]}


def _own_names(recorded: Trace) -> list[str]:
    return [name for name in recorded.nodes if name not in ("_INPUT", "_RETURN")]


def _latents(guide_trace: Trace) -> dict[str, Tensor]:
    return {
        name: site["value"]
        for name, site in guide_trace.nodes.items()
        if site["type"] == "sample" and not site["is_observed"] and not site["infer"].get("is_auxiliary")
    }


def _values(recorded: Trace, left_out: Collection[str]) -> dict[str, Tensor]:
    """What a run has to show, by name: sample and deterministic sites, and the result if it is a tensor."""
    values = {}
    for name, site in recorded.nodes.items():
        is_own = site["type"] == "sample" and not (is_subsample(site) or site["infer"].get("is_auxiliary"))
        if name not in left_out and (is_own or site["type"] in ("deterministic", "return")):
            values[name] = site["value"]
    return values


def _without_result(sites: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in sites.items() if name != "_RETURN"}


def _wanted(sites: Mapping[str, Any], name: str) -> Tensor:
    if name not in sites:
        raise UnknownSiteError(
            f"return_sites names {name!r}, a site that the model does not have",
            seen=f"sites {', '.join(repr(site) for site in sites if site != '_RETURN')}",
            expected="names of sites of the model",
            suggestion="correct the name, or leave return_sites out",
        )
    return torch.as_tensor(sites[name])


def flatten_batch(samples: Mapping[str, Tensor], batch_ndims: int = 1) -> tuple[dict[str, Tensor], torch.Size]:
    """Draws with one leading dim, and the leading shape that they had; refuse draws that differ in it."""
    if batch_ndims not in (1, 2):
        raise HandlerError(
            "batch_ndims of draws",
            seen=batch_ndims,
            expected="1, or 2 for draws by chain",
            suggestion="1 for draws, 2 for draws by chain",
        )
    tensors = {name: torch.as_tensor(value).detach() for name, value in samples.items()}
    shapes = {name: value.shape[:batch_ndims] for name, value in tensors.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) < batch_ndims for shape in shapes.values()):
        raise ShapeError(
            "posterior_samples differ in their numbers of draws",
            seen=", ".join(f"{name}: {tuple(shape)}" for name, shape in shapes.items()),
            expected=f"the same {batch_ndims} leading dim(s) for all",
            suggestion="pass what mcmc.get_samples() gives; batch_ndims=2 for draws by chain",
        )
    flat = {name: value.flatten(0, batch_ndims - 1) for name, value in tensors.items()}
    return flat, next(iter(shapes.values()), torch.Size())


def _number_of_draws(shape: torch.Size, num_samples: int | None, has_guide: bool) -> torch.Size:
    """The leading shape of all draws; that of posterior_samples if there are any."""
    if shape:
        if num_samples is not None and num_samples != shape.numel():
            raise HandlerError(
                "num_samples of Predictive",
                seen=num_samples,
                expected=f"{shape.numel()}, as posterior_samples has",
                suggestion="leave num_samples out",
            )
        return shape
    if not isinstance(num_samples, int) or num_samples < 1:
        raise HandlerError(
            "Predictive does not know how many draws to make",
            seen=f"num_samples={num_samples!r}",
            expected="num_samples, an int of at least 1" + ("" if has_guide else ", or posterior_samples"),
            suggestion="write Predictive(model, num_samples=1000)",
        )
    return torch.Size((num_samples,))
