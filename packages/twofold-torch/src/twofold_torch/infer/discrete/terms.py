"""The log densities of one run of guide and model with enumerated sites, and the sums over these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import OneHotCategorical as TorchOneHotCategorical

from ...distributions import Bernoulli, Categorical, OneHotCategorical
from ...errors import InferenceError, ShapeError
from ...messages import is_subsample
from ...ops.contraction import components, contract, dims_of
from ...ops.packed import assign_symbols, broadcast_all, pack, unpack
from ...traces import Trace
from ..matching import refuse_factor

__all__ = ["Terms", "frames_of", "is_enumerated", "sample_sites"]

Site = dict[str, Any]


@dataclass
class _Factor:
    """The log density of one site, packed."""

    name: str
    site: Site
    value: Tensor
    """Scaled and masked."""


class Terms:
    """The packed log densities of one run of guide and model, and their sums."""

    def __init__(self, model_trace: Trace, guide_trace: Trace) -> None:
        self._plates: dict[str, str] = {}
        model_trace.compute_log_prob()
        guide_trace.compute_log_prob()
        sites = [*sample_sites(guide_trace), *sample_sites(model_trace)]
        dims = assign_symbols({str(place): site for place, (_, site) in enumerate(sites)}, self._plates)
        self._plate_dims = {letter: dims[letter] for letter in self._plates.values() if letter in dims}
        self._guide = [_factor(name, site) for name, site in sample_sites(guide_trace)]
        self._model = [_factor(name, site) for name, site in sample_sites(model_trace)]
        self._in_guide = {str(f.site["infer"]["_enumerate_symbol"]) for f in self._guide if is_enumerated(f.site)}
        enumerated = [f for f in (*self._guide, *self._model) if is_enumerated(f.site)]
        self._ordinals = {str(f.site["infer"]["_enumerate_symbol"]): self._plates_of(f.site) for f in enumerated}
        """Plates of each enumerated letter."""
        self._summed = set(self._ordinals) - self._in_guide
        self._weights = list(self._weight_factors())

    def _plates_of(self, site: Site) -> frozenset[str]:
        return frozenset(self._plates[frame.name] for frame in frames_of(site))

    # The terms of the ELBO

    def costs(self) -> Iterator[Tensor]:
        """Packed tensors whose expectations under the guide add up to the ELBO."""
        values = [factor.value for factor in self._model]
        for places, letters in components(values, self._summed):
            if letters:
                yield self._marginalised([self._model[place] for place in places])
            else:
                yield from (values[place] for place in places)
        for factor in self._guide:
            refuse_factor(factor.name, factor.site)
            has_gradient = is_enumerated(factor.site) or getattr(factor.site["fn"], "has_rsample", False)
            yield _like(-(factor.value if has_gradient else factor.value.detach()), factor.value)

    def _marginalised(self, factors: list[_Factor]) -> Tensor:
        """``log sum_z`` of some factors, with the guide's letters and the common plates kept, scaled."""
        scale = _common_scale(factors)
        values = [_like(factor.value / scale, factor.value) if scale != 1.0 else factor.value for factor in factors]
        values = [_normalised(value, factor) for value, factor in zip(values, factors, strict=True)]
        inside = [self._plates_of(f.site) for f in factors]
        common = frozenset.intersection(*inside)
        kept = common | frozenset(self._in_guide)
        self._check_kept(factors, common)
        variables = {letter: self._ordinals[letter] for letter in self._summed}
        total = contract(values, variables, self._plates.values(), kept)
        return total if scale == 1.0 else _like(total * scale, total)

    def _check_kept(self, factors: list[_Factor], common: frozenset[str]) -> None:
        for factor in factors:
            for letter in dims_of(factor.value) & self._in_guide:
                if not self._ordinals[letter] <= common:
                    raise InferenceError(
                        f"site {factor.name!r} depends on an enumerated site of the guide in a plate, and on one of "
                        "the model outside of that plate",
                        suggestion="enumerate both in the guide, or both in the model",
                    )

    # The expectation under the guide

    def _weight_factors(self) -> Iterator[Tensor]:
        """Log factors of the guide's probability: enumerated sites, and those that need a score function."""
        for factor in self._guide:
            dim_to_symbol = factor.site["infer"]["_dim_to_symbol"]
            if is_enumerated(factor.site):
                yield pack(factor.site["unscaled_log_prob"], dim_to_symbol)
            elif not getattr(factor.site["fn"], "has_rsample", False):
                log_prob = pack(factor.site["unscaled_log_prob"], dim_to_symbol)
                yield _like(log_prob - log_prob.detach(), log_prob)  # zero, with the gradient of the score function

    def expected(self, term: Tensor) -> Tensor:
        """The expectation of a term under the guide, a scalar."""
        if not self._weights:
            return term.sum()
        kept = dims_of(term)
        outside = frozenset(self._plates.values()) - kept
        variables = {letter: self._ordinals[letter] & outside for letter in self._in_guide if letter not in kept}
        weight = contract(self._weights, variables, outside, kept)
        if not hasattr(weight, "_pyro_dims"):
            return term.sum()
        probability, value = broadcast_all(_like(weight.exp(), weight), term)
        return (probability * torch.where(probability == 0, torch.zeros_like(value), value)).sum()

    def marginals(self) -> dict[str, Any]:
        """The derivative of a log marginal by a log factor is the factor's posterior probability."""
        enumerated = [f for f in self._model if is_enumerated(f.site)]
        factors = [f for f in enumerated if f.site["infer"]["_enumerate_symbol"] in self._summed]
        leaves = []
        for factor in factors:
            leaf: Any = torch.zeros_like(factor.value).requires_grad_()
            factor.value = _like(factor.value + leaf, factor.value)
            leaves.append(leaf)
        total = sum((cost.sum() for cost in self.costs()), start=torch.zeros(()))
        gradients = torch.autograd.grad(total, leaves)
        pairs = zip(factors, gradients, strict=True)
        return {f.name: _marginal_law(f, gradient, self._plate_dims) for f, gradient in pairs}


