"""The handler that sums discrete sites out of a model: collapse."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import HandlerError, PlateError, ShapeError, SiteError
from ..messages import Message, is_law, is_subsample
from ..plates import plate
from ..primitives import factor
from ..runtime import Messenger, active_handlers
from ..scoring import score_site
from ..traces import Trace
from .enumeration import all_values, enum

__all__ = ["collapse"]

_ids = itertools.count()


class collapse(Messenger):
    """Sum the discrete latents inside out, exactly, and add the log of the sum as one factor.

    ``log sum_z prod_i p_i(value_i | z)``, where ``i`` runs over the latents of finite support and over the observed
    sites and factors that depend on them.  Inside, the latents have all their values at once, each in a batch dim left
    of the plates, and nothing computed from them may leave.  Handlers further out see the factor,
    ``<first latent>_collapsed``, in the place of these sites; so the rest can be fitted with NUTS or any guide.
    Deterministic sites inside are hidden, too.

    Plates, scales and masks stand around ``collapse``: in a plate each row has latents of its own.  A latent takes a
    dim of its own, also inside ``markov``, so a few dozen are the most.

    Args:
        fn: model.
        first_available_dim: negative; the first dim left of all batch dims.  Default: the first left of the plates
            around.

    Raises:
        HandlerError: ``first_available_dim`` is not negative; or the handler stands inside ``enum`` or ``collapse``.
        SiteError: a latent without finite support depends on one that is summed out, or such a site is scaled inside.
        PlateError: a plate inside holds a site that takes part in the sum.
        ShapeError: a site has batch dims of its own where those of the sum are.

    Example:
        >>> import torch
        >>> from twofold_torch import sample, distributions as dist
        >>> from twofold_torch.handlers import trace
        >>> def model():
        ...     z = sample("z", dist.Bernoulli(0.3))
        ...     sample("x", dist.Normal(3.0 * z, 1.0), obs=torch.tensor(0.0))
        >>> sites = trace(collapse(model)).get_trace()
        >>> sites.observation_nodes
        ['z_collapsed']
        >>> sites.log_prob_sum()  # the log of 0.7 N(0|0,1) + 0.3 N(0|3,1)
        tensor(-1.2709)
    """

    def __init__(self, fn: Callable[..., Any] | None = None, first_available_dim: int | None = None) -> None:
        super().__init__(fn)
        if first_available_dim is not None and not (isinstance(first_available_dim, int) and first_available_dim < 0):
            raise HandlerError(
                "first_available_dim of collapse is no batch dim",
                seen=repr(first_available_dim),
                expected="a negative integer, left of all batch dims",
                suggestion="leave it out where all batch dims are plates",
            )
        self.first_available_dim = first_available_dim
        self._first = -1
        self._reset()

    def _reset(self) -> None:
        self._sizes: dict[int, int] = {}
        self._dim_to_id: dict[int, int] = {}
        self._latents: list[str] = []
        self._factors: list[Tensor] = []

    def __enter__(self) -> Any:
        around = active_handlers()
        if any(isinstance(handler, enum | collapse) for handler in around):
            raise HandlerError(
                "collapse stands inside enum or another collapse",
                expected="one of them",
                suggestion="sum all discrete sites out in one place",
            )
        result = super().__enter__()
        dims = [handler.dim for handler in around if isinstance(handler, plate) and handler.dim is not None]
        self._first = min(dims, default=0) - 1 if self.first_available_dim is None else self.first_available_dim
        self._reset()
        return result

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> bool | None:
        result = super().__exit__(exc_type, exc_value, traceback)
        if exc_type is None and self._latents:
            factor(f"{self._latents[0]}_collapsed", self._log_sum())
        return result

    def process_message(self, msg: Message) -> None:
        """Give a discrete latent all its values; hide what takes part in the sum from handlers further out."""
        if msg["type"] == "deterministic":
            msg["stop"] = True
        if msg["type"] != "sample" or not is_law(msg["fn"]) or is_subsample(msg):
            return
        is_latent = msg["value"] is None
        is_summed_out = is_latent and getattr(msg["fn"], "has_enumerate_support", False)
        if not is_summed_out and not self._depends(msg):
            return
        self._check(msg, is_latent, is_summed_out)
        msg["stop"] = True
        if is_summed_out:
            dim = self._first - len(self._latents)
            msg["value"] = all_values({**msg, "infer": {}}, dim)
            self._sizes[dim], self._dim_to_id[dim] = msg["value"].shape[0], next(_ids)
            self._latents.append(str(msg["name"]))
        msg["infer"] = {**msg["infer"], "_dim_to_id": dict(self._dim_to_id), "_collapsed": True}

    def postprocess_message(self, msg: Message) -> None:
        """Keep the log density of a site that takes part in the sum."""
        if msg["infer"].get("_collapsed"):
            site: dict[str, Any] = dict(msg)
            score_site(str(msg["name"]), site, Trace())
            self._factors.append(site["log_prob"])

    def _depends(self, msg: Message) -> bool:
        """Whether a site's law has a dim of a latent that is summed out."""
        return any(_has_dim(msg["fn"].batch_shape, dim) for dim in self._sizes)

    def _check(self, msg: Message, is_latent: bool, is_summed_out: bool) -> None:
        name = msg["name"]
        if is_latent and not is_summed_out:
            raise SiteError(
                f"site {name!r} depends on {', '.join(map(repr, self._latents))}, which collapse sums out",
                seen=f"a latent site with a {type(msg['fn']).__name__}, which has no finite support",
                expected="observed sites, factors and discrete latents",
                suggestion="state it before the discrete sites, or outside of collapse",
            )
        plates = [frame.name for frame in msg["cond_indep_stack"] if frame.vectorized]
        if plates:
            raise PlateError(
                f"site {name!r} stands in plate {plates[-1]!r}, which stands inside collapse",
                expected="plates around collapse",
                suggestion="write `with plate(...), collapse(): ...`",
            )
        if type(msg["scale"]) is not float or msg["scale"] != 1.0 or (is_latent and msg["mask"] not in (None, True)):
            raise SiteError(
                f"site {name!r} is scaled or masked inside collapse, where its density is part of a sum",
                expected="scale and mask around collapse",
                suggestion="write `with scale(scale=...), collapse(): ...`",
            )
        _check_batch(msg, self._first, self._sizes)

    def _log_sum(self) -> Tensor:
        """The log of the sum: the latents are eliminated one after the other, the last first."""
        factors = self._factors
        for dim in sorted(self._sizes):
            joined = [term for term in factors if _has_dim(term.shape, dim)]
            factors = [term for term in factors if not _has_dim(term.shape, dim)]
            if joined:  # a latent of one value is in no factor
                factors.append(torch.logsumexp(sum(joined), dim, keepdim=True))  # type: ignore[arg-type]
        total = sum(factors, torch.zeros(()))
        return total.reshape(total.shape[max(total.dim() + self._first + 1, 0) :])


def _has_dim(shape: Sequence[int], dim: int) -> bool:
    return len(shape) >= -dim and shape[dim] != 1


def _check_batch(msg: Message, first: int, sizes: dict[int, int]) -> None:
    """Refuse batch dims of a site's own left of the plates: they would be taken for those of the sum."""
    law, value = msg["fn"].batch_shape, msg["value"]
    is_data = value is not None and not msg["infer"].get("is_auxiliary")  # the value of a factor is empty
    data = tuple(torch.as_tensor(value).shape) if is_data else ()
    data = data[: len(data) - len(msg["fn"].event_shape)]
    of_law = any(law[dim] not in (1, sizes.get(dim, 1)) for dim in range(-len(law), first + 1))
    of_data = any(data[dim] != 1 for dim in range(-len(data), first + 1))
    if of_law or of_data:
        raise ShapeError(
            f"site {msg['name']!r} has batch dims that belong to no plate, where collapse lays out its sum",
            seen=f"batch shape {tuple(law)} of the law" + (f", {data} of the value" if value is not None else ""),
            expected=f"dim {first} and those left of it free",
            suggestion="put a plate around collapse, declare event dims with .to_event(), or give first_available_dim",
        )
