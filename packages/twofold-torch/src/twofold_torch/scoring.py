"""The log density of one recorded site: scaled, masked, split and packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.distributions import Distribution as TorchBase

from .distributions import ScoreParts, constraints
from .errors import ShapeError, SiteError, SupportError
from .ops.shapes import broadcast_shape

if TYPE_CHECKING:
    from .traces import Trace

__all__ = ["pack_site", "scale_and_mask", "score_site", "split_score"]


def scale_and_mask(log_prob: Tensor, scale: Any = 1.0, mask: Any = None) -> Tensor:
    """``scale * where(mask, log_prob, 0)``.

    Args:
        log_prob: any shape.
        scale: number or tensor that broadcasts with it.
        mask: None or True for everything, False for nothing, or a boolean tensor that broadcasts with it.
    """
    if mask is False:
        return torch.zeros_like(log_prob)
    if mask is not None and mask is not True:
        log_prob = torch.where(mask, log_prob, log_prob.new_zeros(()))
    return log_prob if type(scale) is float and scale == 1.0 else log_prob * scale


def score_site(name: str, site: dict[str, Any], trace: Trace) -> Tensor:
    """Store ``unscaled_log_prob``, ``log_prob`` and ``log_prob_sum`` in ``site``; return the last."""
    scale, mask = site["scale"], site["mask"]
    unscaled = log_prob = _log_prob(name, site, trace)
    if mask is not None or type(scale) is not float or scale != 1.0:
        log_prob = scale_and_mask(unscaled, scale, mask)
    site["unscaled_log_prob"], site["log_prob"] = unscaled, log_prob
    total = log_prob.sum() if log_prob.dim() else log_prob
    site["log_prob_sum"] = total
    return total


def split_score(name: str, site: dict[str, Any], trace: Trace) -> None:
    """Store ``score_parts``, and what ``score_site`` stores, in ``site``."""
    fn, scale, mask = site["fn"], site["scale"], site["mask"]
    if hasattr(fn, "score_parts") and not isinstance(mask, Tensor) and mask is not False:
        try:
            parts = fn.score_parts(site["value"], *_score_args(site))
        except (ValueError, RuntimeError, TypeError, AttributeError, IndexError) as error:
            raise _explain(name, site, trace, error) from error
        unscaled = parts.log_prob
    else:
        unscaled = _log_prob(name, site, trace)
        has_gradient = getattr(fn, "has_rsample", False)
        parts = ScoreParts(unscaled, 0.0 if has_gradient else unscaled, unscaled if has_gradient else 0.0)
    parts = parts.scale_and_mask(scale, mask)
    site["unscaled_log_prob"], site["log_prob"], site["score_parts"] = unscaled, parts.log_prob, parts
    site["log_prob_sum"] = parts.log_prob.sum()


def _score_args(site: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments of the statement that the log density gets too: those of a user's own stochastic function."""
    return () if isinstance(site["fn"], TorchBase) else site["args"]


def _log_prob(name: str, site: dict[str, Any], trace: Trace) -> Tensor:
    fn, value, mask = site["fn"], site["value"], site["mask"]
    try:
        if mask is False:
            return _no_density(fn, value)
        if isinstance(mask, Tensor) and site["is_observed"]:
            value = _safe_value(fn, value, mask)
        if isinstance(fn, TorchBase):
            result = fn.log_prob(value)
        elif hasattr(fn, "log_prob"):
            result = fn.log_prob(value, *site["args"], **site["kwargs"])
        elif not site["is_observed"]:
            return torch.zeros(())  # a bare stochastic function: its density is not known, and is taken to be flat
        else:
            raise _unscorable(name, site)
        return result if isinstance(result, Tensor) else torch.as_tensor(result)
    except SiteError as error:
        raise (error if repr(name) in error.problem else _explain(name, site, trace, error)) from None
    except (ValueError, RuntimeError, TypeError, AttributeError, IndexError) as error:
        raise _explain(name, site, trace, error) from error


def _no_density(fn: Any, value: Any) -> Tensor:
    """Zeros of the batch shape that the density of ``value`` would have."""
    if not isinstance(fn, TorchBase):
        return torch.zeros(())
    shape = value.shape[: value.dim() - len(fn.event_shape)]
    dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
    return torch.zeros(broadcast_shape(shape, fn.batch_shape), dtype=dtype, device=value.device)


def _safe_value(fn: Any, value: Any, mask: Tensor) -> Any:
    """``value`` with its masked-out entries moved into the support, so that neither density nor gradient sees a NaN."""
    if not isinstance(fn, TorchBase) or not isinstance(value, Tensor):
        return value
    try:
        support = fn.support
    except NotImplementedError:
        return value
    if support is None or _is_dependent(support) or not value.numel():
        return value
    event_dim = len(fn.event_shape)
    batch = broadcast_shape(mask.shape, value.shape[: value.dim() - event_dim])
    full = value.expand(batch + value.shape[value.dim() - event_dim :])
    inside = mask.reshape(mask.shape + (1,) * event_dim)
    return torch.where(inside, full, constraints.feasible_like(support, full))


def _is_dependent(support: Any) -> bool:
    return bool(constraints.is_dependent(support))


def _unscorable(name: str, site: dict[str, Any]) -> SiteError:
    return SiteError(
        f"site {name!r} is observed, but its stochastic function has no log density",
        seen=f"{site['fn']!r}",
        expected="a law, or an object with log_prob(value)",
        suggestion="observe a distribution, or add the density with factor()",
    )


def _explain(name: str, site: dict[str, Any], trace: Trace, error: Exception) -> SiteError:
    """The error of a log density, with the site's name and a table of shapes."""
    kind: type[SiteError] = SiteError
    for candidate, base in ((SupportError, ValueError), (ShapeError, RuntimeError)):
        if isinstance(error, base):
            kind = candidate
    if isinstance(error, SiteError):
        kind = type(error)
    suggestion = getattr(error, "suggestion", None) or "compare the shapes:"
    problem = getattr(error, "problem", None) or f"{type(error).__name__}: {error}"
    return kind(
        f"site {name!r}: {problem}",
        seen=getattr(error, "seen", None),
        expected=getattr(error, "expected", None),
        suggestion=f"{suggestion}\n{trace.format_shapes(last_site=name)}",
    )


def pack_site(site: dict[str, Any]) -> dict[str, Any]:
    """The tensors of one scored site in packed form; see ``Trace.pack_tensors``."""
    from .ops.packed import pack

    dim_to_symbol = site["infer"]["_dim_to_symbol"]
    packed = {
        key: pack(site[key], dim_to_symbol)
        for key in ("unscaled_log_prob", "log_prob", "scale", "mask")
        if site.get(key) is not None
    }
    packed.setdefault("mask", None)
    if "score_parts" in site:
        packed["score_parts"] = ScoreParts(*(pack(part, dim_to_symbol) for part in site["score_parts"]))
    return packed