def sample_sites(recorded: Trace) -> list[tuple[str, Site]]:
    """Name and site of each sample site that is no plate's batch."""
    nodes = recorded.nodes.items()
    return [(name, site) for name, site in nodes if site["type"] == "sample" and not is_subsample(site)]


def frames_of(site: Mapping[str, Any]) -> list[Any]:
    """The plates around a site that are batch dims."""
    return [frame for frame in site["cond_indep_stack"] if frame.dim is not None]


def is_enumerated(site: Mapping[str, Any]) -> bool:
    """Whether a site has all its values at once."""
    return "_enumerate_dim" in site["infer"]


def _factor(name: str, site: Site) -> _Factor:
    is_sequential = site["infer"].get("enumerate") == "sequential"
    if is_sequential or (is_enumerated(site) and site["infer"].get("num_samples") is not None):
        raise InferenceError(
            f"site {name!r} is marked for an enumeration that TraceEnum_ELBO does not do",
            seen='"sequential"' if is_sequential else "num_samples",
            expected='infer={"enumerate": "parallel"}',
        )
    try:
        value = pack(site["log_prob"], site["infer"]["_dim_to_symbol"])
    except ShapeError as error:
        error.add_note(f"at site {name!r}, whose log density has shape {tuple(site['log_prob'].shape)}")
        raise
    return _Factor(name, site, value)


def _like(tensor: Any, packed: Any) -> Tensor:
    """``tensor`` with the letters of ``packed``."""
    tensor._pyro_dims = packed._pyro_dims
    result: Tensor = tensor
    return result


def _common_scale(factors: list[_Factor]) -> Any:
    """The scale of the enumerated sites among the factors: it multiplies the logarithm of their sum."""
    enumerated = [factor for factor in factors if is_enumerated(factor.site)]
    scale = enumerated[0].site["scale"]
    for factor in enumerated:
        own = factor.site["scale"]
        is_number = not isinstance(own, Tensor) or own.dim() == 0
        if not is_number or (own is not scale and (isinstance(own, Tensor) or own != scale)):
            raise InferenceError(
                f"the enumerated sites {enumerated[0].name!r} and {factor.name!r} are summed out together, but are "
                "scaled differently",
                seen=f"scales {scale} and {own}",
                expected="one number for both",
                suggestion="put both in the same subsampled plates and handlers.scale",
            )
    return scale


def _normalised(value: Tensor, factor: _Factor) -> Tensor:
    """The factor of an enumerated site with its masked-out rows uniform, so that they sum to one."""
    mask = factor.site["mask"]
    if mask is None or mask is True or not is_enumerated(factor.site):
        return value
    infer = factor.site["infer"]
    count = factor.site["log_prob"].shape[infer["_enumerate_dim"]]
    if mask is False:
        return _like(value - math.log(count), value)
    counted, full = broadcast_all(pack(mask, infer["_dim_to_symbol"]), value)
    return _like(torch.where(counted, full, full.new_tensor(-math.log(count))), full)


def _marginal_law(factor: _Factor, probability: Any, plates: Mapping[str, int]) -> Any:
    """A law of the kind of the site's with given probabilities, a packed tensor."""
    own = str(factor.site["infer"]["_enumerate_symbol"])
    letters = str(factor.value._pyro_dims)  # type: ignore[attr-defined]
    others = [place for place, letter in enumerate(letters) if letter != own and letter not in plates]
    reduced: Any = probability.sum(others) if others else probability
    reduced._pyro_dims = "".join(letter for letter in letters if letter == own or letter in plates)
    leftmost = min(plates.values(), default=0) - 1
    probs = unpack(reduced, {**plates, own: leftmost})
    probs = probs.movedim(0, -1) if own in letters else probs.unsqueeze(-1)
    law = factor.site["fn"]
    while hasattr(law, "base_dist"):
        law = law.base_dist
    if isinstance(law, TorchBernoulli):
        return Bernoulli(probs=probs[..., 1])
    if isinstance(law, TorchOneHotCategorical):
        return OneHotCategorical(probs=probs)
    return Categorical(probs=probs)
