"""Whether a guide fits its model: the same latents, the same plates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twofold_jax.errors import InferenceError, InferenceWarning, PlateError
from twofold_jax.messages import Message, is_auxiliary
from twofold_jax.warning import warn

__all__ = ["check_model_guide_match"]


def check_model_guide_match(model_trace: Mapping[str, Message], guide_trace: Mapping[str, Message]) -> None:
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
    latent = {name for name, site in model_trace.items() if _is_latent(site)}
    guided = {name for name, site in guide_trace.items() if _is_latent(site)}
    observed = {name for name, site in model_trace.items() if site["type"] == "sample" and site["is_observed"]}
    if latent - guided:
        raise InferenceError(
            f"the guide has no site for the model's latent {_listed(latent - guided)}",
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
    if guided - latent:
        warn(
            f"the guide has sites that the model lacks: {_listed(guided - latent)}; their density counts against the "
            'guide. Mark helper sites with infer={"is_auxiliary": True}',
            InferenceWarning,
        )
    for name in latent:
        _check_plates(name, model_trace[name], guide_trace[name])


def _is_latent(site: Message) -> bool:
    return site["type"] == "sample" and not site["is_observed"] and not is_auxiliary(site)


def _check_plates(name: str, model_site: Message, guide_site: Message) -> None:
    in_model = {frame.name: frame for frame in model_site["cond_indep_stack"]}
    for frame in guide_site["cond_indep_stack"]:
        twin = in_model.get(frame.name)
        if twin is not None and (twin.dim, twin.size) != (frame.dim, frame.size):
            raise PlateError(
                f"plate {frame.name!r} around site {name!r} differs between guide and model",
                seen=f"dim {frame.dim}, size {frame.size} in the guide",
                expected=f"dim {twin.dim}, size {twin.size}, as in the model",
                suggestion="nest the plates in the same order, or give each its dim=",
            )


def _listed(names: Any) -> str:
    return ", ".join(map(repr, sorted(names))) or "(none)"
