"""Whether a guide fits its model: the same latents, the same plates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InferenceError, InferenceWarning, PlateError
from ..messages import is_subsample
from ..warning import warn

__all__ = ["check_model_guide_match", "refuse_factor"]

Sites = Mapping[str, Mapping[str, Any]]


def check_model_guide_match(model_trace: Sites, guide_trace: Sites) -> None:
    """Compare the sites of a model with those of a guide.

    Args:
        model_trace: sites of the model, run with the values of the guide.
        guide_trace: sites of the guide.

    Raises:
        InferenceError: a latent site of the model is missing in the guide, or one of the guide is observed in the
            model.
        PlateError: a plate has another dim or size in the guide than in the model.

    Warns:
        InferenceWarning: the guide has a site that the model lacks.
    """
    latent = {name for name, site in model_trace.items() if _is_latent(site) and not _is_enumerated(site)}
    guided = {name for name, site in guide_trace.items() if _is_latent(site)}
    observed = {name for name, site in model_trace.items() if site["type"] == "sample" and site["is_observed"]}
    missing = latent - set(guide_trace)
    if missing:
        raise InferenceError(
            f"the guide has no site for the model's latent {_listed(missing)}",
            seen=f"sites {_listed(guided)} in the guide",
            expected="a sample statement in the guide for each latent site of the model",
            suggestion="add it, or give the site obs= in the model, or hide it from inference with handlers.block",
        )
    if guided & observed:
        raise InferenceError(
            f"the guide draws {_listed(guided & observed)}, which the model observes",
            suggestion="leave observed sites out of the guide; if the model lacks its data, check the arguments",
            seen="a sample site in the guide, an observed one in the model",
            expected="sites of the guide that are latent in the model",
        )
    _check_plates(model_trace, guide_trace)
    extra = guided - latent - {name for name, site in model_trace.items() if site["type"] == "sample"}
    if extra:
        warn(
            f"the guide has sites that the model lacks: {_listed(extra)}; their density counts against the guide. Mark "
            'helper sites with infer={"is_auxiliary": True}',
            InferenceWarning,
        )


def refuse_factor(name: str, site: dict[str, Any]) -> None:
    """Raise `InferenceError` at a factor of a guide that does not say how it is to be differentiated."""
    if site["infer"].get("is_auxiliary") and site["is_observed"] and "has_rsample" not in site["infer"]:
        raise InferenceError(
            f"factor {name!r} stands in a guide, and it is not known whether its gradient is pathwise",
            expected="factor(name, value, has_rsample=True) or has_rsample=False, said in so many words",
        )


def _is_latent(site: Mapping[str, Any]) -> bool:
    is_sample = site["type"] == "sample" and not site["is_observed"]
    return is_sample and not is_subsample(site) and not site["infer"].get("is_auxiliary")


def _is_enumerated(site: Mapping[str, Any]) -> bool:
    return "_enumerate_dim" in site["infer"]


def _listed(names: set[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "(none)"


def _plates(sites: Sites) -> dict[str, tuple[int | None, int]]:
    frames = (frame for site in sites.values() for frame in site.get("cond_indep_stack", ()))
    return {frame.name: (frame.dim, frame.size) for frame in frames}


def _check_plates(model_trace: Sites, guide_trace: Sites) -> None:
    """Plates of one name must have one dim and size."""
    in_guide, in_model = _plates(guide_trace), _plates(model_trace)
    for name in in_guide.keys() & in_model.keys():
        if in_guide[name] != in_model[name]:
            raise PlateError(
                f"plate {name!r} differs between guide and model",
                seen=f"dim {in_guide[name][0]} and size {in_guide[name][1]} in the guide",
                expected=f"dim {in_model[name][0]} and size {in_model[name][1]}, as in the model",
                suggestion="nest the plates in the same order, or give them dims (dim=...)",
            )
