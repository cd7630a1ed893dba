"""Traces: what a run did, site by site, and what it weighs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from twofold_conformance.reference import tensor as ops
from twofold_conformance.reference.errors import DuplicateSiteError, SupportError
from twofold_conformance.reference.laws import Law
from twofold_conformance.reference.mechanism import Handler, Message
from twofold_conformance.reference.tensor import Tensor, tensor
from twofold_conformance.reference.validation import is_validation_enabled

Filter = Callable[[str, Any], bool]


class Trace(dict[str, Any]):
    """The messages of one run by site name, in the order of execution."""

    @property
    def nodes(self) -> Trace:
        return self

    def log_prob_sum(self, site_filter: Filter = lambda name, site: True) -> Tensor:
        """The joint log density: the sum over the sample sites that the filter accepts; 0 if there are none."""
        total = Tensor(0.0)
        for name, site in self.items():
            if has_density(site) and site_filter(name, site):
                total = total + checked_sum(site)
        return total

    def compute_log_prob(self, site_filter: Filter = lambda name, site: True) -> None:
        """Write ``unscaled_log_prob``, ``log_prob`` and ``log_prob_sum`` into each sample site that is accepted."""
        for name, site in self.items():
            if has_density(site) and site_filter(name, site):
                site["unscaled_log_prob"] = unscaled_log_prob(site)
                site["log_prob"] = site_log_prob(site)
                site["log_prob_sum"] = checked_sum(site)


def has_density(site: Any) -> bool:
    """Sample sites with a law; parameters, plates and deterministic values weigh nothing."""
    return site["type"] == "sample" and isinstance(site["fn"], Law)


def unscaled_log_prob(site: Any) -> Tensor:
    """The log density of a site's value, whatever its mask and scale."""
    return _density(site, tensor(site["value"]))


def site_log_prob(site: Any) -> Tensor:
    """What the entries of a site count: scale * where(mask, log density, 0).

    A masked entry is exactly 0, NaN or not; so is its gradient, because the density is taken at a harmless value there.
    """
    value, mask = tensor(site["value"]), site["mask"]
    if mask is None:
        return scaled(site, _density(site, value))
    return scaled(site, ops.where(mask, _density(site, site["fn"].safe_value(value, mask)), 0.0))


def scaled(site: Any, counted: Tensor) -> Tensor:
    return counted * tensor(site["scale"])


def _density(site: Any, value: Tensor) -> Tensor:
    """The log density; a value outside the support is an error, unless it is masked out."""
    law = site["fn"]
    try:
        if is_validation_enabled():
            law.check_value(value, True if site["mask"] is None else site["mask"])
        return law.log_density(value)  # type: ignore[no-any-return]
    except ValueError as error:
        shapes = f"value {value.shape}, batch {law.batch_shape}, event {law.event_shape}"
        raise SupportError(f"site {site['name']!r}: {error} (shapes: {shapes})") from error


def checked_sum(site: Any) -> Tensor:
    """What a site adds to the joint; with validation on, a warning if it is NaN."""
    total = site_log_prob(site).sum()
    if is_validation_enabled() and np.isnan(total.data):
        warnings.warn(f"site {site['name']!r}: the log density is NaN", RuntimeWarning, stacklevel=3)
    return total


class trace(Handler):
    """Record every site; ``get_trace`` runs the function and returns what was recorded."""

    def start(self) -> None:
        self.trace = Trace()

    def get_trace(self, *args: Any, **kwargs: Any) -> Trace:
        self(*args, **kwargs)
        return self.trace

    def postprocess(self, msg: Message) -> None:
        if msg["type"] in ("sample", "param", "plate", "deterministic") and not msg["repeats"]:
            if msg["name"] not in self.trace:
                self.trace[msg["name"]] = {**msg, "infer": dict(msg["infer"])}
            else:
                self._check_repeated(msg)

    def _check_repeated(self, msg: Message) -> None:
        """Only a parameter may be stated again."""
        before = self.trace[msg["name"]]["type"]
        if not (msg["type"] == before == "param"):
            raise DuplicateSiteError(f"site {msg['name']!r}: a {msg['type']} statement, after a {before} of that name")
